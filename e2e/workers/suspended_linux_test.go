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

// suspension is longer than what a worker and its engine wait for each other.
const suspension = 12 * time.Second

// TestSuspended suspends programs and workers for longer than anything waits, and lets them go on: their runs succeed. All at once, since it
// takes so long.
func TestSuspended(t *testing.T) {
	t.Parallel()
	path := builds.Program(t, "acts")
	engine, worker, start := trial.NewSite(t), trial.NewSite(t), trial.NewSite(t, "ACTS_SLOW=2s")
	all := map[string]*trial.Program{
		"the engine, while a step ends":     engine.Start(t, path, "run", "gated", "--runner", "process"),
		"the worker":                        worker.Start(t, path, "run", "gated", "--runner", "process"),
		"the engine, while a worker starts": start.Start(t, path, "run", "gated", "--runner", "process"),
	}
	sites := map[string]*trial.Site{"the engine, while a step ends": engine, "the worker": worker, "the engine, while a worker starts": start}
	trial.Eventually(t, "the start of a worker", func() bool { return len(start.Workers(t)) > 0 })
	suspend(t, all["the engine, while a worker starts"].Process.Pid)
	waits(t, engine, "second", 1)
	suspend(t, all["the engine, while a step ends"].Process.Pid)
	open(t, engine)
	waits(t, worker, "second", 1)
	stopped := worker.Workers(t)
	if len(stopped) != 1 || !stopped[0].Signal(syscall.SIGSTOP) {
		t.Fatalf("the workers are %v", stopped)
	}
	open(t, worker)
	open(t, start)
	over := time.After(suspension)

	// A program that is only suspended still drives its run.
	other := engine.Start(t, path, "resume", "LAST")
	want := fmt.Sprintf("process %d on ", all["the engine, while a step ends"].Process.Pid)
	if err := other.Wait(t); err == nil || !strings.Contains(other.Said(), want) {
		t.Errorf("resume of a suspended program's run: %v\n%s", err, other.Said())
	}
	for _, r := range engine.Records(t).Runs {
		if r.State != metadata.RunRunning || r.Epoch != 1 {
			t.Errorf("the run of the suspended program is %s in epoch %d", r.State, r.Epoch)
		}
	}

	<-over
	_ = all["the engine, while a step ends"].Process.Signal(syscall.SIGCONT)
	_ = all["the engine, while a worker starts"].Process.Signal(syscall.SIGCONT)
	stopped[0].Signal(syscall.SIGCONT)
	for name, p := range all {
		if err := p.Wait(t); err != nil {
			t.Errorf("%s was suspended: %v\n%s", name, err, p.Said())
			continue
		}
		wantEditions(t, sites[name], "first edition", "first edition", "first edition")
		for step, n := range map[string]int{"first": 1, "second": 2, "third": 1} {
			if got := sites[name].Count(t, "begin", step); got != n {
				t.Errorf("%s was suspended: step %s began %d times, want %d", name, step, got, n)
			}
		}
	}
}

// suspend stops a process, and returns when it has stopped.
func suspend(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}
