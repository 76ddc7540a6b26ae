package faults_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// The environment of the tests that kill. They are short by default; TENON_E2E_KILLS=100 is the long form.
const (
	envKills = "TENON_E2E_KILLS" // how often a program is killed for each runner, and five times as often as at each point
	envSeed  = "TENON_E2E_SEED"  // of the moments
	fewKills = 8
)

// Both sizes of a run: the second one has 200 steps, and finds results of the first.
var sizes = []int{12, 96}

// calm holds what the runs of each size come to that nobody disturbs.
var calm struct {
	sync.Mutex
	digests map[int]map[string]artifact.Digest
}

// undisturbed returns the digests of runs of each size that nobody disturbs.
func undisturbed(t *testing.T, path string) map[int]map[string]artifact.Digest {
	t.Helper()
	calm.Lock()
	defer calm.Unlock()
	if calm.digests != nil {
		return calm.digests
	}
	site := trial.NewSite(t)
	want := map[int]map[string]artifact.Digest{}
	for _, size := range sizes {
		site.Run(t, path, "run", "--set", "items="+strconv.Itoa(size))
		r := site.Records(t)
		want[size] = r.Digests(r.Runs[0].ID)
	}
	calm.digests = want
	return want
}

// killer kills one program after the other.
type killer struct {
	path    string
	flags   []string // of run
	want    map[int]map[string]artifact.Digest
	random  *rand.Rand
	fallen  histogram
	workers int // that were killed alone
	runs    int
}

// endurance is one run that is killed until it has succeeded.
type endurance struct {
	*killer
	site  *trial.Site
	size  int
	run   string                    // ID, once it is recorded
	ended bool                      // so it is recorded
	epoch int                       // of the last record
	done  map[metadata.StepKey]bool // when the program was last killed
	torn  int                       // what was left of a commit
	saved int                       // stages of the long step that are certainly saved
	read  int64                     // bytes of the journal
}

// strike starts a program with the given arguments, lets it be killed or not, and returns when it has ended. If it was killed, named says
// where, by what it left.
type strike func(t *testing.T, e *endurance, args []string) (named func(left) string)

// left is what a program left that was killed.
type left struct {
	run     metadata.Run // zero if it is not recorded
	records trial.Records
	torn    int // bytes of the last commit, if that is not whole
}

// endure lets a run come to its end on a site, however often it is struck.
func (k *killer) endure(t *testing.T, site *trial.Site, size int, with strike) {
	t.Helper()
	e := &endurance{killer: k, site: site, size: size, done: map[metadata.StepKey]bool{}}
	var err error
	if e.read, err = journal.Size(site.Journal); err != nil {
		t.Fatal(err)
	}
	for starts := 0; !e.attempt(t, with) && !t.Failed(); starts++ {
		if starts > 400 {
			t.Fatal("the run does not come to its end")
		}
	}
	k.runs++
	if !t.Failed() {
		e.checkEnd(t)
	}
}

// attempt starts the program once, checks what it leaves, and reports whether the run has succeeded.
func (e *endurance) attempt(t *testing.T, with strike) bool {
	t.Helper()
	args := append([]string{"run", "--set", "items=" + strconv.Itoa(e.size)}, e.flags...)
	if e.run != "" {
		args = []string{"resume", e.run}
	}
	named := with(t, e, args)
	e.site.Quiet(t)
	was := left{torn: e.site.Torn(t), records: e.site.Left(t)}
	if runs := was.records.Runs; e.run == "" && len(runs) > 0 && e.isMine(runs[0]) {
		e.run = runs[0].ID
	}
	for _, r := range was.records.Runs {
		if r.ID == e.run {
			was.run = r
		}
	}
	if named != nil {
		e.fallen.add(named(was))
	}
	e.checkLeft(t, was.records)
	for key := range was.records.Steps {
		if key.Run == e.run && was.records.Done(key) {
			e.done[key] = true
		}
	}
	e.epoch, e.ended, e.torn = was.run.Epoch, was.run.State.Ended(), was.torn
	if named != nil && e.random.IntN(2) == 0 {
		e.checkLost(t, was.run)
	}
	return was.run.State == metadata.RunSucceeded
}

// isMine reports whether a run is that of this size, and not of an earlier one on the same site.
func (e *endurance) isMine(r metadata.Run) bool {
	return string(r.Params) == fmt.Sprintf(`{"items":%d}`, e.size)
}
