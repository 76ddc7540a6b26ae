package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// send records a signal for a run, as another process does.
func (r *rig) send(s metadata.Signal) {
	r.tb.Helper()
	s.ID, s.Created = uuid.Must(uuid.NewV7()).String(), time.Now()
	if err := r.meta.Apply(context.Background(), metadata.Batch{Signals: []metadata.Signal{s}}); err != nil {
		r.tb.Error(err)
	}
}

// runID calls do with the ID of the run when a step reaches a state. The observer of a run does not know the ID: the store does.
func (r *rig) onState(name string, state metadata.StepState, do func(run string)) {
	r.observer = onStep(name, state, func() {
		page, err := r.meta.Runs(context.Background(), metadata.RunQuery{Cursor: metadata.Cursor{Limit: 1}})
		if err != nil {
			r.tb.Error(err)
			return
		}
		do(page.Items[0].ID)
	})
}

// asking is a pipeline that asks before its last step.
func asking(timeout time.Duration) *pipeline.Pipeline[none, artifact.Ref[string]] {
	return pipeline.Define("asking", func(p *pipeline.Builder, _ none) artifact.Ref[string] {
		a := pipeline.Step(p, "a", sum, in{Name: "asking"})
		ok := pipeline.Wait(p, "ask", "Go on?", in{From: []artifact.Ref[int]{a}}, step.Config{Timeout: timeout})
		return pipeline.Step(p, "deploy", func(_ context.Context, in struct {
			OK artifact.Ref[pipeline.Approval]
		}) (artifact.Ref[string], error) {
			return artifact.New(in.OK.Value().By + ": " + in.OK.Value().Note), nil
		}, struct {
			OK artifact.Ref[pipeline.Approval]
		}{ok})
	})
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signals []metadata.Signal
		timeout time.Duration
		run     metadata.RunState
		ask     metadata.StepState
		says    string
	}{
		"approved":                 {[]metadata.Signal{{Kind: "approve", Step: "ask", By: "ann", Note: "fine"}}, 0, metadata.RunSucceeded, succeeded, ""},
		"rejected":                 {[]metadata.Signal{{Kind: "reject", Step: "ask", By: "bob", Note: "too soon"}}, 0, metadata.RunFailed, failed, "rejected by bob: too soon"},
		"for another step":         {[]metadata.Signal{{Kind: "reject", Step: "a"}, {Kind: "approve", Step: "ask", By: "ann", Note: "fine"}}, 0, metadata.RunSucceeded, succeeded, ""},
		"nobody answers":           {nil, time.Millisecond, metadata.RunFailed, failed, "nobody answered within 1ms"},
		"cancelled while it waits": {[]metadata.Signal{{Kind: "cancel", By: "ann"}}, 0, metadata.RunCancelled, cancelled, "the run was cancelled by ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.onState("ask", metadata.StepWaiting, func(run string) {
				for _, s := range c.signals {
					s.Run = run
					r.send(s)
				}
			})
			o := run(t.Context(), r, asking(c.timeout), none{})
			o.want(c.run, "a", succeeded, "ask", c.ask)
			if got := o.step("ask"); got.Error != c.says || got.Attempts != 0 || len(got.Inputs) != 1 {
				t.Errorf("the step that asks is %+v", got)
			}
			if c.run == metadata.RunSucceeded && result[string](o, 0) != "ann: fine" {
				t.Errorf("the result is %q", result[string](o, 0))
			}
			if !slices.ContainsFunc(o.events, func(e engine.Event) bool { return e.StepState == metadata.StepWaiting && e.Reason == "Go on?" }) {
				t.Error("nobody was told the question")
			}
		})
	}
}

