package declgraph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// module is a small module of several packages by file name. Steps A and B share nothing but what every step has.
var module = map[string]string{
	"m/main.go": `package main

import (
	"context"
	"m/feat"
	"m/text"
	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/pipeline"
)

var Pipe = pipeline.Define("pipe", func(p *pipeline.Builder, in int) int {
	a := pipeline.Step(p, "a", A, in)
	b := pipeline.Step(p, "b", B, a)
	return pipeline.Step(p, "c", func(ctx context.Context, in int) (int, error) {
		return onlyC(in), nil
	}, b)
})

func A(ctx context.Context, in int) (int, error) {
	var s feat.Scaler = feat.Std{}
	x := feat.Scale(in) + limit + feat.Order(in)
	for name := range feat.Registry {
		x += len(name)
	}
	return s.Fit(x) + feat.Weekday(in), nil
}

func B(ctx context.Context, in int) (int, error) {
	words := text.Split("a b")
	return len(words) + unit, nil
}

func onlyC(in int) int { return in }

var limit = 3

const unit = 7

func main() { tenon.Main(Pipe) }
`,
	"m/feat/feat.go": `package feat

import "sort"

const (
	Mon = iota
	Tue
)

var factor = 2

var Registry = map[string]int{}

func Register(name string, v int) { Registry[name] = v }

// Scale scales.
func Scale(in int) int { return in * factor }

func Weekday(in int) int { return in + Tue }

type Scaler interface{ Fit(int) int }

type base struct{ k int }

func (b base) plus(x int) int { return x + b.k }

type Std struct{ base }

func (s Std) Fit(x int) int { return s.plus(x) }

type byNumber []int

func (b byNumber) Len() int           { return len(b) }
func (b byNumber) Less(i, j int) bool { return b[i] < b[j] }
func (b byNumber) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func Order(in int) int {
	x := byNumber{in, 1}
	sort.Sort(x)
	return x[0]
}
`,
	"m/feat/fill.go": `package feat

var filled = Register("three", 3)
`,
	"m/feat/os_linux.go":   "package feat\n\nfunc platform() int { return 1 }\n",
	"m/feat/os_windows.go": "package feat\n\nfunc platform() int { return 2 }\n",
	"m/feat/init.go":       "package feat\n\nfunc init() { Register(\"one\", platform()) }\n",
	"m/text/text.go": `package text

import "strings"

var stop = map[string]bool{"the": true}

func Split(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		if !stop[w] && Min(len(w), 3) > 0 {
			out = append(out, w)
		}
	}
	return out
}

type number interface{ ~int | ~float64 }

func Min[T number](a, b T) T {
	if a < b {
		return a
	}
	return b
}
`,
	"m/other/other.go": "package other\n\nfunc init() { println() }\n",
}

func graphOf(t testing.TB, files map[string]string) *Graph {
	t.Helper()
	var sources []Source
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := Scan([]byte(files[name]))
		again, ok := Decode(f.Encode())
		if !ok {
			t.Fatalf("%s: its summary does not survive encoding", name)
		}
		sources = append(sources, Source{Name: name, File: again})
	}
	g, ok := Link("m", nil, sources)
	if !ok {
		t.Fatal("the module does not link")
	}
	return g
}

// prints returns a fingerprint of each step.
func prints(t testing.TB, files map[string]string) map[string]string {
	t.Helper()
	g, out := graphOf(t, files), map[string]string{}
	for name, mark := range map[string]string{"A": "func A(", "B": "func B(", "C": `"c", func(`} {
		before, _, ok := strings.Cut(files["m/main.go"], mark)
		if !ok {
			t.Fatalf("no %s", mark)
		}
		parts, identity, ok := g.Reach("m/main.go", 1+strings.Count(before, "\n"), name == "C")
		if !ok {
			t.Fatalf("step %s is not found", name)
		}
		var b strings.Builder
		b.WriteString(identity)
		for _, p := range parts {
			fmt.Fprintf(&b, "\n%s %x", p.Name, p.Digest[:6])
		}
		out[name] = b.String()
	}
	return out
}

