package edits

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// declared are the steps that are fingerprinted by their declarations.
var declared = []string{"numbers", "words", "figures", "tables", "chosen", "literal", "embedded", "library", "generic", "wide", "inferred", "foreign", "picked"}

var everyStep = strings.Join(declared, " ")

// edit is one of the table: in a file, from one text to another, and the steps that must run again; all others of those that are declared
// must be cached.
type edit struct{ what, file, from, to, ran string }

// The first of each group run with -short, too.
var table = []edit{
	{"comment", "features/features.go", "// Scale multiplies.", "// Scale multiplies by a factor.", ""},
	{"helper", "features/features.go", "return x * by", "return x * by * 2", "numbers"},
	{"registry filled by an initialiser of another package", "fill/fill.go", `"added", 1`, `"added", 2`, everyStep},
	{"method reached only by encoding/json", "shapes/shapes.go", "`\"square\"`", "`\"cube\"`", "figures"},
	{"embedded file", "page.txt", "one", "two", "embedded"},
	{"module that is replaced by a directory", "../lib/lib.go", "42", "43", everyStep},
	{"step that is written in place", "steps.go", `"literal", in.Start`, `"literal", -in.Start`, "literal"},

	{"formatting", "features/features.go", "func Scale(x int) int { return scaled(x, factor) }", "func Scale(x int) int {\n\n\treturn scaled(\n\t\tx,\n\t\tfactor,\n\t)\n}", ""},
	{"order of declarations", "features/features.go", "var factor = 3\n", "", ""}, // moved to the end, see below
	{"renamed local variable", "steps.go", "double := func(x int) int { return 2 * x }\n\treturn artifact.New(fmt.Sprint(\"chosen\", double(in.Start)))", "twice := func(x int) int { return 2 * x }\n\treturn artifact.New(fmt.Sprint(\"chosen\", twice(in.Start)))", "chosen"},
	{"constant of a group", "features/features.go", "Monday = iota", "Monday = iota + 2", "numbers"},
	{"constant before another of its group", "features/features.go", "\tTuesday\n", "\tExtra\n\tTuesday\n", "numbers"},
	{"variable with an initialiser", "features/features.go", "factor = 3", "factor = 4", "numbers"},
	{"function that an initialiser calls", "features/features.go", "return x + 1", "return x + 2", "numbers"},
	{"variable that init in main sets", "fill.go", "import _ \"example.com/edits/fill\"", "import (\n\t_ \"example.com/edits/fill\"\n\t\"example.com/edits/registry\"\n)\n\nfunc init() { registry.Mode = \"main\" }", everyStep},
	{"variable set by an init of its package", "features/features.go", "// Scale multiplies.", "func init() { limit = 6 }\n", everyStep},
	{"variable set by a step", "features/features.go", "func scaled(x, by int) int { return", "func scaled(x, by int) int { limit = 7; return", "numbers"},
	{"registry filled by init of another package", "fill/fill.go", `"init", platform()`, `"init", 7+platform()`, everyStep},
	{"variable that another package sets", "fill/fill.go", `"filled"`, `"full"`, everyStep},
	{"how the registry is listed", "registry/registry.go", "fmt.Sprint(k, entries[k])", "fmt.Sprint(k, \"=\", entries[k])", "tables"},
	{"how the registry is filled", "registry/registry.go", "entries[name] = value", "entries[name] = 2 * value", everyStep},
	{"type", "shapes/shapes.go", "type Base struct{ Side int }", "type Base struct{ Side int; Name string }", "figures"},
	{"type of a step's input", "steps.go", "type in struct{ Start int }", "type in struct{ Start int `json:\"start\"` }", strings.Join(declared[:10], " ") + " picked"},
	{"method of a used type", "shapes/shapes.go", "return 2 * b.Side", "return 3 * b.Side", "figures"},
	{"method of an interface", "shapes/shapes.go", "return s.double() * s.Side", "return s.double() + s.Side", "figures"},
	{"method reached only by package sort", "shapes/shapes.go", "return d[i] > d[j]", "return d[i] < d[j]", "figures"},
	{"embedded struct", "shapes/shapes.go", "type Square struct{ Base }", "type Square struct {\n\tBase\n\tName string\n}", "figures"},
	{"generic function", "text/text.go", "if a > b {", "if a < b {", "words"},
	{"constraint", "text/text.go", "~int | ~string", "~int | ~string | ~float64", "words"},
	{"function that a dot import brings", "text/text.go", "len(w) > len(longest)", "len(w) < len(longest) || longest == \"\"", "words"},
	{"name that is hidden by a local one", "steps.go", "func total() int { return 1 }", "func total() int { return 2 }", "tables"},
	{"local name that hides", "steps.go", "total := 10", "total := 11", "words"},
	{"closure", "steps.go", "return 2 * x }", "return 3 * x }", "chosen"},
	{"function kept in a map", "steps.go", `fmt.Sprint("chosen", `, `fmt.Sprint("Chosen", `, "chosen"},
	{"helper of a step that is written in place", "steps.go", "func literalHelper() int { return 1 }", "func literalHelper() int { return 2 }", "literal"},
	{"decorated function", "steps.go", `fmt.Sprint("plain"`, `fmt.Sprint("Plain"`, "decorated"},
	{"method value", "steps.go", "m.rate*in.Start", "m.rate+in.Start", "method"},
	{"generic step", "steps.go", `fmt.Sprint("generic"`, `fmt.Sprint("Generic"`, "generic wide"},
	{"helper of a generic step", "steps.go", "genericHelper(x int) int { return x }", "genericHelper(x int) int { return -x }", "generic wide"},
	{"constraint of a generic step", "steps.go", "interface{ comparable }", "interface{ comparable; any }", "generic wide"},
	{"type argument of a generic step", "steps.go", "type small struct{ A int8 }", "type small struct{ A int16 }", "generic"},
	{"method of a type argument", "steps.go", `return "large"`, `return "Large"`, "wide"},
	{"another type argument", "steps.go", "generic[small]", "generic[word]", "generic"},
	{"method of a type argument that is inferred", "steps.go", `return "word"`, `return "Word"`, "inferred"},
	{"type argument of a helper", "steps.go", `return "token"`, `return "Token"`, "words"},
	{"what a function of another module calls back", "steps.go", `fmt.Sprint("given"`, `fmt.Sprint("Given"`, "foreign"},
	{"another module's version", "go.mod", versionedBefore, versionedAfter, everyStep},
	{"function kept in a variable", "steps.go", `fmt.Sprint("first"`, `fmt.Sprint("First"`, "picked"},
	{"variable that holds a step function", "steps.go", "picked = first", "picked = second", "picked"},
	{"receiver", "steps.go", "model{rate: 3}", "model{rate: 4}", "receiver"},
	{"receiver of a step that is said to be pure", "steps.go", "model{rate: 2}", "model{rate: 4}", "method"},
	{"new file that an embed pattern matches", "pages/two.txt", "", "two", "embedded"},
	{"embed pattern", "steps.go", "//go:embed page.txt", "//go:embed page.txt\n//nothing", ""},
	{"file of another platform", "fill/platform_other.go", "return 2", "return 3", everyStep},
	{"build constraint", "fill/platform_other.go", "//go:build !linux", "//go:build !linux && !race", everyStep},
	{"package that is not linked", "unlinked/unlinked.go", "return 1", "return 2", ""},
	{"tests", "features/features_test.go", "", "package features\n\nvar inTest = 1\n", ""},
	{"version of the language", "go.mod", "go 1.26.0", "go 1.26", everyStep},
	{"main", "main.go", "flag.Parse()", "flag.Parse()\n\tprintln()", everyStep},
	{"wiring of another step", "steps.go", `"numbers", numbers, in{1}`, `"numbers2", numbers, in{1}`, ""},
}

