package engine_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// fails is a step that fails.
var fails = act(func(context.Context, string, []int) (int, error) { return 0, errBroken })

// single is a pipeline of one step.
func single(fn func(context.Context, in) (artifact.Ref[int], error), opts ...step.Option) *pipeline.Pipeline[none, artifact.Ref[int]] {
	return pipeline.Define("single", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		return pipeline.Step(p, "it", fn, in{}, opts...)
	})
}

func TestFailureModes(t *testing.T) {
	t.Parallel()
	// Of five steps one fails, one runs beside it, one waits for a turn, one follows the failure, and one follows what runs.
	for mode, want := range map[plan.FailureMode][]any{
		plan.Stop: {
			"broken", metadata.StepFailed, "beside", metadata.StepSucceeded, "turn", metadata.StepCancelled,
			"child", metadata.StepCancelled, "other", metadata.StepCancelled,
		},
		plan.FailFast: {
			"broken", metadata.StepFailed, "beside", metadata.StepCancelled, "turn", metadata.StepCancelled,
			"child", metadata.StepCancelled, "other", metadata.StepCancelled,
		},
		plan.Continue: {
			"broken", metadata.StepFailed, "beside", metadata.StepSucceeded, "turn", metadata.StepSucceeded,
			"child", metadata.StepCancelled, "other", metadata.StepSucceeded,
		},
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.options = plan.Options{OnFailure: mode, Parallel: 2}
			started, decided := make(chan none), make(chan none)
			r.observer = onStep("broken", metadata.StepFailed, func() { close(decided) })
			broken := act(func(context.Context, string, []int) (int, error) {
				<-started
				return 0, errBroken
			})
			beside := act(func(ctx context.Context, _ string, _ []int) (int, error) {
				close(started)
				if mode == plan.FailFast {
					<-ctx.Done()
					return 0, errors.New("interrupted by a signal") // whatever it says: it was asked to stop
				}
				<-decided
				return 1, ctx.Err()
			})
			p := pipeline.Define("modes", func(p *pipeline.Builder, _ none) none {
				b := pipeline.Step(p, "broken", broken, in{Name: "b"})
				s := pipeline.Step(p, "beside", beside, in{Name: "s"})
				pipeline.Step(p, "turn", sum, in{Name: "t"})
				pipeline.Step(p, "child", sum, in{Name: "c", From: []artifact.Ref[int]{b}})
				pipeline.Step(p, "other", sum, in{Name: "o", From: []artifact.Ref[int]{s}})
				return none{}
			})
			o := run(t.Context(), r, p, none{})
			o.want(metadata.RunFailed, want...)
			if o.Run.Error != "step broken: it broke" || !errors.Is(o.Cause, errBroken) {
				t.Errorf("the run failed with %q, caused by %v", o.Run.Error, o.Cause)
			}
			if mode == plan.Continue && o.step("child").Error != "upstream step broken failed" {
				t.Errorf("child says %q", o.step("child").Error)
			}
			if at := o.attempts("broken", -1); len(at) != 1 || at[0].State != metadata.StepFailed || at[0].Reason != "error" {
				t.Errorf("attempts of the failed step: %+v", at)
			}
		})
	}
}

func TestRetryBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		flaky := act(func(context.Context, string, []int) (int, error) {
			at = append(at, time.Now())
			if len(at) < 4 {
				return 0, errBroken
			}
			return 7, nil
		})
		p := single(flaky, step.Config{Retry: step.Retry{Attempts: 5, Backoff: 10 * time.Second, MaxBackoff: 25 * time.Second}})
		o := run(t.Context(), newRig(t), p, none{})
		o.want(metadata.RunSucceeded, "it", metadata.StepSucceeded)
		if got := o.step("it").Attempts; got != 4 {
			t.Errorf("%d attempts", got)
		}
		for i, want := range []time.Duration{10 * time.Second, 20 * time.Second, 25 * time.Second} {
			if wait := at[i+1].Sub(at[i]); wait < want*8/10 || wait > want*12/10+time.Millisecond {
				t.Errorf("wait %d is %v, want about %v", i, wait, want)
			}
		}
		for i, a := range o.attempts("it", -1) {
			want := metadata.StepFailed
			if i == 3 {
				want = metadata.StepSucceeded
			}
			if a.Number != i+1 || a.State != want || a.Host != "here" {
				t.Errorf("attempt %d is %+v", i+1, a)
			}
		}
	})
}

