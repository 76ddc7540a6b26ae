package faults_test

import (
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// TestWorkersKilled kills workers, each at a random moment of its life, while the program goes on. Their attempts fail and are made again, and
// the run comes to what it comes to if nobody disturbs it.
func TestWorkersKilled(t *testing.T) {
	t.Parallel()
	seed := trial.Number(t, envSeed, int(time.Now().UnixNano()%1e9))
	t.Logf("%s=%d", envSeed, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 7))
	path := builds.Program(t, "endure")
	want := undisturbed(t, path)[sizes[0]]
	kills := max(10, trial.Number(t, envKills, 0)/4)

	killed := map[string]bool{} // IDs of attempts
	for len(killed) < kills {
		site := trial.NewSite(t)
		p := site.Start(t, path, "run", "--runner", "process", "--set", "items=12")
		here := killWorkers(t, site, p, random, kills-len(killed))
		if err := p.Wait(t); err != nil {
			t.Fatalf("%v\n%s", err, p.Said())
		}
		site.Quiet(t)
		r := site.Records(t)
		if diff := cmp.Diff(want, r.Digests(r.Runs[0].ID)); diff != "" {
			t.Errorf("digests of results (-undisturbed +killed):\n%s", diff)
		}
		for _, a := range r.Attempts {
			if !here[a.ID] {
				continue
			}
			killed[a.ID] = true
			// The report of one that is killed at its very end counts.
			if a.State != metadata.StepSucceeded && !strings.HasPrefix(a.Error, "killed: signal killed, which was not sent by Tenon") {
				t.Errorf("attempt %d of %v is %s: %s", a.Number, a.StepKey, a.State, a.Error)
			}
			delete(here, a.ID)
		}
		if len(here) > 0 || len(r.Unended()) > 0 {
			t.Errorf("of attempts %v nothing is recorded; not ended are %v", here, r.Unended())
		}
		site.Verify(t, r)
		site.Remove(t)
	}
	t.Logf("%d workers were killed", len(killed))
}

// killWorkers kills up to max workers of a program, some of them as soon as they are there.
func killWorkers(t *testing.T, site *trial.Site, p *trial.Program, random *rand.Rand, limit int) map[string]bool {
	t.Helper()
	killed, due := map[string]bool{}, map[string]time.Time{}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.Ended():
			return killed
		case now := <-tick.C:
			for _, w := range site.Workers(t) {
				if due[w.Attempt].IsZero() {
					due[w.Attempt] = now.Add(time.Duration(random.IntN(100)-50) * time.Millisecond)
				}
				if len(killed) < limit && now.After(due[w.Attempt]) && w.Signal(syscall.SIGKILL) {
					killed[w.Attempt] = true
				}
			}
		}
	}
}
