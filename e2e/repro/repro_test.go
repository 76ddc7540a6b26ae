package repro

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/tenon-ml/tenon" // a result of these tests is not to be kept when the SDK changes
)

// lab is a module with a program, a home and a tenon command.
type lab struct {
	*testing.T
	dir, tenon string
	env        []string
}

func newLab(t *testing.T) lab {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := lab{T: t, dir: filepath.Join(dir, "lab"), tenon: filepath.Join(dir, "tenon")}
	l.env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "TENON_HOME="+filepath.Join(dir, "home"))
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(l.dir, os.DirFS("testdata/lab")); err != nil {
		t.Fatal(err)
	}
	mod, sum := l.read("../go.mod"), l.read("../go.sum")
	mod = strings.Replace(mod, "module github.com/tenon-ml/tenon/e2e", "module example.com/lab", 1)
	l.write("go.mod", strings.Replace(mod, "=> ../", "=> "+root, 1))
	l.write("go.sum", sum)
	l.write("birds.csv", "gentoo,5700\nchinstrap,\nadelie,3750\n") // the chinstrap has no mass
	l.write("notes/sub/notes.txt", "windy\n")
	build := exec.Command("go", "build", "-o", l.tenon, "./cmd/tenon")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build tenon: %v\n%s", err, out)
	}
	return l
}

func (l lab) read(path string) string {
	l.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		l.Fatal(err)
	}
	return string(text)
}

func (l lab) write(name, text string) {
	l.Helper()
	path := filepath.Join(l.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		l.Fatal(err)
	}
}

// run runs a program in the lab, and returns what it printed and whether it succeeded.
func (l lab) run(name string, args ...string) (string, bool) {
	l.Helper()
	cmd := exec.CommandContext(l.Context(), name, args...)
	cmd.Dir, cmd.Env = l.dir, slices.Concat(l.env, []string{"PWD=" + l.dir})
	out, err := cmd.CombinedOutput()
	l.Logf("%s %s\n%s", filepath.Base(name), strings.Join(args, " "), out)
	return string(out), err == nil
}

// must is run for what succeeds.
func (l lab) must(name string, args ...string) string {
	l.Helper()
	out, ok := l.run(name, args...)
	if !ok {
		l.Fatalf("%s %v failed:\n%s", name, args, out)
	}
	return out
}

