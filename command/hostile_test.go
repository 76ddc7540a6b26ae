package command_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/step"
)

// A value is one argument, whatever it holds, and never a placeholder.
func TestValuesAreNotRead(t *testing.T) {
	t.Parallel()
	type in struct {
		Param string
		Text  artifact.Ref[string]
	}
	type out struct{ A, B, C artifact.Ref[string] }
	for _, text := range []string{
		"{out.A}", "{Param}", "{{", "}", "$(touch x); `touch x` | & > < * ? ~ \\ ' \"", "a b\tc\nd\r\n", "--help", "", "\xff\xfe", "é 世界", "%s %d", strings.Repeat("x", 40_000),
	} {
		spec := deed("write", "{out.A}", "{Param}", "{out.B}", "={Text:value}={Param}=")
		spec.Args = append(spec.Args, "{out.C}", "{{{Param}}}")
		got, err := command.Run[out](t.Context(), command.With(spec, in{text, artifact.New(text)}))
		if !strings.HasPrefix(text, "\xff") && err != nil {
			t.Errorf("%.100q: %v", text, err)
			continue
		}
		if strings.HasPrefix(text, "\xff") { // as an argument it may be anything; as a string that comes back it may not
			if !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "not UTF-8") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if got.A.Value() != text || got.B.Value() != "="+text+"="+text+"=" || got.C.Value() != "{"+text+"}" {
			t.Errorf("%.100q became %.100q, %.100q and %.100q", text, got.A.Value(), got.B.Value(), got.C.Value())
		}
	}
}

func TestValuesThatAreNoArgument(t *testing.T) {
	t.Parallel()
	type in struct{ Param string }
	for text, want := range map[string]string{
		"a\x00b":                       "the value of {Param} holds a NUL byte, which no program can be given",
		strings.Repeat("x", 3_000_000): "give the program a file instead, such as {params}",
	} {
		_, err := command.Run[struct{}](t.Context(), command.With(deed("nothing", "{Param}"), in{text}))
		if !errors.Is(err, component.ErrInvalid) || !step.IsPermanent(err) || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.10q: the error is %.300v", text, err)
		}
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	type opts struct {
		Depth int `json:"depth"`
		Tags  []string
	}
	type in struct {
		Rate  float64 `json:"rate"`
		Opts  opts
		Name  string
		None  *int
		Input artifact.Ref[int]
	}
	type out struct{ Params, Text artifact.Ref[string] }
	got, err := command.Run[out](t.Context(), command.With(
		deed("copy", "{params}", "{out.Params}", "{Input}", "{out.Text}"),
		in{Rate: 1e-7, Opts: opts{3, []string{"a"}}, Name: "<é>", Input: artifact.New(7)},
	))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Name":"\u003cé\u003e","None":null,"Opts":{"depth":3,"Tags":["a"]},"rate":1e-7}` + "\n"
	if got.Params.Value() != want || got.Text.Value() != "7\n" {
		t.Errorf("the parameters are %s and the input %q", got.Params.Value(), got.Text.Value())
	}
	texts, err := command.Run[artifact.Ref[string]](t.Context(), command.With(
		deed("write", "{out}", "{Rate} {Opts} {Name} {None} {Input:value}"), in{Rate: 0.1, Name: "n", Input: artifact.New(7)},
	))
	if want := `0.1 {"depth":0,"Tags":null} n null 7`; err != nil || texts.Value() != want {
		t.Errorf("the texts are %q, %v", texts.Value(), err)
	}
}

