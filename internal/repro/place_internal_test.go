package repro

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
)

func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.com/lab\n"
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindIn(t *testing.T) {
	t.Parallel()
	const head = "package lab\n\nimport \"github.com/tenon-ml/tenon/pipeline\"\n\n"
	for name, test := range map[string]struct {
		code, expr string
		want, err  string
	}{
		"variable":       {head + `var Lab = pipeline.Define("lab", build)`, "", "Lab", ""},
		"among others":   {head + `var (Other, Lab = pipeline.Define("other", build), pipeline.Define("lab", build); x = 1)`, "", "Lab", ""},
		"constant":       {head + "const name = \"lab\"\nvar Lab = pipeline.Define(name, build)\nvar B = pipeline.Define(\"b\", build)", "", "Lab", ""},
		"type arguments": {head + `var Lab = (pipeline.Define[P, struct{}](("lab"), build))`, "", "Lab", ""},
		"function":       {head + "func lab() *pipeline.Pipeline[P, O] {\n\tx := 1\n\treturn pipeline.Define(\"lab\", build)\n}", "", "lab()", ""},
		"other import":   {strings.Replace(head, `"github`, `p "github`, 1) + `var Lab = p.Define("lab", build)`, "", "Lab", ""},
		"dot import":     {strings.Replace(head, `"github`, `. "github`, 1) + `var Lab = Define("lab", build)`, "", "Lab", ""},
		"computed name":  {head + `var Lab = pipeline.Define("l"+"ab", build)`, "", "Lab", ""},
		"given":          {head, "New(1).Lab", "New(1).Lab", ""},

		"none":             {head + `var Lab = 1`, "", "", "has no variable, and no function without parameters, that is pipeline lab: say with --expr"},
		"other":            {head + `var Lab = pipeline.Define("other", build)`, "", "", "has no variable"},
		"other package":    {"package lab\nvar Lab = pipeline.Define(\"lab\", build)", "", "", "has no variable"},
		"method":           {head + "func (t) lab() *P { return pipeline.Define(\"lab\", build) }", "", "", "has no variable"},
		"takes parameters": {head + "func lab(n int) *P { return pipeline.Define(\"lab\", build) }", "", "", "has no variable"},
		"in main":          {head + "func main() { tenon.Main(pipeline.Define(\"lab\", build)) }", "", "", "has no variable"},
		"several":          {head + "var A = pipeline.Define(\"a\"+x, build)\nvar B = pipeline.Define(y(), build)", "", "", "may have pipeline lab as A, B: choose with --expr"},
		"not Go":           {"package", "", "", "read the package: "},
		"no expression":    {head, "1 2", "", "is no Go expression"},
		"statements":       {head, "Lab); func() {}(", "", "is no Go expression"},
	} {
		dir := module(t, map[string]string{"lab.go": test.code, "lab_windows.go": "package", "a_test.go": "package lab_test\nfunc TestRepro_x(t *T) {}"})
		p, err := findIn(dir, "lab", test.expr)
		switch {
		case test.err != "":
			if !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || p.Expr != test.want || p.Package != "lab" || !cmp.Equal(p.declared, []string{"TestRepro_x"}):
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, err := findIn(t.TempDir(), "lab", ""); err == nil || !strings.Contains(err.Error(), "has no Go package") {
		t.Errorf("an empty directory: %v", err)
	}
}

// The package is found by where the steps were wired, also in a program that was built with -trimpath.
func TestFind(t *testing.T) {
	t.Parallel()
	dir := module(t, map[string]string{
		"cmd/lab/main.go": "package main\n\nimport \"github.com/tenon-ml/tenon/pipeline\"\n\nvar Lab = pipeline.Define(\"lab\", build)\n",
		"steps/steps.go":  "package steps\n\ntype T[A any] struct{}\n\nfunc (t *T[A]) Fit() {\n\tprintln()\n}\n\nfunc Train() { println() }\n",
	})
	main := filepath.Join(dir, "cmd", "lab")
	for name, wired := range map[string][]string{
		"where it is":    {filepath.Join(main, "main.go") + ":5"},
		"trimmed":        {"example.com/lab/cmd/lab/main.go:5"},
		"by a helper":    {filepath.Join(dir, "steps", "steps.go") + ":5", "example.com/lab/cmd/lab/main.go:5"},
		"by the program": {"", "/gone/main.go:5"},
	} {
		c := &Case{Plan: &plan.Plan{}, Recording: Recording{Pipeline: "lab"}}
		for _, at := range wired {
			c.Plan.Steps = append(c.Plan.Steps, plan.Step{Wired: at})
		}
		c.Planned = &c.Plan.Steps[0]
		c.Run.Driver.Program = metadata.Program{Dir: dir, Package: "example.com/lab/cmd/lab"}
		p, err := c.Find("", "")
		if err != nil || p.Dir != main || p.Package != "main" || p.Expr != "Lab" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if got := c.workDir(p); got != "../.." {
			t.Errorf("%s: working directory %q", name, got)
		}
		for fn, want := range map[string]string{
			"example.com/lab/steps.Train":           "steps.go:9",
			"example.com/lab/steps.Train[...]":      "steps.go:9",
			"example.com/lab/steps.(*T[...]).Fit":   "",
			"example.com/lab/steps.(*T).Fit-fm":     "steps.go:6",
			"example.com/lab/steps.Train.func1":     "",
			"main.main":                             "",
			"github.com/tenon-ml/tenon/command.Run": "",
			"":                                      "",
		} {
			c.Planned.Func = fn
			if got := filepath.Base(c.Breakpoint(p)); got != want && (want != "" || got != ".") {
				t.Errorf("%s: breakpoint %s, want %s", fn, got, want)
			}
		}
	}
	c := &Case{Plan: &plan.Plan{}, Planned: &plan.Step{Wired: "/gone/main.go:5"}, Recording: Recording{Pipeline: "lab"}}
	if _, err := c.Find("", ""); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "name the directory of its package with --dir") {
		t.Errorf("no source: %v", err)
	}
}

// Whatever was recorded, the test is Go with one function, and a recording that is read is one that is written.
func FuzzSource(f *testing.F) {
	f.Add("fit", "an error\n*/ func init() {}", `{"a":1}`, "sha256:00")
	f.Add("a/b.c-d", "\r\n//\x00\x1b`", "`", "\n")
	f.Fuzz(func(t *testing.T, step, message, param, digest string) {
		c := hostile(step, message, param, digest)
		name := c.DefaultName()
		if CheckName(name) != nil {
			name = "x"
		}
		text, err := c.source(Place{Package: "lab", Expr: "Lab"}, name, c.contents())
		if err != nil {
			t.Fatalf("%v", err)
		}
		checkSource(t, text)
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"index":-1,"inputs":[{"name":"A","digest":"sha256:00","record":{},"element":-1}],"sources":[{"copy":"../x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			if component.CodeOf(err) == component.Unknown {
				t.Errorf("an error without a code: %v", err)
			}
			return
		}
		text, err := r.json()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(text); err != nil {
			t.Errorf("it is not read again: %v", err)
		}
	})
}
