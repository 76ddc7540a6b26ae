package workers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

// TestForgot: a program that does not get to RunWorker, or does not tell it of its pipeline, is told what to do, and is not started again and
// again.
func TestForgot(t *testing.T) {
	t.Parallel()
	path := builds.Program(t, "forgot")
	const remedy = "Call tenon.RunWorker(pipelines...) in main when its dependencies are built, or tenon.Main"
	for does, c := range map[string]struct {
		within time.Duration // ample, but for the ten seconds that a worker has which does nothing
		want   []string
	}{
		"end":        {8 * time.Second, []string{remedy, "this process was started as a worker, and opens no client"}},
		"serve":      {trial.Patience, []string{remedy, "did not claim its attempt within 10s"}},
		"be partial": {8 * time.Second, []string{"pipeline forgot is not among those of this worker: pass it to tenon.RunWorker or tenon.Main"}},
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			begin := time.Now()
			p := site.Start(t, path, does)
			err := p.Wait(t)
			if took := time.Since(begin); took > c.within {
				t.Errorf("it took %v", took)
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(p.Said(), want) {
					t.Errorf("it ended with %v, want %q; it said\n%s", err, want, p.Said())
				}
			}
			if n := site.Count(t, "started", ""); n != 2 {
				t.Errorf("%d processes were started, want the program and one worker", n)
			}
			if left := site.Processes(t); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
			if r := site.Records(t); len(r.Attempts) != 1 || len(r.Unended()) > 0 {
				t.Errorf("attempts are recorded as %+v; not ended are %v", r.Attempts, r.Unended())
			}
		})
	}
}