// Outputs that are missing, malformed, or not what the program wrote.
func TestBadOutputs(t *testing.T) {
	t.Parallel()
	type point struct{ X, Y float64 }
	type model struct {
		Bias float64
		W    []float64
		Opt  *int
		Pair [2]int
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		run  func(context.Context, command.Call[struct{}]) error
		spec command.Spec
		code component.Code
		want string
	}{
		"missing":         {into[artifact.File], deed("nothing", "{out}"), component.FailedPrecondition, "output output (output): the program ended well and did not write it"},
		"missing value":   {into[float64], deed("nothing", "{out}"), component.FailedPrecondition, "output output (output.json): the program ended well and did not write it"},
		"directory":       {into[artifact.File], deed("copy", ".", "{out}"), component.Invalid, "it is no regular file"},
		"no directory":    {into[artifact.Dir], deed("link", "../report", "{out}"), component.FailedPrecondition, "failed (exit status 3)"},
		"link to file":    {into[artifact.File], deed("link", outside, "{out}"), component.Invalid, "it is a link to " + realPath(t, outside) + ", outside of the directory of the step: write a copy"},
		"link to value":   {into[string], deed("link", outside, "{out}"), component.Invalid, "outside of the directory of the step"},
		"link to link":    {into[artifact.File], deed("link", "/proc/self/cwd/../../../../../../../../"+outside, "{out}"), component.Invalid, "it is a link"},
		"link to nowhere": {into[artifact.File], deed("link", "nowhere", "{out}"), component.Invalid, "it is a link that leads nowhere"},
		"link to itself":  {into[artifact.File], deed("link", "output", "{out}"), component.Invalid, "it is a link that leads nowhere"},
		"link in tree":    {into[artifact.Dir], deed("link", outside, "{out}/sub"), component.Invalid, "sub: it is a link to"},
		"empty JSON":      {into[float64], deed("write", "{out}", " \n"), component.Invalid, "it is malformed: it is empty"},
		"no JSON":         {into[float64], deed("write", "{out}", "\n0.5 0.6"), component.Invalid, "it is malformed: line 2: invalid character '0' after top-level value"},
		"NaN":             {into[[]float64], deed("write", "{out}", "[1, NaN]"), component.Invalid, "JSON has no NaN and no Infinity"},
		"Infinity":        {into[[]float64], deed("write", "{out}", "[-Infinity]"), component.Invalid, "JSON has no NaN and no Infinity"},
		"null":            {into[float64], deed("write", "{out}", "null"), component.Invalid, "it is malformed: it is null"},
		"null in list":    {into[[]float64], deed("write", "{out}", "[1, null]"), component.Invalid, "it is malformed: [1]: it is null"},
		"other type":      {into[float64], deed("write", "{out}", `"0.5"`), component.Invalid, "cannot unmarshal string"},
		"not UTF-8":       {into[map[string]int], deed("write", "{out}", "{{\"\xff\": 1}}"), component.Invalid, "it is not UTF-8"},
		"text not UTF-8":  {into[string], deed("write", "{out}", "\xff"), component.Invalid, "it is not UTF-8: make it a []byte or an artifact.File"},
		"missing member":  {into[model], deed("write", "{out}", `{{"W": [], "Pair": [1, 2]}}`), component.Invalid, `the member "Bias" is missing`},
		"unknown member":  {into[model], deed("write", "{out}", `{{"Bias": 0, "W": [], "Pair": [1, 2], "Bios": 1}}`), component.Invalid, `the member "Bios" has no field in command_test.model`},
		"twice":           {into[model], deed("write", "{out}", `{{"Bias": 0, "W": [], "Pair": [1, 2], "bias": 1}}`), component.Invalid, `the member "bias" comes twice`},
		"twice in map":    {into[map[string]int], deed("write", "{out}", `{{"a": 0, "a": 1}}`), component.Invalid, `the member "a" comes twice`},
		"null member":     {into[[]model], deed("write", "{out}", `[{{"Bias": null, "W": [], "Pair": [1, 2]}}]`), component.Invalid, `[0].Bias: it is null`},
		"short array":     {into[model], deed("write", "{out}", `{{"Bias": 0, "W": [], "Pair": [1]}}`), component.Invalid, `Pair: it has 1 elements, want 2`},
		"deep":            {into[model], deed("write", "{out}", strings.Repeat("[", 100_000)), component.Invalid, "exceeded max depth"},
		"no CSV header":   {into[[]point], deed("write", "{out:csv}", ""), component.Invalid, "it is empty: the first line names the columns"},
		"missing column":  {into[[]point], deed("write", "{out:csv}", "X\n1\n"), component.Invalid, `column "Y" is missing`},
		"unknown column":  {into[[]point], deed("write", "{out:csv}", "X,Y,Z\n1,2,3\n"), component.Invalid, `there is no field for column "Z": want X, Y`},
		"column twice":    {into[[]point], deed("write", "{out:csv}", "X,X,Y\n1,2,3\n"), component.Invalid, `column "X" comes twice`},
		"short line":      {into[[]point], deed("write", "{out:csv}", "X,Y\n1,2\n1\n"), component.Invalid, `record on line 3: wrong number of fields`},
		"bad cell":        {into[[]point], deed("write", "{out:csv}", "Y,X\n1,2\n1,two\n"), component.Invalid, `line 3, column "X": "two" is no float64: invalid syntax`},
		"empty cell":      {into[artifact.Table[point]], deed("write", "{out:csv}", "Y,X\n1,\n"), component.Invalid, `line 2, column "X": "" is no float64: invalid syntax`},
		"quotes":          {into[[]point], deed("write", "{out:csv}", "X,Y\n\"1,2\n"), component.Invalid, `extraneous or missing " in quoted-field`},
		"no Parquet":      {into[[]point], deed("write", "{out}", "PAR1PAR1PAR1"), component.Invalid, "it is malformed: "},
		"no PNG":          {into[imageT], deed("write", "{out}", "png"), component.Invalid, "it is malformed: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.run(t.Context(), command.With(c.spec, struct{}{}))
			if component.CodeOf(err) != c.code || err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 500 {
				t.Errorf("the error is %.500v (%v), want %v with %q", err, component.CodeOf(err), c.code, c.want)
			}
		})
	}
}