func TestRetryEnds(t *testing.T) {
	t.Parallel()
	three := step.Config{Retry: step.Retry{Attempts: 3, Backoff: time.Microsecond}}
	for name, c := range map[string]struct {
		fn       func(context.Context, in) (artifact.Ref[int], error)
		attempts int
		says     string
		reason   string
	}{
		"used up":   {fails, 3, "it broke", "error"},
		"permanent": {act(func(context.Context, string, []int) (int, error) { return 0, step.Permanent(errBroken) }), 1, "it broke", "error"},
		"panic":     {act(func(context.Context, string, []int) (int, error) { panic("at the disco") }), 3, "panic: at the disco", "panic"},
		"goexit": {act(func(context.Context, string, []int) (int, error) { runtime.Goexit(); return 0, nil }), 1,
			"ended its goroutine with runtime.Goexit", "goexit"},
		"nil ref": {func(context.Context, in) (artifact.Ref[int], error) { return artifact.Ref[int]{}, nil }, 1, "returned a Ref without a value and no error", "error"},
		"out of range": {act(func(_ context.Context, name string, _ []int) (int, error) { return []int(nil)[len(name)], nil }), 3,
			"index out of range [0] with length 0", "panic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := run(t.Context(), newRig(t), single(c.fn, three), none{})
			o.want(metadata.RunFailed, "it", metadata.StepFailed)
			at := o.attempts("it", -1)
			if len(at) != c.attempts || o.step("it").Attempts != c.attempts {
				t.Errorf("%d attempts, want %d", len(at), c.attempts)
			}
			if !strings.Contains(o.step("it").Error, c.says) || !strings.Contains(o.Run.Error, "step it: ") || at[0].Reason != c.reason {
				t.Errorf("the step says %q, the run %q, the reason is %q", o.step("it").Error, o.Run.Error, at[0].Reason)
			}
			if c.reason == "panic" && !strings.Contains(at[0].Stack, "failure_test.go") {
				t.Errorf("the stack does not show where: %q", at[0].Stack)
			}
			if c.reason == "panic" && strings.Contains(at[0].Stack, "worker.(*execution)") {
				t.Errorf("the stack shows Tenon's own frames: %q", at[0].Stack)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		slow := act(func(ctx context.Context, _ string, _ []int) (int, error) {
			if n++; n == 2 {
				return 5, nil
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		start := time.Now()
		o := run(t.Context(), newRig(t), single(slow, step.Config{Timeout: time.Hour, Retry: step.Retry{Attempts: 2}}), none{})
		o.want(metadata.RunSucceeded, "it", metadata.StepSucceeded)
		if took := time.Since(start); took < time.Hour || took > time.Hour+2*time.Second {
			t.Errorf("it took %v", took)
		}
		if a := o.attempts("it", -1)[0]; a.Reason != "timeout" || !strings.Contains(a.Error, "timed out after 1h0m0s") {
			t.Errorf("the attempt says %+v", a)
		}
	})
}

func TestTimeoutOfRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.options.Timeout = time.Minute
		start := time.Now()
		o := run(t.Context(), r, single(untilDone), none{})
		o.want(metadata.RunFailed, "it", metadata.StepCancelled)
		if o.Run.Error != "the run timed out after 1m0s" || time.Since(start) < time.Minute || time.Since(start) > time.Minute+time.Second {
			t.Errorf("the run says %q after %v", o.Run.Error, time.Since(start))
		}
	})
}

// untilDone is a step that ends when it is asked to.
var untilDone = act(func(ctx context.Context, _ string, _ []int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
})

func TestIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan none)
		n := 0
		deaf := act(func(context.Context, string, []int) (int, error) {
			if n++; n == 1 {
				<-release
			}
			return n, nil
		})
		r := newRig(t)
		r.grace = 5 * time.Second
		r.local.CPU = 1
		var otherRan time.Time
		other := act(func(context.Context, string, []int) (int, error) { otherRan = time.Now(); return 1, nil })
		p := pipeline.Define("deaf", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
			out := pipeline.Step(p, "it", deaf, in{Name: "it"}, step.Config{Timeout: time.Minute, Retry: step.Retry{Attempts: 2}})
			pipeline.Step(p, "other", other, in{Name: "other"})
			return out
		})
		start := time.Now()
		time.AfterFunc(time.Hour, func() { close(release) })
		o := run(t.Context(), r, p, none{})
		o.want(metadata.RunSucceeded, "it", metadata.StepSucceeded, "other", metadata.StepSucceeded)
		if otherRan.Sub(start) < time.Hour {
			t.Errorf("the abandoned attempt lost its budget after %v", otherRan.Sub(start))
		}
		at := o.attempts("it", -1)
		if len(at) != 2 || at[0].Finished.Sub(start) != time.Minute+5*time.Second || at[1].Started.Sub(start) < time.Hour {
			t.Errorf("attempts: %+v", at)
		}
		if at[0].Reason != "abandoned" || !strings.Contains(at[0].Error, "return when ctx.Done() is closed") {
			t.Errorf("the abandoned attempt says %q, %q", at[0].Reason, at[0].Error)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fn     func(context.Context, in) (artifact.Ref[int], error)
		config step.Config
		says   string
		after  time.Duration
	}{
		"graceful":  {untilDone, step.Config{}, "the run was cancelled: enough", 0},
		"own error": {act(func(ctx context.Context, _ string, _ []int) (int, error) { <-ctx.Done(); return 0, errBroken }), step.Config{}, "the run was cancelled: enough", 0},
		"forced": {nil, step.Config{}, // a step that is deaf until the run is over
			"the run was cancelled: enough; the step ignored its context and was abandoned; it still runs", 3 * time.Second},
		"retrying": {fails, step.Config{Retry: step.Retry{Attempts: 3, Backoff: time.Hour, MaxBackoff: time.Hour}}, "the run was cancelled: enough", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gone := make(chan none) // made in the bubble
				fn := c.fn
				if fn == nil {
					fn = act(func(context.Context, string, []int) (int, error) { <-gone; return 0, nil })
				}
				r := newRig(t)
				r.grace = 3 * time.Second
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				time.AfterFunc(time.Minute, func() { cancel(errors.New("enough")) })
				start := time.Now()
				p := pipeline.Define("cancel", func(p *pipeline.Builder, _ none) none {
					out := pipeline.Step(p, "it", fn, in{}, c.config)
					pipeline.Step(p, "next", sum, in{From: []artifact.Ref[int]{out}})
					return none{}
				})
				o := run(ctx, r, p, none{})
				o.want(metadata.RunCancelled, "it", metadata.StepCancelled, "next", metadata.StepCancelled)
				if took := time.Since(start); took < time.Minute+c.after || took > time.Minute+c.after+100*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if got := o.step("it").Error; got != c.says {
					t.Errorf("the step says %q", got)
				}
				close(gone)
				synctest.Wait()
			})
		})
	}
}

