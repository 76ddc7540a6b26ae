package workers_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

// TestForked: what a worker started ends with it, however it was started, and however the worker ends.
func TestForked(t *testing.T) {
	t.Parallel()
	path := builds.Program(t, "acts")
	for _, end := range []string{"exit", "kill", "segv", "panic", "error"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			p := site.Start(t, path, "run", "forks", "--runner", "process", "--set", "end="+end)
			if err := p.Wait(t); err == nil {
				t.Errorf("the run succeeded: %s", p.Said())
			}
			if n := site.Count(t, "forked", "fork"); n != 1 {
				t.Errorf("it forked %d times", n)
			}
			if left := site.Processes(t); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
		})
	}
	for name, kill := range map[string]func(t *testing.T, site *trial.Site, p *trial.Program){
		"the worker is killed": func(t *testing.T, site *trial.Site, _ *trial.Program) {
			all := site.Workers(t)
			i := slices.IndexFunc(all, func(w trial.Process) bool { return w.Runs(path) })
			if i < 0 || !all[i].Signal(syscall.SIGKILL) {
				t.Errorf("the worker and what it started are %v", all)
			}
		},
		"the program is killed":      func(_ *testing.T, _ *trial.Site, p *trial.Program) { p.Kill() },
		"the program is interrupted": func(_ *testing.T, _ *trial.Site, p *trial.Program) { _ = p.Process.Signal(syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			p := site.Start(t, path, "run", "forks", "--runner", "process", "--set", "end=wait")
			trial.Eventually(t, "the children of the worker", func() bool { return site.Count(t, "forked", "fork") == 1 })
			kill(t, site, p)
			site.Quiet(t)
		})
	}
}
