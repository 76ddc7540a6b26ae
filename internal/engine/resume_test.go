package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// resume goes on with a run to its end, and checks what holds for every run.
func resume[P, Out any](ctx context.Context, r *rig, p *pipeline.Pipeline[P, Out], params P, id string) *outcome {
	r.tb.Helper()
	config, job := r.prepare(p, params)
	var err error
	if job.Run, err = r.meta.Run(context.Background(), id); err != nil {
		r.tb.Fatal(err)
	}
	job.Resume = true
	o := &outcome{r: r, program: job.Program}
	config.Observer = func(e engine.Event) {
		o.events = append(o.events, e)
		if r.observer != nil {
			r.observer(e)
		}
	}
	if o.Outcome, err = engine.Run(ctx, config, job); err != nil {
		r.tb.Fatalf("resume run of %s: %v", p.Name(), err)
	}
	o.check()
	return o
}

// TestResume: what succeeded is not run again, what failed is tried anew, and attempts go on counting.
func TestResume(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ran counter
	var broken atomic.Bool
	broken.Store(true)
	named := act(func(_ context.Context, name string, from []int) (int, error) {
		ran.add(name)
		if name == "b" && broken.Load() {
			return 0, errBroken
		}
		return len(from) + 1, nil
	})
	never := step.Config{Cache: step.Never}
	p := pipeline.Define("resumed", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		a := pipeline.Step(p, "a", named, in{Name: "a"}, never)
		b := pipeline.Step(p, "b", named, in{Name: "b", From: []artifact.Ref[int]{a}}, never)
		return pipeline.Step(p, "c", named, in{Name: "c", From: []artifact.Ref[int]{a, b}}, never)
	})
	first := run(t.Context(), r, p, none{})
	first.want(metadata.RunFailed, "a", succeeded, "b", failed, "c", cancelled)
	broken.Store(false)
	ran.take()
	again := resume(t.Context(), r, p, none{}, first.Run.ID)
	again.want(metadata.RunSucceeded, "a", succeeded, "b", succeeded, "c", succeeded)
	if got := ran.take(); got["a"] != 0 || got["b"] != 1 || got["c"] != 1 {
		t.Errorf("the resumed run called %v", got)
	}
	if again.Run.Epoch != 2 || again.Run.Error != "" || !again.Run.Started.Equal(first.Run.Started) || again.step("b").Attempts != 2 || again.step("b").Error != "" {
		t.Errorf("the run is %+v, b is %+v", again.Run, again.step("b"))
	}
	if got := result[int](again, 0); got != 3 {
		t.Errorf("the result is %d", got)
	}
}

// TestResumedRunIsFenced: the driver that was superseded records nothing any more, and a run that succeeded is not resumed.
func TestResumedRunIsFenced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var first string
	release := make(chan none)
	p := single(func(context.Context, in) (artifact.Ref[int], error) {
		<-release
		return artifact.New(1), nil
	}, step.Config{Cache: step.Never})
	config, job := r.prepare(p, none{})
	first = job.Run.ID
	begun := make(chan none)
	config.Observer = onStep("it", metadata.StepRunning, func() { close(begun) })
	ended := make(chan error)
	go func() {
		_, err := engine.Run(t.Context(), config, job)
		ended <- err
	}()
	<-begun
	other := single(func(context.Context, in) (artifact.Ref[int], error) { return artifact.New(2), nil }, step.Config{Cache: step.Never})
	o := resume(t.Context(), r, other, none{}, first) // as if the first driver were gone
	close(release)
	if err := <-ended; !errors.Is(err, component.ErrFailedPrecondition) {
		t.Errorf("the superseded driver ends with %v", err)
	}
	if got := result[int](o, 0); got != 2 {
		t.Errorf("the result is %d", got)
	}
	job.Resume = true
	var err error
	if job.Run, err = r.meta.Run(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Run(t.Context(), config, job); !errors.Is(err, component.ErrFailedPrecondition) || !strings.Contains(err.Error(), "take over run") {
		t.Errorf("resuming a run that succeeded: %v", err)
	}
}