func TestCancelThatComesTooLate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := run(ctx, newRig(t), single(act(func(context.Context, string, []int) (int, error) { cancel(); return 1, nil })), none{})
	o.want(metadata.RunSucceeded, "it", metadata.StepSucceeded)
	if got := result[int](o, 0); got != 1 {
		t.Errorf("the result is %d", got)
	}
}

func TestRefusesWhatCanNeverStart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.local.CPU = 2
	for want, c := range map[string]step.Config{
		`step it: resources.cpu: 3 is more than the 2 that the orchestrator may use: ask for less, or raise its cpu`: {Resources: step.Resources{CPU: 3}},
		`step it: resources.gpu: 1 is more than the 0 that the orchestrator may use: ask for less, or raise its gpu`: {Resources: step.Resources{GPU: 1}},
		`step it: limits: the orchestrator has no limit "db"; it has none`:                                           {Limits: []string{"db"}},
	} {
		_, err := try(t.Context(), r, single(sum, c), none{})
		if err == nil || err.Error() != want || component.CodeOf(err) != component.Invalid {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
	runs, err := r.meta.Runs(t.Context(), metadata.RunQuery{})
	if err != nil || len(runs.Items) > 0 {
		t.Errorf("%d runs were recorded, %v", len(runs.Items), err)
	}
}

func TestHugeWords(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("é", 5<<20)
	talks := act(func(ctx context.Context, _ string, _ []int) (int, error) {
		step.Metric(ctx, huge, 1)
		step.Metric(ctx, "", 1)
		step.Metric(ctx, "loss", 1)
		return 0, errors.New(huge)
	})
	r := newRig(t)
	r.observer = func(e engine.Event) {
		if len(e.Reason) > 70_000 {
			t.Errorf("an event says %d bytes", len(e.Reason))
		}
	}
	o := run(t.Context(), r, single(talks), none{})
	o.want(metadata.RunFailed, "it", metadata.StepFailed)
	if got := o.step("it").Error; len(got) > 70_000 || !strings.HasPrefix(got, "éé") || !strings.HasSuffix(got, "bytes)") {
		t.Errorf("the error has %d bytes", len(got))
	}
	metrics, err := o.r.meta.Metrics(t.Context(), metadata.MetricQuery{Run: o.Run.ID})
	if err != nil || len(metrics.Items) != 1 || metrics.Items[0].Name != "loss" {
		t.Errorf("metrics %+v, %v", metrics.Items, err)
	}
}

func TestErrorWithoutMessage(t *testing.T) {
	t.Parallel()
	silent := act(func(context.Context, string, []int) (int, error) { return 0, errors.New("") })
	o := run(t.Context(), newRig(t), single(silent), none{})
	o.want(metadata.RunFailed, "it", metadata.StepFailed)
	if got := o.step("it").Error; got != "an error of type *errors.errorString, without a message" {
		t.Errorf("the step says %q", got)
	}
}
