package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/plan"
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

// TestModelResumed interrupts runs of random graphs again and again, over a store that is unavailable now and then, and resumes them: in
// the end every value is what the model says, and nothing that was recorded as done has run again.
func TestModelResumed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rapid.Check(t, func(rt *rapid.T) {
		specs := drawGraph(rt)
		for i := range specs {
			specs[i].fails = 0 // attempts go on counting, so that a failure need not come again
		}
		one := *r
		one.tb = &checked{TB: t, rt: rt}
		one.options = plan.Options{OnFailure: plan.Stop, Parallel: rapid.IntRange(0, 3).Draw(rt, "parallel")}
		one.meta = &flaky{Store: r.meta, every: rapid.Int64Range(4, 12).Draw(rt, "flaky")}
		p := wire(specs, seeds.Add(1))
		var done map[metadata.StepKey]metadata.Step
		var id string
		for last := false; !last; {
			last = id != "" && rapid.Bool().Draw(rt, "to the end")
			ctx, cancel := context.WithCancel(t.Context())
			left := rapid.IntRange(1, 40).Draw(rt, "cancel at")
			one.observer = func(e engine.Event) {
				if left--; left == 0 && !last {
					cancel()
				}
				key := metadata.StepKey{Step: e.Step, Index: e.Index}
				if e.Kind == engine.EventStep && e.StepState == metadata.StepRunning && e.Elements == 0 {
					if st, ok := done[key]; ok && st.Elements == 0 && (st.State == succeeded || st.State == metadata.StepCached) {
						rt.Errorf("%s (%d) runs again", e.Step, e.Index)
					}
				}
			}
			var o *outcome
			if id == "" {
				o = run(ctx, &one, p, none{})
			} else {
				o = resume(ctx, &one, p, none{}, id)
			}
			cancel()
			id, done = o.Run.ID, o.steps
			if o.Run.State == metadata.RunSucceeded {
				compareStates(rt, o, predict(specs))
				return
			}
			if last {
				rt.Errorf("the run is %s in the end: %s", o.Run.State, o.Run.Error)
			}
		}
	})
}

// compareStates compares states and values with the model, however often something was tried.
func compareStates(t *rapid.T, o *outcome, model []wanted) {
	for i, w := range model {
		for k := -1; k < len(w.elements); k++ {
			want := w
			if k >= 0 {
				want = w.elements[k]
			}
			st := o.steps[metadata.StepKey{Step: nodeName(i), Index: k}]
			got := st.State
			if got == metadata.StepCached {
				got = succeeded
			}
			if got != want.state {
				t.Errorf("%s (%d) is %q (%s%s), want %s", nodeName(i), k, st.State, st.Error, st.Skip, want.state)
			} else if got == succeeded && len(st.Outputs) > 0 && value(o, st) != want.n {
				t.Errorf("%s (%d) is %d, want %d", nodeName(i), k, value(o, st), want.n)
			}
		}
	}
}
