package faults_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// The environment of the tests. They are short by default; TENON_E2E_KILLS=200 is the long form.
const (
	envKills = "TENON_E2E_KILLS" // how often a program is killed for each runner
	envSeed  = "TENON_E2E_SEED"  // of the moments
	fewKills = 15
)

// TestKilledAtRandom kills a program, its workers, and single workers at random moments, and resumes it, until it has succeeded. Nothing
// that was recorded as done is done again, and everything comes to what it comes to if nobody disturbs it.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	kills := trial.Number(t, envKills, fewKills)
	runners := map[string][]string{"goroutine": {"--runner", "goroutine"}, "process": {"--runner", "process"}}
	if kills > fewKills {
		runners["mixed"] = []string{"--config", mixed(t)}
	}
	seed := trial.Number(t, envSeed, int(time.Now().UnixNano()%1e9))
	path := builds.Program(t, "endure")
	want := undisturbed(t, path)
	for runner, flags := range runners {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			t.Logf("%s=%d", envSeed, seed)
			k := &killer{path: path, flags: flags, want: want, random: rand.New(rand.NewPCG(uint64(seed), uint64(runner[0])))}
			for k.fallen.total() < kills && !t.Failed() {
				k.endure(t)
			}
			t.Logf("%d kills of the program, %d of single workers, %d runs:\n%s", k.fallen.total(), k.workers, k.runs, k.fallen)
		})
	}
}

// Both sizes of a run: the second one finds results of the first.
var sizes = []int{3, 6}

// undisturbed returns the digests of runs of each size that nobody disturbs.
func undisturbed(t *testing.T, path string) map[int]map[string]artifact.Digest {
	t.Helper()
	site := trial.NewSite(t)
	want := map[int]map[string]artifact.Digest{}
	for _, size := range sizes {
		site.Run(t, path, "run", "--set", "items="+strconv.Itoa(size))
		r := site.Records(t)
		want[size] = r.Digests(r.Runs[0].ID)
	}
	return want
}

// mixed writes a configuration with steps in processes of their own between others.
func mixed(t *testing.T) (path string) {
	t.Helper()
	var text strings.Builder
	text.WriteString("steps:\n")
	for _, name := range []string{"blob", "long", "table", "judge", "report"} {
		fmt.Fprintf(&text, "  %s: {runner: process}\n", name)
	}
	path = filepath.Join(t.TempDir(), "mixed.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// killer kills one program after the other.
type killer struct {
	path          string
	flags         []string // of run
	want          map[int]map[string]artifact.Digest
	random        *rand.Rand
	fallen        histogram
	workers, runs int
}

// endurance is one run that is killed until it has succeeded.
type endurance struct {
	*killer
	site  *trial.Site
	size  int
	run   string                    // ID, once it is recorded
	epoch int                       // of the last record
	done  map[metadata.StepKey]bool // when the program was last killed
	saved int                       // stages of the long step that are certainly saved
	read  int64                     // bytes of the journal
}

// endure lets runs of each size come to their ends on one site.
func (k *killer) endure(t *testing.T) {
	t.Helper()
	site := trial.NewSite(t)
	defer site.Remove(t)
	for _, size := range sizes {
		e := &endurance{killer: k, site: site, size: size, done: map[metadata.StepKey]bool{}}
		e.read, _ = journal.Size(site.Journal)
		for starts := 0; !e.attempt(t) && !t.Failed(); starts++ {
			if starts > 200 {
				t.Fatal("the run does not come to its end")
			}
		}
		k.runs++
		if t.Failed() {
			return
		}
		e.checkEnd(t)
	}
}

// attempt starts the program once, perhaps kills it, and reports whether the run has succeeded.
func (e *endurance) attempt(t *testing.T) bool {
	t.Helper()
	args := append([]string{"run", "--set", "items=" + strconv.Itoa(e.size)}, e.flags...)
	if e.run != "" {
		args = []string{"resume", e.run}
	}
	p := e.site.Start(t, e.path, args...)
	killed := e.disturb(t, p)
	if !killed {
		if err := p.Wait(t); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, p.Said())
		}
	}
	e.site.Quiet(t)
	was := e.site.Records(t)
	var run metadata.Run
	if len(was.Runs) > 0 && was.Runs[0].ID != e.run && e.run == "" && e.isMine(was.Runs[0]) {
		e.run = was.Runs[0].ID
	}
	for _, r := range was.Runs {
		if r.ID == e.run {
			run = r
		}
	}
	if killed {
		e.fallen.add(e.moment(t, run, was))
	}
	e.checkJournal(t)
	for key := range was.Steps {
		if key.Run == e.run && was.Done(key) {
			e.done[key] = true
		}
	}
	e.epoch = run.Epoch
	if killed && e.random.IntN(2) == 0 {
		e.checkLost(t, run)
	}
	return run.State == metadata.RunSucceeded
}

