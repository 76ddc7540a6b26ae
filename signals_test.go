package tenon_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

type askedIn struct{ Number artifact.Ref[int] }

// asking is a pipeline that asks a person.
var asking = pipeline.Define("asking", func(p *pipeline.Builder, _ struct{}) artifact.Ref[pipeline.Approval] {
	n := pipeline.Step(p, "make", func(context.Context, struct{}) (artifact.Ref[int], error) { return artifact.New(7), nil }, struct{}{})
	return pipeline.Wait(p, "review", "Is seven right?", askedIn{n})
})

// Two clients on one home: what one of them says reaches the run that the other drives.
func TestSignals(t *testing.T) {
	t.Parallel()
	config := tenon.Config{Home: t.TempDir()}
	driver, other := open(t, config), open(t, config)
	start := func() *pipeline.Run[artifact.Ref[pipeline.Approval]] {
		run, err := asking.Run(t.Context(), driver, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	approved, rejected, cancelled := start(), start(), start()
	if err := other.Approve(t.Context(), approved.ID(), "review", tenon.Remark{By: "ann", Note: "a prime"}); err != nil {
		t.Error(err)
	}
	if err := other.Reject(t.Context(), rejected.ID(), "review", tenon.Remark{By: "bob"}); err != nil {
		t.Error(err)
	}
	if err := other.Cancel(t.Context(), cancelled.ID(), tenon.Remark{Note: "enough"}); err != nil {
		t.Error(err)
	}
	out, err := approved.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Value(); got.By != "ann" || got.Note != "a prime" || time.Since(got.At) > time.Minute {
		t.Errorf("approved as %+v", got)
	}
	if _, err := rejected.Result(t.Context()); err == nil || !strings.Contains(err.Error(), "step review: rejected by bob") {
		t.Errorf("rejected: %v", err)
	}
	if _, err := cancelled.Result(t.Context()); !errors.Is(err, tenon.ErrCanceled) || !strings.Contains(err.Error(), "cancelled: enough") {
		t.Errorf("cancelled: %v", err)
	}
	for name, test := range map[string]struct {
		err  error
		is   error
		text string
	}{
		"no such run":  {other.Cancel(t.Context(), "none", tenon.Remark{}), tenon.ErrNotFound, `"none" does not exist`},
		"it ended":     {other.Cancel(t.Context(), approved.ID(), tenon.Remark{}), tenon.ErrFailedPrecondition, "there is nothing to cancel"},
		"it succeeded": {other.Approve(t.Context(), approved.ID(), "review", tenon.Remark{}), tenon.ErrFailedPrecondition, "there is nothing to approve"},
		"a typo":       {other.Approve(t.Context(), rejected.ID(), "revue", tenon.Remark{}), tenon.ErrInvalid, `did you mean "review"?`},
		"it runs code": {other.Reject(t.Context(), rejected.ID(), "make", tenon.Remark{}), tenon.ErrInvalid, `step "make" asks nobody: the only one is review`},
		"a long note":  {other.Cancel(t.Context(), rejected.ID(), tenon.Remark{Note: strings.Repeat("x", 1<<20+1)}), tenon.ErrInvalid, "signal.note"},
	} {
		if !errors.Is(test.err, test.is) || !strings.Contains(test.err.Error(), test.text) {
			t.Errorf("%s: the error is %v", name, test.err)
		}
	}
	plain, err := squares.Run(t.Context(), driver, squaresParams{Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Approve(t.Context(), plain.ID(), "review", tenon.Remark{}); !errors.Is(err, tenon.ErrFailedPrecondition) || !strings.Contains(err.Error(), "no step") {
		t.Errorf("a run that asks nobody: %v", err)
	}
	if _, err := plain.Result(t.Context()); err != nil {
		t.Error(err)
	}
}

// A run whose driver is gone is over once it is cancelled, although nobody hears of it.
func TestCancelWithoutADriver(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{Home: t.TempDir()})
	run := metadata.Run{
		ID: uuid.Must(uuid.NewV7()).String(), Pipeline: "p", State: metadata.RunRunning, Epoch: 1, Created: time.Now(),
		Driver: metadata.Driver{Session: "gone", Since: time.Now().Add(-time.Minute)},
	}
	if err := client.Metadata().Apply(t.Context(), metadata.Batch{Create: []metadata.Run{run}}); err != nil {
		t.Fatal(err)
	}
	if err := client.Cancel(t.Context(), run.ID, tenon.Remark{By: "ann"}); err != nil {
		t.Fatal(err)
	}
	got, err := client.Metadata().Run(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != metadata.RunCancelled || got.Lost {
		t.Errorf("the run is %s, lost: %t", got.State, got.Lost)
	}
}
