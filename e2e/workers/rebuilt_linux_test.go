package workers_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

// TestRebuilt builds another edition of a program over its executable while two runs of it go on. One goes on as what it is. The other is
// killed, and is not resumed with another program unless that is accepted.
func TestRebuilt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "acts")
	trial.Build(t, path, "acts")
	on, killed := trial.NewSite(t), trial.NewSite(t)
	goesOn := on.Start(t, path, "run", "gated", "--runner", "process")
	dies := killed.Start(t, path, "run", "gated", "--runner", "process")
	waits(t, on, "second", 1)
	waits(t, killed, "second", 1)
	dies.Kill()
	trial.Build(t, path, "acts", "-ldflags=-X main.edition=another")
	open(t, on)
	open(t, killed)

	if err := goesOn.Wait(t); err != nil {
		t.Errorf("the program that goes on: %v\n%s", err, goesOn.Said())
	}
	wantEditions(t, on, "first edition", "first edition", "first edition")
	if n := on.Count(t, "begin", "second"); n != 2 {
		t.Errorf("step second was tried %d times, want 2, one of them with another program at the path", n)
	}

	killed.Quiet(t)
	refused := killed.Start(t, path, "resume", "LAST")
	err := refused.Wait(t)
	for _, want := range []string{"step first: its code changed", "step second: its code changed", "step third: its code changed", "--accept-changes"} {
		if err == nil || !strings.Contains(refused.Said(), want) {
			t.Errorf("resume: %v, want %q; it says\n%s", err, want, refused.Said())
		}
	}
	if n := killed.Count(t, "begin", "second"); n != 1 {
		t.Errorf("what was refused has begun: %d", n)
	}
	killed.Run(t, path, "resume", "LAST", "--accept-changes")
	wantEditions(t, killed, "first edition", "another", "another")
	if n := killed.Count(t, "begin", "first"); n != 1 {
		t.Errorf("what had succeeded began %d times", n)
	}
}