// isMine reports whether a run is that of this size, and not of an earlier one on the same site.
func (e *endurance) isMine(r metadata.Run) bool {
	return string(r.Params) == fmt.Sprintf(`{"items":%d}`, e.size)
}

// disturb kills single workers, and the program, at a random moment. It reports false if the program ended before.
func (e *endurance) disturb(t *testing.T, p *trial.Program) (killed bool) {
	t.Helper()
	moment := e.draw(t)
	worker := time.Now().Add(time.Duration(e.random.IntN(300)) * time.Millisecond)
	if e.random.IntN(2) == 0 {
		worker = time.Now().Add(trial.Patience)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.Ended():
			return false
		case now := <-tick.C:
			if now.After(worker) {
				worker = now.Add(time.Second)
				e.killWorker(t)
			}
			if !moment(now) {
				continue
			}
		}
		break
	}
	if err := p.Process.Kill(); err != nil {
		<-p.Ended()
		return false
	}
	if e.random.IntN(2) == 0 { // at the same time; otherwise they find out themselves
		for _, w := range e.site.Workers(t) {
			w.Signal(syscall.SIGKILL)
		}
	}
	<-p.Ended()
	return true
}

// draw draws a moment, and returns what says that it has come.
func (e *endurance) draw(t *testing.T) func(now time.Time) bool {
	t.Helper()
	const start, whole, lines, line = 60, 700, 40, 100 // milliseconds, and bytes, about
	after := func(ms int) func(time.Time) bool {
		at := time.Now().Add(time.Duration(e.random.IntN(ms)) * time.Millisecond)
		return func(now time.Time) bool { return now.After(at) }
	}
	switch e.random.IntN(4) {
	case 0:
		return after(start) // before anything runs
	case 1:
		return after(whole)
	}
	// However slow the machine is at the moment.
	size := e.read + int64(e.random.IntN(lines*line))
	return func(time.Time) bool {
		written, err := journal.Size(e.site.Journal)
		if err != nil {
			t.Fatal(err)
		}
		return written > size
	}
}

func (e *endurance) killWorker(t *testing.T) {
	t.Helper()
	if workers := e.site.Workers(t); len(workers) > 0 && workers[e.random.IntN(len(workers))].Signal(syscall.SIGKILL) {
		e.workers++
	}
}

// checkJournal checks that what was done did not begin again, and that the long step went on from where it was.
func (e *endurance) checkJournal(t *testing.T) {
	t.Helper()
	lines, err := journal.Read(e.site.Journal, e.read)
	if err != nil {
		t.Fatal(err)
	}
	if e.read, err = journal.Size(e.site.Journal); err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		run, rest, _ := strings.Cut(l.Key, "/")
		want := l.Step
		if l.Index >= 0 {
			want += "#" + strconv.Itoa(l.Index)
		}
		if rest != want {
			t.Errorf("the key of %+v is not that of its step", l)
		}
		if l.What == "begin" && e.done[metadata.StepKey{Run: run, Step: l.Step, Index: l.Index}] {
			t.Errorf("%+v, though it was recorded as done", l)
		}
		if stage, ok := strings.CutPrefix(l.What, "stage-"); ok {
			if n, _ := strconv.Atoi(stage); n < e.saved {
				t.Errorf("%+v, though %d stages were saved", l, e.saved)
			}
		}
		if stages, ok := strings.CutPrefix(l.What, "saved-"); ok {
			e.saved, _ = strconv.Atoi(stages)
		}
	}
}

