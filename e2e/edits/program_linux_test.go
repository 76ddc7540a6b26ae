package edits

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/tenon-ml/tenon" // a result of these tests is not to be kept when the SDK changes
)

// report is what the program prints.
type report struct {
	Value, Fresh string
	States       map[string]string
}

// workspace is a directory with the program, a module that it replaces, and a copy of the SDK, which nobody edits meanwhile.
type workspace struct {
	testing.TB
	dir string
	env []string
}

func newWorkspace(t testing.TB) workspace {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := workspace{t, dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "EDITS_HOME="+filepath.Join(dir, "home"))}
	w.copySDK()
	for name, content := range original(t) {
		w.write("program/"+name, content)
	}
	mod, sum := read(t, "../go.mod"), read(t, "../go.sum")
	mod = strings.Replace(mod, "module github.com/tenon-ml/tenon/e2e", "module example.com/edits", 1)
	mod = strings.Replace(mod, "=> ../", "=> ../sdk", 1) + "\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n\nrequire " + versionedBefore + "\n"
	w.write("program/go.mod", mod)
	w.write("program/go.sum", sum+w.publish())
	w.write("lib/go.mod", "module example.com/lib\n\ngo 1.26.0\n")
	w.write("lib/lib.go", "package lib\n\nfunc Answer() int { return 42 }\n")
	return w
}

// original returns the files of the program.
func original(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := "testdata/program"
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = read(t, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// copySDK copies the root module without its tests, and without the modules within.
func (w workspace) copySDK() {
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, inner := os.Stat(filepath.Join(path, "go.mod"))
			if name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || inner == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && !strings.HasSuffix(name, "_test.go") && name != "go.work" && name != "go.work.sum" {
			w.write(filepath.Join("sdk", name), read(w, path))
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (w workspace) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

// write writes a file if it has another content.
func (w workspace) write(name, content string) {
	w.Helper()
	if old, err := os.ReadFile(w.path(name)); err == nil && string(old) == content {
		return
	}
	if err := os.MkdirAll(filepath.Dir(w.path(name)), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path(name), []byte(content), 0o644); err != nil {
		w.Fatal(err)
	}
}

// settle waits until the clock that stamps files has gone on, as it has between an edit and the run that a person starts.
func settle() { <-time.After(80 * time.Millisecond) }

func (w workspace) goRun(args ...string) report {
	w.Helper()
	return w.run("go", append([]string{"run"}, args...)...)
}

func (w workspace) run(name string, args ...string) report {
	w.Helper()
	r, err := w.try(name, args...)
	if err != "" {
		w.Fatalf("%s %v: %s", name, args, err)
	}
	return r
}

// try runs the program, and returns why that does not work.
func (w workspace) try(name string, args ...string) (report, string) {
	w.Helper()
	settle()
	cmd := exec.CommandContext(w.Context(), name, args...)
	cmd.Dir, cmd.Env = w.path("program"), append(slices.Clone(w.env), "PWD="+w.path("program"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return report{}, err.Error() + "\n" + errs.String()
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		w.Fatalf("%v\n%s", err, out.Bytes())
	}
	if r.Value != r.Fresh {
		w.Errorf("a stale hit: the run gave\n%s\nand without a cache it gives\n%s", r.Value, r.Fresh)
	}
	return r, ""
}

// ran returns the steps of the named ones that were not cached.
func (r report) ran(steps []string) []string {
	var names []string
	for _, s := range steps {
		if r.States[s] != "cached" {
			names = append(names, s)
		}
	}
	return names
}
