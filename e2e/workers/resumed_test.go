//go:build unix

package workers_test

import (
	"regexp"
	"testing"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

// TestTwoResumes resumes a run twice at once: one of both goes on with it, the other one says so.
func TestTwoResumes(t *testing.T) {
	t.Parallel()
	path := builds.Program(t, "acts")
	for _, runner := range []string{"goroutine", "process"} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			site := trial.NewSite(t)
			p := site.Start(t, path, "run", "gated", "--runner", runner)
			const rounds = 3
			for round := range rounds {
				waits(t, site, "second", round+1)
				recorded(t, site, "first")
				p.Kill()
				site.Quiet(t)
				p = race(t, site, path)
			}
			open(t, site)
			if err := p.Wait(t); err != nil {
				t.Errorf("%v\n%s", err, p.Said())
			}
			wantEditions(t, site, "first edition", "first edition", "first edition")
			if n := site.Count(t, "begin", "first"); n != 1 {
				t.Errorf("what had succeeded began %d times", n)
			}
			if n := site.Count(t, "begin", "second") - site.Count(t, "fails", "second"); n != rounds+1 {
				t.Errorf("step second began %d times and did not fail, want once for each of %d programs", n, rounds+1)
			}
		})
	}
}

// race resumes a run twice at once, and returns the program that drives it.
func race(t *testing.T, site *trial.Site, path string) *trial.Program {
	t.Helper()
	a, b := site.Start(t, path, "resume", "LAST"), site.Start(t, path, "resume", "LAST")
	var loser, winner *trial.Program
	trial.Eventually(t, "the end of one of both", func() bool {
		select {
		case <-a.Ended():
			loser, winner = a, b
		case <-b.Ended():
			loser, winner = b, a
		default:
		}
		return loser != nil
	})
	err := loser.Wait(t)
	taken := regexp.MustCompile(`process \d+ on .* drives it|has another driver in epoch \d+: .*, process \d+|is driven by another process now`)
	if err == nil || !taken.MatchString(loser.Said()) {
		t.Errorf("the other one ended with %v, and said\n%s", err, loser.Said())
	}
	return winner
}
