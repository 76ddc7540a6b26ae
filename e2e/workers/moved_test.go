//go:build unix

package workers_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

// TestSocketDeleted deletes the socket, the token, and the directory of both while a step runs. The worker that runs is not concerned, and the
// next ones find the engine.
func TestSocketDeleted(t *testing.T) {
	t.Parallel()
	path := builds.Program(t, "acts")
	for name, what := range map[string]string{"socket": "socket", "token": "token", "directory": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			p := site.Start(t, path, "run", "gated", "--runner", "process")
			waits(t, site, "second", 1)
			dirs, err := filepath.Glob(filepath.Join(site.Home, "tmp", "*", "rpc*"))
			if err != nil || len(dirs) != 1 {
				t.Fatalf("the engine serves in %v, %v", dirs, err)
			}
			if err := os.RemoveAll(filepath.Join(dirs[0], what)); err != nil {
				t.Fatal(err)
			}
			open(t, site)
			if err := p.Wait(t); err != nil {
				t.Fatalf("%v\n%s", err, p.Said())
			}
			wantEditions(t, site, "first edition", "first edition", "first edition")
			if n := site.Count(t, "begin", "second"); n != 2 {
				t.Errorf("step second was tried %d times, want 2", n)
			}
		})
	}
}

// TestHomeMoved moves the state directory away while a step runs. The program ends with an error that says what is wrong, and leaves nothing
// where the directory was. The run goes on from the new place.
func TestHomeMoved(t *testing.T) {
	t.Parallel()
	path := builds.Program(t, "acts")
	for _, runner := range []string{"goroutine", "process"} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			was := site.Home
			p := site.Start(t, path, "run", "gated", "--runner", runner)
			waits(t, site, "second", 1)
			recorded(t, site, "first")
			site.Home += "-moved"
			if err := os.Rename(was, site.Home); err != nil {
				t.Fatal(err)
			}
			open(t, site)
			endsWithout(t, p, was)
			site.Quiet(t)
			site.Run(t, path, "resume", "LAST")
			wantEditions(t, site, "first edition", "first edition", "first edition")
			if n := site.Count(t, "begin", "first"); n != 1 {
				t.Errorf("what had succeeded began %d times", n)
			}
			site.Verify(t, site.Records(t))
		})
	}
}

// TestHomeDeleted deletes the state directory while a step runs.
func TestHomeDeleted(t *testing.T) {
	t.Parallel()
	site := trial.NewSite(t)
	p := site.Start(t, builds.Program(t, "acts"), "run", "gated")
	waits(t, site, "second", 1)
	if err := os.RemoveAll(site.Home); err != nil {
		t.Fatal(err)
	}
	open(t, site)
	endsWithout(t, p, site.Home)
}

// endsWithout checks how a program ends whose state directory is no longer where it was.
func endsWithout(t *testing.T, p *trial.Program, home string) {
	t.Helper()
	err := p.Wait(t)
	want := "metadata " + filepath.Join(home, "tenon.db") + ": the database was moved away or deleted"
	if err == nil || !strings.Contains(p.Said(), want) {
		t.Errorf("the program ended with %v, want %q; it said\n%s", err, want, p.Said())
	}
	if _, err := os.Lstat(home); !os.IsNotExist(err) {
		var left []string
		_ = filepath.WalkDir(home, func(path string, _ os.DirEntry, _ error) error { left = append(left, path); return nil })
		t.Errorf("where the state directory was is %v, %v", left, err)
	}
}