func into[T any](ctx context.Context, call command.Call[struct{}]) error {
	_, err := command.Run[artifact.Ref[T]](ctx, call)
	return err
}

func realPath(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A link to another file of the step is what it leads to.
func TestLinkInside(t *testing.T) {
	t.Parallel()
	type out struct{ Best, Latest artifact.Ref[string] }
	spec := deed("write", "{out.Best}", "weights")
	spec.Args = []string{"sh", "-c", `echo weights > "$1"; ln -s "$1" "$2"`, "sh", "{out.Best}", "{out.Latest}"}
	got, err := command.Run[out](t.Context(), command.With(spec, struct{}{}))
	if err != nil || got.Latest.Value() != "weights\n" {
		t.Errorf("it is %q, %v", got.Latest.Value(), err)
	}
}

func TestNoSuchProgram(t *testing.T) {
	t.Parallel()
	script := artifact.FromBytes("x", []byte("#!/does/not/exist\n"))
	for name, c := range map[string]struct {
		spec command.Spec
		code component.Code
		want string
	}{
		"in PATH":        {command.Spec{Args: []string{"no-such-program"}}, component.NotFound, `there is no program "no-such-program" in PATH: install it where the step runs, or name its path: executable file not found in $PATH`},
		"path":           {command.Spec{Args: []string{"./no-such-program"}}, component.NotFound, "start no-such-program: "},
		"directory":      {command.Spec{Args: []string{"/"}}, component.PermissionDenied, "start /: "},
		"not executable": {command.Spec{Args: []string{"/etc/passwd"}}, component.PermissionDenied, "start passwd: "},
		"no interpreter": {command.Spec{Args: []string{"./x"}, Files: map[string]artifact.Source{"x": script}}, component.NotFound, "start x: "},
	} {
		_, err := command.Run[struct{}](t.Context(), command.With(c.spec, struct{}{}))
		if component.CodeOf(err) != c.code || !step.IsPermanent(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v (%v)", name, err, component.CodeOf(err))
		}
	}
}

func TestEnvironment(t *testing.T) {
	// Not parallel: it sets variables.
	t.Setenv("COMMAND_TEST_SECRET", "s3cret")
	t.Setenv("COMMAND_TEST_OTHER", "other")
	t.Setenv("TENON_WORKER", "socket")
	t.Setenv("TENON_HOME", "/home")
	type in struct{ Param string }
	spec := deed("env", "{out}")
	spec.Env = map[string]string{"GREETING": "hello {Param}", "LANG": "de_DE.UTF-8"}
	spec.Inherit = append(spec.Inherit, "COMMAND_TEST_SECRET", "COMMAND_TEST_UNSET")
	got, err := command.Run[artifact.Ref[string]](t.Context(), command.With(spec, in{"{out}"}))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	values := map[string]string{}
	for line := range strings.Lines(got.Value()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		names = append(names, name)
		values[name] = value
	}
	slices.Sort(names)
	for name, want := range map[string]string{"GREETING": "hello {out}", "LANG": "de_DE.UTF-8", "COMMAND_TEST_SECRET": "s3cret", "PATH": os.Getenv("PATH")} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
	known := []string{
		"COMMAND_TEST_SECRET", "GORACE", "GREETING", "HOME", "LANG", "LOGNAME", "PATH", "TEMP", "TENON_COMMAND", "TENON_REPORT", "TMP", "TMPDIR", "USER",
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "GOCOVERDIR" })
	if extra := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(known, n) }); len(extra) > 0 {
		t.Errorf("the program also sees %v", extra)
	}
	if diff := cmp.Diff(slices.Compact(slices.Clone(names)), names); diff != "" {
		t.Errorf("variables are set twice: %s", diff)
	}
}
