package edits

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRandomEditsOfExamples does to the examples what TestRandomEdits does to the program: after each edit, the digest of every output of every
// step must be that of a run without a cache, and a run that fails must fail without one, too.
func TestRandomEditsOfExamples(t *testing.T) {
	t.Parallel()
	w, names := newExamples(t), []string{"line", "penguins", "sweep"}
	if _, err := exec.LookPath("python3"); err == nil {
		names = append(names, "python")
	}
	if testing.Short() {
		names = names[:2]
	}
	random := seeded(t)
	hits, misses := 0, 0
	for _, name := range names {
		now := sources(t, w.path("program/"+name))
		earlier := []map[string]string{now}
		w.bothWays(name)
		for range roundsOr(5, 2) {
			next, what := earlier[random.IntN(len(earlier))], "as it was"
			if random.IntN(5) > 0 {
				next, what = mutate(t, random, now)
			}
			for file, content := range next {
				w.write("program/"+name+"/"+file, content)
			}
			cached, ran, ok := w.bothWays(name)
			t.Logf("%s: %s: %d cached, %d ran, %v", name, what, cached, ran, ok)
			hits, misses = hits+cached, misses+ran
			if now = next; !ok {
				now = earlier[0]
			}
			earlier = append(earlier, now)
		}
	}
	t.Logf("%d hits, %d misses", hits, misses)
	if hits == 0 || misses == 0 {
		t.Error("the edits show nothing: every step always ran, or never")
	}
}

// newExamples is a workspace with a copy of the examples in place of the program.
func newExamples(t testing.TB) workspace {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := workspace{t, dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")}
	w.copySDK()
	root := "../../examples"
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, "_test.go") || filepath.Ext(path) == ".test" {
			return err
		}
		name, err := filepath.Rel(root, path)
		w.write("program/"+filepath.ToSlash(name), read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mod := read(t, w.path("program/go.mod"))
	w.write("program/go.mod", strings.Replace(mod, "tenon => ../", "tenon => ../sdk", 1))
	return w
}

// sources returns the Go files of a directory.
func sources(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	for _, name := range names {
		files[filepath.Base(name)] = read(t, name)
	}
	return files
}

// bothWays runs an example with and without a cache, compares what it gives, and counts the steps. It reports false if the example does not
// build, run or end.
func (w workspace) bothWays(name string) (cached, ran int, ok bool) {
	w.Helper()
	known, states, knownErr := w.outputs(name, filepath.Join(w.dir, "homes", name))
	fresh, _, freshErr := w.outputs(name, w.TempDir())
	if (knownErr == "") != (freshErr == "") {
		w.Errorf("%s: with a cache the run says %.300q, and without one %.300q", name, knownErr, freshErr)
	}
	if d := cmp.Diff(fresh, known); knownErr == "" && d != "" {
		w.Errorf("%s: stale hits, or a step that is not deterministic (-without a cache +with it):\n%s", name, d)
	}
	for _, state := range states {
		if state == "cached" {
			cached++
		} else {
			ran++
		}
	}
	return cached, ran, knownErr == ""
}

// outputs runs an example, and returns the digest of every output and the state of every step, or why that does not work.
func (w workspace) outputs(name, home string) (digests map[string]string, states []string, failure string) {
	w.Helper()
	settle()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute) // an edit may make a loop endless
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", "./"+name, "run", "--home", home, "-o", "json")
	cmd.Dir, cmd.Env, cmd.WaitDelay = w.path("program"), append(slices.Clone(w.env), "PWD="+w.path("program")), time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with what it started
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, nil, err.Error() + "\n" + errs.String()
	}
	var run struct {
		Steps []struct {
			Step, State string
			Index       int
			Outputs     []struct {
				Name   string
				Record struct{ Digest string }
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &run); err != nil {
		w.Fatalf("%v\n%s", err, out.Bytes())
	}
	digests = map[string]string{}
	for _, s := range run.Steps {
		states = append(states, s.State)
		for _, o := range s.Outputs {
			digests[fmt.Sprintf("%s[%d].%s", s.Step, s.Index, o.Name)] = o.Record.Digest
		}
	}
	if len(digests) == 0 {
		w.Fatalf("%s has no outputs: %s", name, out.Bytes())
	}
	return digests, states, ""
}

// seeded returns the source of random edits, and says how to repeat them.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat it with -edits.seed=%d", s)
	return rand.New(rand.NewPCG(s, 0))
}
