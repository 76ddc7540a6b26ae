package explain

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/tenon-ml/tenon" // a result of these tests is not to be kept when the SDK changes
)

// workspace is a directory with the program, the tenon command, and a copy of the SDK, which nobody edits meanwhile.
type workspace struct {
	*testing.T
	dir string
}

func newWorkspace(t *testing.T) workspace {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := workspace{t, dir}
	w.copyTree("../..", "sdk")
	w.copyTree("testdata/program", "program")
	mod := w.read("../go.mod")
	mod = strings.Replace(mod, "module github.com/tenon-ml/tenon/e2e", "module example.com/explained", 1)
	w.write("program/go.mod", strings.Replace(mod, "=> ../", "=> ../sdk", 1))
	w.write("program/go.sum", w.read("../go.sum"))
	w.command(w.path("sdk"), "go", "build", "-o", w.path("tenon"), "./cmd/tenon")
	return w
}

// copyTree copies a module without its tests, and without the modules within.
func (w workspace) copyTree(root, to string) {
	w.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, inner := os.Stat(filepath.Join(path, "go.mod"))
			if strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || inner == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "go.work") {
			w.write(filepath.Join(to, name), w.read(path))
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w workspace) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

func (w workspace) read(path string) string {
	w.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	return string(data)
}

func (w workspace) write(name, content string) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(content), 0o644); err != nil {
		w.Fatal(err)
	}
}

// edit replaces what occurs once in a file of the program, and waits until the clock that stamps files has gone on, as it has between an edit
// and the run that a person starts.
func (w workspace) edit(name, from, to string) {
	w.Helper()
	old := w.read(w.path("program/" + name))
	if strings.Count(old, from) != 1 {
		w.Fatalf("%s holds %q not once", name, from)
	}
	w.write("program/"+name, strings.Replace(old, from, to, 1))
	<-time.After(80 * time.Millisecond)
}

func (w workspace) command(dir, name string, args ...string) []byte {
	w.Helper()
	out, err := w.try(dir, name, args...)
	if err != "" {
		w.Fatalf("%s %v: %s", name, args, err)
	}
	return out
}

// try runs a command, and returns why that does not work.
func (w workspace) try(dir, name string, args ...string) ([]byte, string) {
	cmd := exec.CommandContext(w.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "TENON_HOME="+w.path("home"), "PWD="+dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, err.Error() + "\n" + errs.String()
	}
	return out.Bytes(), ""
}

// run runs the program.
func (w workspace) run(name string, args ...string) {
	w.Helper()
	w.command(w.path("program"), "go", append([]string{"run", ".", "--name", name}, args...)...)
}

// explanation is what the tenon command says.
type explanation struct {
	Outcome     string
	Reason      string
	Differences []struct {
		Kind, Name   string
		Declarations []struct {
			Change, Name, File string
			Line               int
		}
		NewStep *struct{ Run, Step string } `json:"new_step"`
	}
	Against *struct{ Name string }
	Key     struct {
		Code struct {
			Mode         string
			Declarations int
		}
	}
}

func (w workspace) explain(run, step string, args ...string) explanation {
	w.Helper()
	out := w.command(w.dir, w.path("tenon"), append([]string{"cache", "explain", run, step, "-o", "json"}, args...)...)
	var x explanation
	if err := json.Unmarshal(out, &x); err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	return x
}

// said checks what is said of a step.
func (w workspace) said(run, step, outcome, reason string, args ...string) explanation {
	w.Helper()
	x := w.explain(run, step, args...)
	if x.Outcome != outcome || !strings.HasPrefix(x.Reason, reason) {
		w.Errorf("of step %s of run %s it is said: %s: %s; want %s: %s", step, run, x.Outcome, x.Reason, outcome, reason)
	}
	return x
}

// An edit of a helper is named, with its file and line, and so is what follows from it; an edit of what no step needs is no miss.
func TestEditedHelper(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.run("first")
	first := w.said("first", "fit", "miss", "no result of this step is recorded")
	if first.Key.Code.Mode != "source" || first.Key.Code.Declarations < 3 {
		t.Fatalf("the code is known by %+v", first.Key.Code)
	}

	w.edit("features/features.go", "return 1", "return 2")
	w.run("unused")
	for _, step := range []string{"load", "fit", "score"} {
		w.said("unused", step, "hit", "its result is that of step "+step+" of run ")
	}

	w.edit("features/features.go", "// Scale scales.\n", "// Scale scales\n// by more.\n")
	w.edit("features/features.go", "2 * float64(n)", "3 * float64(n)")
	w.run("edited")
	w.said("edited", "load", "hit", "")
	const changed = "features/features.go:6 features.Scale changed"
	x := w.said("edited", "fit", "miss", changed)
	if len(x.Differences) != 1 || len(x.Differences[0].Declarations) != 1 || x.Against == nil || x.Against.Name != "unused" {
		t.Errorf("want one declaration, and the nearest run: %+v", x)
	}
	x = w.said("edited", "score", "miss", "input Model from step fit")
	if len(x.Differences) != 1 || x.Differences[0].NewStep == nil || x.Differences[0].NewStep.Step != "fit" {
		t.Errorf("want one input and the step that made it: %+v", x)
	}
	w.said("edited", "fit", "miss", changed, "--against", "first")

	w.run("faster", "--set", "lr=0.2")
	w.said("faster", "fit", "miss", "parameter LR 0.1 → 0.2")

	w.edit("features/features.go", "3 * float64(n)", "base(n)")
	w.edit("features/features.go", "// Unused", "func base(n int) float64 { return float64(n) }\n\n// Unused")
	w.run("split")
	x = w.said("split", "fit", "miss", changed+" and 1 more")
	if d := x.Differences[0].Declarations; len(d) != 2 || d[1].Change != "added" || d[1].Name != "features.base" || d[1].Line != 10 {
		t.Errorf("want a changed and an added declaration: %+v", d)
	}

	w.edit("features/features.go", "{ return float64(n) }", `{ panic("no base") }`)
	if _, err := w.try(w.path("program"), "go", "run", ".", "--name", "resumed"); !strings.Contains(err, "no base") {
		t.Fatalf("the run does not fail as it should: %s", err)
	}
	w.said("resumed", "fit", "miss", "features/features.go:10 features.base changed")
	w.edit("features/features.go", `{ panic("no base") }`, "{ return 7 }")
	w.command(w.path("program"), "go", "run", ".", "resume", "resumed", "--accept-changes")
	w.said("resumed", "fit", "miss", "features/features.go:10 features.base changed", "--against", "split")

	w.command(w.path("program"), "go", "build", "-o", w.path("built"), ".")
	w.command(w.path("program"), w.path("built"), "--name", "built")
	w.said("built", "fit", "miss", "the code is known by the executable now, and was by its source")
	if text := string(w.command(w.dir, w.path("tenon"), "cache", "explain", "built", "fit")); !strings.Contains(text, "any edit of the program makes every step run again") {
		t.Errorf("what an executable means is not said:\n%s", text)
	}
	if text := string(w.command(w.dir, w.path("tenon"), "run", "diff", "first", "edited")); !strings.Contains(text, changed) {
		t.Errorf("run diff does not name the declaration:\n%s", text)
	}
}