// apply returns the files after an edit.
func (e edit) apply(t testing.TB, files map[string]string) map[string]string {
	t.Helper()
	files = maps.Clone(files)
	if !strings.Contains(files[e.file], e.from) {
		t.Fatalf("%s: %s does not contain %q", e.what, e.file, e.from)
	}
	files[e.file] = strings.Replace(files[e.file], e.from, e.to, 1)
	if e.what == "order of declarations" {
		files[e.file] += "\n" + e.from
	}
	return files
}

// files returns what the edits start from, beside the copy of the SDK.
func (w workspace) files() map[string]string {
	w.Helper()
	files := original(w)
	files["../lib/lib.go"] = read(w, w.path("lib/lib.go"))
	files["go.mod"] = read(w, w.path("program/go.mod"))
	files["features/features_test.go"], files["pages/two.txt"] = "", ""
	return files
}

func (w workspace) set(files map[string]string) {
	w.Helper()
	for name, content := range files {
		if content == "" {
			os.Remove(w.path("program/" + name))
			continue
		}
		w.write("program/"+name, content)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	base := w.files()
	if r := w.goRun("."); len(r.ran(declared)) != len(declared) {
		t.Fatalf("in the first run %v ran", r.ran(declared))
	}
	if r := w.goRun("."); len(r.ran(declared)) > 0 {
		t.Fatalf("in the second run %v ran again", r.ran(declared))
	}
	edits := table
	if testing.Short() {
		edits = table[:7]
	}
	for _, e := range edits {
		w.set(e.apply(t, base))
		r := w.goRun(".")
		want := strings.Fields(e.ran)
		got := r.ran(declared)
		if len(want) == 1 && !slices.Contains(declared, want[0]) { // one whose code syntax does not tell
			want = nil
			if r.States[e.ran] != "succeeded" {
				t.Errorf("%s: step %s is %s", e.what, e.ran, r.States[e.ran])
			}
		}
		if e.what == "wiring of another step" {
			got = slices.DeleteFunc(got, func(s string) bool { return s == "numbers" }) // has another name now
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v ran, want %v", e.what, got, want)
		}
		if r.States["captures"] != "succeeded" {
			t.Errorf("%s: the step that captures a variable is %s", e.what, r.States["captures"])
		}
	}
	w.set(base)
	if r := w.goRun("."); len(r.ran(declared)) > 0 {
		t.Errorf("everything put back: %v ran", r.ran(declared))
	}
	for _, args := range [][]string{{"-threshold=3"}} {
		if r := w.goRun(append([]string{"."}, args...)...); r.States["captures"] != "succeeded" {
			t.Errorf("%v: the step that captures what came from a flag is %s", args, r.States["captures"])
		}
	}
	w.otherBuilds()
}

// otherBuilds runs the same source built in other ways.
func (w workspace) otherBuilds() {
	w.Helper()
	none := func(what string, r report) {
		w.Helper()
		if got := r.ran(declared); len(got) > 0 {
			w.Errorf("%s: %v ran", what, got)
		}
	}
	all := func(what string, r report) {
		w.Helper()
		if got := r.ran(declared); len(got) < len(declared) {
			w.Errorf("%s: only %v ran", what, got)
		}
	}
	for _, flag := range []string{"-ldflags=-X main.version=2", "-tags=special", "-trimpath"} {
		all("go run "+flag, w.goRun(flag, "."))
		none("go run "+flag+", a second time", w.goRun(flag, "."))
		if testing.Short() {
			break
		}
	}
	bin := w.path("bin")
	cmd := exec.CommandContext(w.Context(), "go", "build", "-o", bin, ".")
	cmd.Dir, cmd.Env = w.path("program"), w.env
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	all("a built program", w.run(bin))
	none("a built program, a second time", w.run(bin))
	w.write("program/features/features.go", "not Go")
	none("a built program, and source that is not its own", w.run(bin))
	os.RemoveAll(w.path("program/features"))
	none("a built program without its source", w.run(bin))
}
