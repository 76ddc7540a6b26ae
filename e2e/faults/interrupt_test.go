//go:build unix

package faults_test

import (
	"bytes"
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// TestInterrupt presses Ctrl-C while a step runs.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	cmd := program(t.Context(), "patient", home, "run")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	trial.Eventually(t, "the start of the step", func() bool { return marked(t, home, "waiting") == 1 })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("the program ended with %v, want exit status 130\n%s", err, said.Bytes())
	}
	if marked(t, home, "stopped") != 1 {
		t.Error("the step was not asked to stop")
	}
	client := open(t, home)
	runs, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{})
	if err != nil || len(runs.Items) != 1 {
		t.Fatalf("%d runs, %v", len(runs.Items), err)
	}
	r := runs.Items[0]
	if r.State != metadata.RunCancelled || r.Error != "the run was cancelled: interrupted" || r.Finished.IsZero() {
		t.Errorf("the run is recorded as %s: %s", r.State, r.Error)
	}
	steps, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: r.ID})
	if err != nil || len(steps.Items) != 2 {
		t.Fatalf("%d steps, %v", len(steps.Items), err)
	}
	for _, s := range steps.Items {
		if s.State != metadata.StepCancelled {
			t.Errorf("step %s is recorded as %s", s.Step, s.State)
		}
	}
	attempts, err := client.Metadata().Attempts(t.Context(), metadata.AttemptQuery{Run: r.ID})
	if err != nil || len(attempts.Items) != 1 || attempts.Items[0].State != metadata.StepCancelled {
		t.Errorf("attempts are recorded as %+v, %v", attempts.Items, err)
	}
}
