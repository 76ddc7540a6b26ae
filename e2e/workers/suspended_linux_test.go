package workers_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// suspension is longer than a worker and its engine wait for each other.
const suspension = 15 * time.Second

// TestSuspended suspends programs and workers for longer than anything waits, and lets them go on: their runs succeed. All at once, since it
// takes so long.
func TestSuspended(t *testing.T) {
	t.Parallel()
	path := builds.Program(t, "acts")
	run := func(env ...string) (*trial.Site, *trial.Program) {
		site := trial.NewSite(t, env...)
		return site, site.Start(t, path, "run", "gated", "--runner", "process")
	}
	starting, starts := run("ACTS_SLOW=2s") // its workers
	ending, ends := run()
	working, works := run()
	trial.Eventually(t, "the start of a worker", func() bool { return len(starting.Workers(t)) > 0 })
	suspend(t, starts)
	waits(t, ending, "second", 1)
	suspend(t, ends)
	waits(t, working, "second", 1)
	workers := working.Workers(t)
	if len(workers) != 1 || !workers[0].Signal(syscall.SIGSTOP) {
		t.Fatalf("the workers are %v", workers)
	}
	for _, site := range []*trial.Site{starting, ending, working} {
		open(t, site)
	}
	over := time.After(suspension)

	// A program that is only suspended still drives its run.
	other := ending.Start(t, path, "resume", "LAST")
	want := fmt.Sprintf("process %d on ", ends.Process.Pid)
	if err := other.Wait(t); err == nil || !strings.Contains(other.Said(), want) {
		t.Errorf("resume of a suspended program's run: %v\n%s", err, other.Said())
	}
	for _, r := range ending.Records(t).Runs {
		if r.State != metadata.RunRunning || r.Epoch != 1 {
			t.Errorf("the run of the suspended program is %s in epoch %d", r.State, r.Epoch)
		}
	}

	<-over
	_ = starts.Process.Signal(syscall.SIGCONT)
	_ = ends.Process.Signal(syscall.SIGCONT)
	workers[0].Signal(syscall.SIGCONT)
	wantWhole(t, "the engine, while a worker started", starting, starts)
	wantWhole(t, "the engine, while a step ended", ending, ends)
	wantWhole(t, "the worker", working, works)
}

// wantWhole waits for the end of a run of which something was suspended. Each step did what it does if nothing happens.
func wantWhole(t *testing.T, what string, site *trial.Site, p *trial.Program) {
	t.Helper()
	if err := p.Wait(t); err != nil {
		t.Errorf("%s was suspended: %v\n%s", what, err, p.Said())
		return
	}
	wantEditions(t, site, "first edition", "first edition", "first edition")
	for step, want := range map[string]int{"first": 1, "second": 2, "third": 1} {
		if n := site.Count(t, "begin", step); n != want {
			t.Errorf("%s was suspended: step %s began %d times, want %d", what, step, n, want)
		}
	}
}

// suspend stops a program. Its workers are in groups of their own, and go on.
func suspend(t *testing.T, p *trial.Program) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}