// A run fails; each of its failed steps fails in the same way in a test that is written for it, whatever kind of function it is, in another
// place, without the state directory and the outside data of the run. When the step is mended, the test passes.
func TestFailedSteps(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", "lab"}} {
		l.must("git", args...)
	}
	revision := strings.TrimSpace(l.must("git", "rev-parse", "HEAD"))
	l.write("lab.yaml", "on_failure: continue\n")
	if out, ok := l.run("go", "run", ".", "--name", "night", "--config", "lab.yaml"); ok {
		t.Fatalf("the run succeeded:\n%s", out)
	}
	fails := map[string]struct{ test, say string }{
		"weigh":    {"weigh", `row 1000, chinstrap0: strconv.ParseFloat: parsing "": invalid syntax`},
		"check[1]": {"check_1", "panic: runtime error: index out of range [0] with length 0"},
		"print":    {"print", "exit status 3"},
	}
	for step := range fails {
		l.must(l.tenon, "run", "repro", "night", step)
	}
	for _, step := range []string{"load", "few", "count", "check[0]"} { // which succeeded
		l.must(l.tenon, "run", "repro", "LAST", step)
	}
	out := l.must(l.tenon, "run", "repro", "night", "weigh", "--name", "again", "-o", "json")
	var view struct {
		Revision string   `json:"revision"`
		Error    string   `json:"error"`
		Break    []string `json:"break"`
	}
	if err := json.Unmarshal([]byte(out), &view); err != nil || view.Revision != revision || view.Error != fails["weigh"].say ||
		len(view.Break) != 1 || !strings.HasSuffix(view.Break[0], "lab.go:60") {
		t.Errorf("%+v, %v, at %s", view, err, revision)
	}
	l.must("go", "vet", ".")
	if out := l.must("gofmt", "-l", "."); out != "" {
		t.Errorf("not gofmt-ed:\n%s", out)
	}

	// Nothing of the run is left here but its tests.
	for _, gone := range []string{"../home", "birds.csv", "notes"} {
		if err := os.RemoveAll(filepath.Join(l.dir, gone)); err != nil {
			t.Fatal(err)
		}
	}
	out, ok := l.run("go", "test", "-v", "-run", "TestRepro", ".")
	if ok {
		t.Error("the tests of failed steps pass")
	}
	for step, fail := range fails {
		if !strings.Contains(out, "--- FAIL: TestRepro_"+fail.test+" ") || !strings.Contains(out, "step "+step+" fails as it did in run ") || !strings.Contains(out, fail.say) {
			t.Errorf("step %s does not fail as it did:\n%s", step, out)
		}
	}
	if !strings.Contains(out, "INFO weighing notes=windy from=500") {
		t.Errorf("step weigh does not go on from its checkpoint, or its log is not that of the test:\n%s", out)
	}
	for _, name := range []string{"load", "few", "count", "check_0"} {
		if !strings.Contains(out, "--- PASS: TestRepro_"+name+" ") {
			t.Errorf("%s does not pass:\n%s", name, out)
		}
	}

	code := l.read(filepath.Join(l.dir, "lab.go"))
	for was, is := range map[string]string{
		`m, err := strconv.ParseFloat(b.Mass, 64)`:            `m, err := strconv.ParseFloat(strings.TrimSpace("0"+b.Mass), 64)`,
		`return artifact.New(strings.Fields(b.Mass)[0]), nil`: `return artifact.New(strings.TrimSpace(b.Mass)), nil`,
	} {
		if !strings.Contains(code, was) {
			t.Fatalf("there is no %s to mend", was)
		}
		code = strings.Replace(code, was, is, 1)
	}
	l.write("lab.go", code)
	if out = l.must("go", "test", "-v", "-run", "TestRepro_(weigh|check|load)", "."); strings.Count(out, "--- PASS: ") != 4 {
		t.Errorf("not all tests ran:\n%s", out)
	}
	l.write("lab.go", strings.Replace(code, "for i := range 1000", "for i := range 999", 1))
	if out, ok = l.run("go", "test", "-run", "TestRepro_load", "."); ok || !strings.Contains(out, "output output of step load is not that of run ") {
		t.Errorf("a step that makes something else passes:\n%s", out)
	}
	l.write("lab.go", strings.Replace(code, "checkIn{b, in.Unit}", "checkIn{b, 2 * in.Unit}", 1))
	if out, ok = l.run("go", "test", "-run", "TestRepro_check", "."); ok || !strings.Contains(out, "parameter Unit of step check is 0.002 now") {
		t.Errorf("a step with another parameter is called:\n%s", out)
	}
}

// What is not copied is read from where it is, and named when it is not there.
func TestNotCopied(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.run("go", "run", ".")
	out := l.must(l.tenon, "run", "repro", "LAST", "weigh", "--copy-limit", "0")
	if !strings.Contains(out, "read from where it is") {
		t.Errorf("it does not say what is not copied:\n%s", out)
	}
	const fails = "step weigh fails as it did in run "
	if out, ok := l.run("go", "test", "."); ok || !strings.Contains(out, fails) {
		t.Errorf("without copies:\n%s", out)
	}
	l.write("notes/sub/notes.txt", "calm\n")
	if out, ok := l.run("go", "test", "."); ok || strings.Contains(out, fails) || !strings.Contains(out, "changed since the run was submitted") {
		t.Errorf("with another source:\n%s", out)
	}
	l.write("notes/sub/notes.txt", "windy\n")
	home := filepath.Join(l.dir, "..", "home")
	if err := os.Rename(home, home+"-away"); err != nil {
		t.Fatal(err)
	}
	if out, ok := l.run("go", "test", "."); ok || !strings.Contains(out, "input Birds") || !strings.Contains(out, "is not on this machine") {
		t.Errorf("without the state directory:\n%s", out)
	}
	if _, err := os.Stat(home); err == nil {
		t.Error("the test made a state directory")
	}
}
