package gc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
)

// command returns a command that runs this binary in a role, on a home.
func command(ctx context.Context, name, home string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), role+"="+name, "TENON_HOME="+home, "NO_COLOR=1")
	return cmd
}

// TestProcesses runs programs, and commands that delete, prune and collect, each in a process of its own. Some of the collectors are killed.
func TestProcesses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	home := t.TempDir()
	var group sync.WaitGroup
	several := func(times int, do func(i int) error) {
		group.Go(func() {
			for i := range times {
				if err := do(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	run := func(name string, args ...string) error {
		out, err := command(t.Context(), name, home, args...).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "another garbage collector is at work") {
			return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
		}
		return nil
	}
	for range 2 {
		several(16, func(int) error { return run("churn", "--set", fmt.Sprint("seed=", rand.IntN(6))) })
	}
	several(24, func(i int) error {
		if i%2 == 0 {
			return run("tenon", "gc", "--grace", "0s")
		}
		ctx, kill := context.WithTimeout(t.Context(), time.Duration(rand.IntN(100))*time.Millisecond)
		defer kill()
		_ = command(ctx, "tenon", home, "gc", "--grace", "0s").Run()
		return nil
	})
	several(12, func(int) error { return run("tenon", "run", "delete", "--keep-last", "2", "--yes") })
	several(12, func(int) error { return run("tenon", "cache", "prune", "--keep-size", "20kB", "--yes") })
	group.Wait()

	client := open(t, home)
	if left, err := client.Metadata().Deleting(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("what a killed collector was deleting still is being deleted: %v (%v)", left, err)
	}
	if n := verify(t, client); n == 0 {
		t.Error("nothing is recorded")
	}
	if _, err := client.GC(t.Context(), tenon.GCOptions{Grace: -1}); err != nil {
		t.Error(err)
	}
	verify(t, client)
}