// checkLost looks at a run that was killed with a client, which records what became of it.
func (e *endurance) checkLost(t *testing.T, was metadata.Run) {
	t.Helper()
	e.site.Verify(t, e.site.Records(t))
	now := e.site.Records(t)
	if unended := now.Unended(); len(unended) > 0 {
		t.Errorf("after a look: %v", unended)
	}
	for _, r := range now.Runs {
		if r.ID == was.ID && !was.State.Ended() && (r.State != metadata.RunFailed || !r.Lost || r.Epoch != was.Epoch+1) {
			t.Errorf("the run is %s, lost: %t, in epoch %d after %d", r.State, r.Lost, r.Epoch, was.Epoch)
		}
	}
	if left, err := filepath.Glob(filepath.Join(e.site.Home, "tmp", "*")); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
	for key := range e.done {
		if !now.Done(key) {
			t.Errorf("step %v was done, and is %s", key, now.Steps[key].State)
		}
	}
	e.epoch = 0
	for _, r := range now.Runs {
		if r.ID == e.run {
			e.epoch = r.Epoch
		}
	}
}

// checkEnd checks what a run that has succeeded leaves.
func (e *endurance) checkEnd(t *testing.T) {
	t.Helper()
	r := e.site.Records(t)
	cached := 0
	for key, row := range r.Steps {
		if key.Run == e.run && row.State == metadata.StepCached {
			cached++
		}
	}
	if (cached > 0) != (e.size > sizes[0]) {
		t.Errorf("of the run of size %d there are %d steps that are cached", e.size, cached)
	}
	if diff := cmp.Diff(e.want[e.size], r.Digests(e.run)); diff != "" {
		t.Errorf("digests of results (-undisturbed +killed):\n%s", diff)
	}
	if unended := r.Unended(); len(unended) > 0 {
		t.Errorf("at the end: %v", unended)
	}
	if len(r.Checkpoints) > 0 {
		t.Errorf("checkpoints of succeeded steps are kept: %+v", r.Checkpoints)
	}
	e.site.Verify(t, r)
	e.site.Unlocked(t)
	for _, tmp := range []string{filepath.Join(e.site.Home, "tmp"), filepath.Join(e.site.Home, "artifacts", "tmp")} {
		if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
			t.Errorf("temporary files are left: %v, %v", left, err)
		}
	}
}

// moment says when a kill fell, by the newest that is recorded.
func (e *endurance) moment(t *testing.T, run metadata.Run, r trial.Records) string {
	t.Helper()
	phase := ""
	if e.epoch > 0 {
		phase = "resumed, "
	}
	switch {
	case run.ID == "":
		return "before the run's record"
	case run.State == metadata.RunSucceeded:
		return phase + "succeeded, at the program's end"
	case e.epoch > 0 && run.Epoch <= e.epoch:
		return "resumed, before it took over"
	}
	var newest metadata.Step
	for key, row := range r.Steps {
		if key.Run == run.ID && row.State.Ended() && row.Finished.After(newest.Finished) && row.State != metadata.StepCancelled {
			newest = row
		}
	}
	if newest.Step == "" {
		return phase + "nothing done"
	}
	return phase + "after " + newest.Step
}

// histogram counts by name.
type histogram map[string]int

func (h *histogram) add(name string) {
	if *h == nil {
		*h = histogram{}
	}
	(*h)[name]++
}

func (h histogram) total() (n int) {
	for _, count := range h {
		n += count
	}
	return n
}

func (h histogram) String() string {
	var lines []string
	for name, count := range h {
		lines = append(lines, fmt.Sprintf("%5d  %-40s %s", count, name, strings.Repeat("*", count)))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[7:], b[7:]) })
	return strings.Join(lines, "\n")
}
