package workers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// TestCancelHanging cancels a run, from another program, whose steps do not listen: they are killed after the grace.
func TestCancelHanging(t *testing.T) {
	t.Parallel()
	const grace = 10 * time.Second
	site := trial.NewSite(t)
	p := site.Start(t, builds.Program(t, "acts"), "run", "hangs", "--runner", "process")
	waits(t, site, "one", 1)
	waits(t, site, "other", 1)
	begin := time.Now()
	said := site.Run(t, builds.Program(t, "../../cmd/tenon"), "run", "cancel", "LAST", "--note", "enough")
	if took := time.Since(begin); took < grace {
		t.Errorf("the steps had %v to stop, want %v", took, grace)
	}
	if !strings.Contains(said, "cancelled") {
		t.Errorf("tenon run cancel says %s", said)
	}
	if err := p.Wait(t); err == nil || p.ProcessState.ExitCode() != 1 {
		t.Errorf("the program ended with %v", err)
	}
	if left := site.Processes(t); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	r := site.Records(t)
	if run := r.Runs[0]; run.State != metadata.RunCancelled || run.Lost || !strings.HasPrefix(run.Error, "the run was cancelled by ") || !strings.HasSuffix(run.Error, ": enough") {
		t.Errorf("the run is %s, lost: %t, %s", run.State, run.Lost, run.Error)
	}
	for _, name := range []string{"one", "other"} {
		if row := r.Steps[metadata.StepKey{Run: r.Runs[0].ID, Step: name, Index: -1}]; row.State != metadata.StepCancelled || row.Error != r.Runs[0].Error {
			t.Errorf("step %s is %s: %s", name, row.State, row.Error)
		}
	}
	for _, a := range r.Attempts {
		if a.State != metadata.StepCancelled || !strings.HasPrefix(a.Reason, "killed") {
			t.Errorf("an attempt of %s is %s: %s, %s", a.Step, a.State, a.Error, a.Reason)
		}
	}
	if len(r.Attempts) != 2 || len(r.Unended()) > 0 {
		t.Errorf("%d attempts; not ended are %v", len(r.Attempts), r.Unended())
	}
}
