package faults_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// checkLeft checks what a killed program left, and leaves it so: the bytes of all records are there, no lock is held, and nothing was done that
// had been done before.
func (e *endurance) checkLeft(t *testing.T, r trial.Records) {
	t.Helper()
	e.site.Intact(t, r)
	e.site.Unlocked(t)
	for key := range e.done {
		if !r.Done(key) {
			t.Errorf("step %v was done, and is %s", key, r.Steps[key].State)
		}
	}
	e.checkJournal(t)
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
		key := stepOf(l)
		want := l.Step
		if l.Index >= 0 {
			want += "#" + strconv.Itoa(l.Index)
		}
		if l.Key != key.Run+"/"+want {
			t.Errorf("the key of %+v is not that of its step", l)
		}
		if l.What == "begin" && e.done[key] {
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

func stepOf(l journal.Line) metadata.StepKey {
	run, _, _ := strings.Cut(l.Key, "/")
	return metadata.StepKey{Run: run, Step: l.Step, Index: l.Index}
}

// checkLost looks at a run that was killed with a client, which records what became of it.
func (e *endurance) checkLost(t *testing.T, was metadata.Run) {
	t.Helper()
	e.site.Verify(t, e.site.Records(t))
	now := e.site.Records(t)
	if unended := now.Unended(); len(unended) > 0 {
		t.Errorf("after a look: %v", unended)
	}
	checkTemporary(t, e.site)
	for _, r := range now.Runs {
		if r.ID != was.ID {
			continue
		}
		e.epoch, e.ended = r.Epoch, r.State.Ended()
		if !was.State.Ended() && (r.State != metadata.RunFailed || !r.Lost || r.Epoch != was.Epoch+1) {
			t.Errorf("the run is %s, lost: %t, in epoch %d after %d", r.State, r.Lost, r.Epoch, was.Epoch)
		}
	}
	for key := range e.done {
		if !now.Done(key) {
			t.Errorf("step %v was done, and is %s", key, now.Steps[key].State)
		}
	}
}

// checkTemporary checks that nothing temporary is left once somebody has looked.
func checkTemporary(t *testing.T, site *trial.Site) {
	t.Helper()
	for _, tmp := range []string{filepath.Join(site.Home, "tmp"), filepath.Join(site.Home, "artifacts", "tmp")} {
		if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
			t.Errorf("temporary files are left: %v, %v", left, err)
		}
	}
}

// checkEnd checks what a run that has succeeded leaves.
func (e *endurance) checkEnd(t *testing.T) {
	t.Helper()
	e.site.Verify(t, e.site.Records(t))
	r := e.site.Records(t)
	if diff := cmp.Diff(e.want[e.size], r.Digests(e.run)); diff != "" {
		t.Errorf("digests of results (-undisturbed +killed):\n%s", diff)
	}
	if unended := r.Unended(); len(unended) > 0 {
		t.Errorf("at the end: %v", unended)
	}
	if len(r.Checkpoints) > 0 {
		t.Errorf("checkpoints of succeeded steps are kept: %+v", r.Checkpoints)
	}
	e.checkOnce(t, r)
	e.site.Unlocked(t)
	checkTemporary(t, e.site)
}

// checkOnce checks that each step of the run succeeded once, and did not begin again after that.
func (e *endurance) checkOnce(t *testing.T, r trial.Records) {
	t.Helper()
	last := map[metadata.StepKey]string{} // attempt
	for _, l := range e.site.Noted(t, 0) {
		if l.What == "begin" {
			last[stepOf(l)] = l.Attempt
		}
	}
	succeeded := map[metadata.StepKey][]string{}
	for _, a := range r.Attempts {
		if a.State == metadata.StepSucceeded {
			succeeded[a.StepKey] = append(succeeded[a.StepKey], a.ID)
		}
	}
	steps := 0
	for key, row := range r.Steps {
		if key.Run != e.run || row.State != metadata.StepSucceeded || row.Attempts == 0 {
			continue
		}
		steps++
		if s := succeeded[key]; len(s) != 1 || s[0] != last[key] {
			t.Errorf("step %v succeeded in attempts %v, and began last in %s", key, s, last[key])
		}
	}
	if steps == 0 {
		t.Error("no step is recorded as succeeded")
	}
}