// TestAnswersOutliveTheDriver: an approval that comes when nobody drives the run counts when it is resumed; a rejection that it failed for
// does not, nor does an old request to cancel.
func TestAnswersOutliveTheDriver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := asking(0)
	r.onState("ask", metadata.StepWaiting, func(run string) { r.send(metadata.Signal{Run: run, Kind: metadata.SignalCancel}) })
	first := run(t.Context(), r, p, none{})
	first.want(metadata.RunCancelled, "ask", cancelled)
	r.onState("ask", metadata.StepWaiting, func(run string) { r.send(metadata.Signal{Run: run, Kind: metadata.SignalReject, Step: "ask"}) })
	second := resume(t.Context(), r, p, none{}, first.Run.ID)
	second.want(metadata.RunFailed, "ask", failed)
	r.send(metadata.Signal{Run: first.Run.ID, Kind: metadata.SignalApprove, Step: "ask", By: "ann"})
	r.observer = nil
	third := resume(t.Context(), r, p, none{}, first.Run.ID)
	third.want(metadata.RunSucceeded, "ask", succeeded)
}

// TestCheckpoints: a step goes on from what it saved, on retry and on resume, and what it saved is forgotten when it has succeeded.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var began []int
	counts := func(ctx context.Context, _ in) (artifact.Ref[int], error) {
		at := 0
		if _, err := step.Restore(ctx, &at); err != nil {
			return artifact.Ref[int]{}, err
		}
		began = append(began, at)
		for ; at < 10; at++ {
			if at == len(began)*3 {
				return artifact.Ref[int]{}, fmt.Errorf("broken at %d", at)
			}
			if err := step.Checkpoint(ctx, at+1); err != nil {
				return artifact.Ref[int]{}, err
			}
		}
		return artifact.New(at), nil
	}
	p := single(counts, step.Config{Retry: step.Retry{Attempts: 2, Backoff: 1}, Cache: step.Never})
	first := run(t.Context(), r, p, none{})
	first.want(metadata.RunFailed, "it", failed)
	kept, err := r.meta.Checkpoints(t.Context(), first.Run.ID)
	if err != nil || len(kept) != 1 || kept[0].Step != "it" || kept[0].Record.Preview != "6" {
		t.Errorf("kept %+v, %v", kept, err)
	}
	again := resume(t.Context(), r, p, none{}, first.Run.ID)
	again.want(metadata.RunSucceeded, "it", succeeded)
	if got := fmt.Sprint(began); got != "[0 3 6 9]" {
		t.Errorf("the attempts began at %s", got)
	}
	if kept, err = r.meta.Checkpoints(t.Context(), first.Run.ID); err != nil || len(kept) > 0 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// TestReplay: a new run takes results of an old one, also of what is never cached, and runs again what it is told to.
func TestReplay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ran counter
	named := act(func(_ context.Context, name string, from []int) (int, error) {
		ran.add(name)
		return len(from) + 1, nil
	})
	p := pipeline.Define("replayed", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		a := pipeline.Step(p, "a", named, in{Name: "a"}, step.Config{Cache: step.Never})
		b := pipeline.Step(p, "b", named, in{Name: "b", From: []artifact.Ref[int]{a}})
		return pipeline.Step(p, "c", named, in{Name: "c", From: []artifact.Ref[int]{a, b}})
	})
	first := run(t.Context(), r, p, none{})
	ran.take()
	config, job := r.prepare(p, none{})
	job.Replay = &engine.Replay{Run: first.Run.ID, Keep: map[string]bool{"a": true}, Again: map[string]bool{"b": true, "c": true}}
	out, err := engine.Run(t.Context(), config, job)
	if err != nil || out.Run.State != metadata.RunSucceeded {
		t.Fatalf("%s %s, %v", out.Run.State, out.Run.Error, err)
	}
	if got := ran.take(); got["a"] != 0 || got["b"] != 1 || got["c"] != 1 {
		t.Errorf("the replay called %v", got)
	}
	o := &outcome{Outcome: out, r: r, program: job.Program}
	steps, err := r.meta.Steps(t.Context(), metadata.StepQuery{Run: out.Run.ID, Step: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if a := steps.Items[0]; a.State != metadata.StepCached || a.Origin == nil || a.Origin.Run != first.Run.ID || !strings.HasPrefix(a.Uncached, "its cache policy") {
		t.Errorf("step a is %+v", a)
	}
	if result[int](o, 0) != 3 {
		t.Errorf("the result is %d", result[int](o, 0))
	}
}