func TestEdits(t *testing.T) {
	t.Parallel()
	before := prints(t, module)
	for _, e := range []struct{ what, file, from, to, changed string }{
		{"comment", "m/feat/feat.go", "// Scale scales.", "// Scale scales a lot.\n//\n// Really.", ""},
		{"formatting", "m/feat/feat.go", "{ return in * factor }", "{\n\n\treturn in *\n\t\tfactor\n}", ""},
		{"trailing comma", "m/feat/feat.go", "byNumber{in, 1}", "byNumber{\n\t\tin,\n\t\t1,\n\t}", ""},
		{"order of declarations", "m/main.go", "var limit = 3\n\nconst unit = 7\n", "const unit = 7\n\nvar limit = 3\n", ""},
		{"helper", "m/feat/feat.go", "in * factor", "in * factor * 1", "A"},
		{"renamed local", "m/feat/feat.go", "func Scale(in int) int { return in * factor }", "func Scale(n int) int { return n * factor }", "A"},
		{"iota group", "m/feat/feat.go", "= iota", "= iota + 1", "A"},
		{"constant before another", "m/feat/feat.go", "\tMon = iota\n", "\tSun = iota\n\tMon\n", "A"},
		{"variable", "m/main.go", "var limit = 3", "var limit = 4", "A"},
		{"constant", "m/main.go", "unit = 7", "unit = 8", "B"},
		{"private variable of a package", "m/feat/feat.go", "factor = 2", "factor = 3", "A"},
		{"registry filled by an initialiser", "m/feat/fill.go", "3)", "4)", "ABC"},
		{"order of an initialiser with effects", "m/feat/fill.go", "var filled = Register(\"three\", 3)\n", "var early = len(Registry)\n\nvar filled = Register(\"three\", 3)\n", "ABC"},
		{"registry filled by init", "m/feat/init.go", `"one"`, `"uno"`, "ABC"},
		{"another platform's file", "m/feat/os_windows.go", "2", "3", "ABC"},
		{"register function", "m/feat/feat.go", "Registry[name] = v", "Registry[name+name] = v", "ABC"},
		{"interface", "m/feat/feat.go", "Scaler interface{ Fit(int) int }", "Scaler interface{ Fit(int) int; String() string }", "A"},
		{"embedded struct", "m/feat/feat.go", "base struct{ k int }", "base struct{ k, l int }", "A"},
		{"method of an embedded struct", "m/feat/feat.go", "return x + b.k", "return x - b.k", "A"},
		{"method reached through an interface", "m/feat/feat.go", "return s.plus(x)", "return -s.plus(x)", "A"},
		{"method that another module calls", "m/feat/feat.go", "return b[i] < b[j]", "return b[i] > b[j]", "A"},
		{"new method of a used type", "m/feat/feat.go", "type byNumber", "func (byNumber) String() string { return \"\" }\n\ntype byNumber", "A"},
		{"generic function", "m/text/text.go", "if a < b", "if b > a", "B"},
		{"constraint", "m/text/text.go", "~int | ~float64", "~int | ~float32", "B"},
		{"map that is only read", "m/text/text.go", `"the": true`, `"a": true`, "B"},
		{"step written in place", "m/main.go", "onlyC(in), nil", "onlyC(in) + 1, nil", "C"},
		{"helper of that", "m/main.go", "func onlyC(in int) int { return in }", "func onlyC(in int) int { return -in }", "C"},
		{"wiring", "m/main.go", `b := pipeline.Step(p, "b", B, a)`, `b := pipeline.Step(p, "bb", B, a+1)`, ""},
		{"step itself", "m/main.go", "return len(words) + unit, nil", "return len(words) - unit, nil", "B"},
		{"package that is not linked", "m/other/other.go", "println()", "panic(1)", ""},
		{"main", "m/main.go", "func main() { ", "func main() { println(); ", "ABC"},
		{"init in main", "m/main.go", "func main() ", "func init() { limit = 5 }\n\nfunc main() ", "ABC"},
		{"setter that nobody calls", "m/main.go", "func main() ", "func set() { limit = 5 }\n\nfunc main() ", "A"},
		{"setter through a pointer", "m/main.go", "func main() ", "func set() { *where() = 5 }\n\nfunc where() *int { return &limit }\n\nfunc main() ", "A"},
		{"step that sets another's variable", "m/main.go", "return onlyC(in), nil", "limit = 4; return onlyC(in), nil", "AC"},
		{"local that hides", "m/main.go", "words := text.Split(\"a b\")", "limit := 4; words := text.Split(\"a b\"); _ = limit", "B"},
		{"import under the same name", "m/text/text.go", `import "strings"`, `import strings "bytes"`, "B"},
		{"package that registers something", "m/text/text.go", `import "strings"`, "import \"strings\"\n\nimport _ \"image/png\"", "ABC"},
		{"quiet package", "m/text/text.go", `import "strings"`, "import (\n\t\"strings\"\n\t\"sort\"\n)", ""},
		{"debug setting", "m/main.go", "package main", "//go:debug panicnil=1\npackage main", "ABC"},
		{"unused file constraint", "m/feat/os_linux.go", "package feat", "//go:build !race\n\npackage feat", "ABC"},
		{"file renamed", "m/text/text.go -> m/text/words.go", "", "", ""},
		{"file with an init renamed before another", "m/feat/init.go -> m/feat/ainit.go", "", "", "ABC"},
		{"file renamed to another platform's", "m/text/text.go -> m/text/text_darwin.go", "", "", "B"},
	} {
		files := maps.Clone(module)
		if from, to, ok := strings.Cut(e.file, " -> "); ok {
			files[to] = files[from]
			delete(files, from)
		} else {
			if !strings.Contains(files[e.file], e.from) {
				t.Fatalf("%s: %s does not contain %q", e.what, e.file, e.from)
			}
			files[e.file] = strings.Replace(files[e.file], e.from, e.to, 1)
		}
		after := prints(t, files)
		changed := strings.Join(slices.DeleteFunc([]string{"A", "B", "C"}, func(step string) bool { return after[step] == before[step] }), "")
		if changed != e.changed {
			t.Errorf("%s: the edit changes %q, want %q", e.what, changed, e.changed)
		}
	}
}
