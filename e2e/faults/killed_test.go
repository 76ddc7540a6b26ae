//go:build unix

package faults_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// TestKilled kills a program in the middle of a step, beside another that goes on. Who looks next is told what became of its run, can
// delete it, and finds nothing that it left behind.
func TestKilled(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	dead, alive := program(t.Context(), "patient", home, "run"), program(t.Context(), "patient", home, "run", "--name", "alive")
	for i, cmd := range []interface{ Start() error }{dead, alive} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		trial.Eventually(t, "the start of the step", func() bool { return marked(t, home, "waiting") == i+1 })
	}
	client := open(t, home)
	trial.Eventually(t, "the record of the attempts", func() bool {
		n := 0
		runs, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{States: []metadata.RunState{metadata.RunRunning}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs.Items {
			attempts, err := client.Metadata().Attempts(t.Context(), metadata.AttemptQuery{Run: r.ID})
			if err != nil {
				t.Fatal(err)
			}
			n += len(attempts.Items)
		}
		return n == 2
	})
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait()

	list := output(t, "tenon", home, "run", "list")
	if strings.Count(list, "failed") != 1 || strings.Count(list, "running") != 1 {
		t.Errorf("tenon run list says\n%s", list)
	}
	failed, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{States: []metadata.RunState{metadata.RunFailed}})
	if err != nil || len(failed.Items) != 1 || failed.Items[0].Name == "alive" {
		t.Fatalf("failed are %+v, %v", failed.Items, err)
	}
	r := failed.Items[0]
	if !strings.Contains(r.Error, "killed") || r.Finished.IsZero() || r.Epoch != 2 || r.Counts[metadata.StepFailed] != 1 {
		t.Errorf("the run is %+v", r)
	}
	steps, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: r.ID})
	if err != nil || len(steps.Items) != 1 || steps.Items[0].State != metadata.StepFailed {
		t.Errorf("its steps are %+v, %v", steps.Items, err)
	}
	attempts, err := client.Metadata().Attempts(t.Context(), metadata.AttemptQuery{Run: r.ID})
	if err != nil || len(attempts.Items) != 1 || attempts.Items[0].State != metadata.StepFailed || attempts.Items[0].Finished.IsZero() {
		t.Errorf("its attempts are %+v, %v", attempts.Items, err)
	}
	output(t, "tenon", home, "run", "delete", r.ID, "--yes")

	if err := alive.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = alive.Wait()
	if list := output(t, "tenon", home, "run", "list"); strings.Count(list, "cancelled") != 1 || strings.Contains(list, "failed") {
		t.Errorf("tenon run list says\n%s", list)
	}
	for _, tmp := range []string{filepath.Join(home, "tmp"), filepath.Join(home, "artifacts", "tmp")} {
		if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
			t.Errorf("left are %q", left)
		}
	}
}
