package faults_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
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
				site := trial.NewSite(t)
				for _, size := range sizes {
					k.endure(t, site, size, atRandom)
				}
				checkCached(t, site)
				site.Remove(t)
			}
			t.Logf("%d kills of the program, %d of single workers, %d runs:\n%s", k.fallen.total(), k.workers, k.runs, k.fallen)
		})
	}
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

// checkCached checks that of two runs on a site the second found results of the first.
func checkCached(t *testing.T, site *trial.Site) {
	t.Helper()
	r, cached := site.Records(t), map[string]int{}
	for key, row := range r.Steps {
		if row.State == metadata.StepCached {
			cached[key.Run]++
		}
	}
	if len(r.Runs) != 2 || cached[r.Runs[0].ID] == 0 || cached[r.Runs[1].ID] > 0 {
		t.Errorf("steps are cached in %v, of %d runs", cached, len(r.Runs))
	}
}

// atRandom is a strike that kills single workers, and the program, at a random moment.
func atRandom(t *testing.T, e *endurance, args []string) func(left) string {
	t.Helper()
	p := e.site.Start(t, e.path, args...)
	if !e.disturb(t, p) {
		if err := p.Wait(t); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, p.Said())
		}
		return nil
	}
	return func(l left) string { return e.moment(l.run, l.records) }
}

// disturb reports false if the program ended before.
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
	const start, whole, lines, line = 60, 1000, 100, 75 // milliseconds, and bytes, about
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

// moment says when a kill fell, by the newest that is recorded.
func (e *endurance) moment(run metadata.Run, r trial.Records) string {
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
