package environment_test

import (
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

// TestReadOnlyHome: what is recorded in a home that cannot be written is shown all the same, and what would write is refused before a step runs.
func TestReadOnlyHome(t *testing.T) {
	t.Parallel()
	for _, left := range []string{"closed", "killed"} {
		t.Run(left, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			mount(t, "disk", site.Home, "tmpfs", 0, "size=64m")
			tenon, want := tenonCommand(t), undisturbed(t)
			site.Run(t, endure(t), "run", "--set", "items=5", "--name", "before")
			chosen := site.Run(t, tenon, "artifact", "get", "endure/Chosen")
			if left == "killed" {
				p := site.Start(t, endure(t), runArgs...)
				size, _ := journal.Size(site.Journal)
				trial.Eventually(t, "a step of the second run", func() bool { now, _ := journal.Size(site.Journal); return now > size })
				p.Kill()
				site.Quiet(t)
			}
			remount(t, site.Home, unix.MS_RDONLY, "")
			before, noted := contents(t, site), len(site.Noted(t, 0))

			for _, look := range [][]string{
				{"run", "list"}, {"run", "show", "before"}, {"run", "logs", "before", "list"}, {"cache", "list"}, {"stack", "list"}, {"gc", "--dry-run"},
			} {
				site.Run(t, tenon, look...)
			}
			if got := site.Run(t, tenon, "artifact", "get", "endure/Chosen"); got != chosen {
				t.Errorf("a result reads %q, was %q", got, chosen)
			}
			for _, refused := range [][]string{
				append([]string{endure(t)}, runArgs...), {endure(t), "resume", "LAST"}, {tenon, "run", "delete", "before", "--yes"},
				{tenon, "cache", "prune", "--keep-size", "0", "--yes"},
			} {
				p := site.Start(t, refused[0], refused[1:]...)
				if p.Wait(t) == nil {
					t.Errorf("%v succeeds", refused)
				}
				if refused[1] != "resume" || left == "killed" { // the first has succeeded
					said(t, p, site.Home)
					if text := p.Said(); !strings.Contains(text, "read-only") && !strings.Contains(text, "writable") {
						t.Errorf("%v says %s", refused, brief(text))
					}
				}
			}
			if now := len(site.Noted(t, 0)); now != noted {
				t.Errorf("%d steps ran", now-noted)
			}
			if diff := cmp.Diff(before, contents(t, site)); diff != "" {
				t.Errorf("files changed: %s", diff)
			}
			remount(t, site.Home, 0, "")
			if left == "closed" {
				site.Run(t, endure(t), runArgs...)
			}
			recovers(t, site, endure(t), runArgs, want)
		})
	}
}

// TestReadOnlyBeside: a home that is only read at one place is written at another, as in a container.
func TestReadOnlyBeside(t *testing.T) {
	t.Parallel()
	site, view := trial.NewSite(t), trial.NewSite(t)
	site.Run(t, endure(t), "run", "--set", "items=3", "--name", "before")
	mount(t, site.Home, view.Home, "", unix.MS_BIND, "")
	remount(t, view.Home, unix.MS_BIND|unix.MS_RDONLY, "")
	p := site.Start(t, endure(t), runArgs...)
	looks := 0
	for over := false; !over; looks++ {
		select {
		case <-p.Ended():
			over = true
		default:
		}
		list := view.Start(t, tenonCommand(t), "run", "list")
		if err := list.Wait(t); err != nil {
			said(t, list, "another program began to write")
		} else if !strings.Contains(list.Output(), "before") {
			t.Errorf("run list says %s", list.Said())
		}
	}
	if err := p.Wait(t); err != nil {
		t.Fatalf("%v\n%s", err, brief(p.Said()))
	}
	t.Logf("%d looks", looks)
	succeeded(t, site, undisturbed(t))
}

// TestNoHome: a home that cannot be made says so, before a step runs.
func TestNoHome(t *testing.T) {
	t.Parallel()
	site := trial.NewSite(t)
	mount(t, "disk", site.Home, "tmpfs", unix.MS_RDONLY, "size=1m")
	for _, args := range [][]string{runArgs, append([]string{"--home", site.Home + "/deeper"}, runArgs...)} {
		p := site.Start(t, endure(t), args...)
		if p.Wait(t) == nil {
			t.Error("a run without a home succeeds")
		}
		said(t, p, site.Home, "read-only file system", "writ")
	}
	if n := len(site.Noted(t, 0)); n > 0 {
		t.Errorf("%d steps ran", n)
	}
	if said := site.Run(t, tenonCommand(t), "run", "list"); !strings.Contains(said, "no runs") {
		t.Errorf("run list says %s", said)
	}
}

// contents returns digests of all files.
func contents(t *testing.T, site *trial.Site) map[string][sha256.Size]byte {
	t.Helper()
	sums := map[string][sha256.Size]byte{}
	for _, path := range site.Files(t) {
		if strings.HasSuffix(path, "-shm") {
			continue // locks are in it
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sums[path] = sha256.Sum256(data)
	}
	return sums
}
