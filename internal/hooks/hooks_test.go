package hooks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/internal/hooks"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store takes batches, or refuses them.
type store struct {
	metadata.Store
	err error
}

func (s *store) Apply(context.Context, metadata.Batch) error { return s.err }

// heard keeps the events that a hook was told of.
type heard struct {
	mu     sync.Mutex
	events []hook.Event
}

func (h *heard) Notify(_ context.Context, e hook.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	return nil
}

// states are those that it heard, as "step state", in order.
func (h *heard) states() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	states := []string{}
	for _, e := range h.events {
		states = append(states, strings.TrimSpace(e.Step+" "+e.State))
	}
	slices.Sort(states)
	return states
}

type none = struct{}

func nothing(context.Context, none) (artifact.Ref[int], error) { return artifact.New(1), nil }

var theRun = metadata.Run{ID: "r1", Pipeline: "p", Name: "nightly", Tags: map[string]string{"team": "birds"}}

// rig is a dispatcher of a pipeline with one step "it" beside others without hooks.
type rig struct {
	t      *testing.T
	d      *hooks.Dispatcher
	store  *store
	logged *bytes.Buffer
}

func newRig(t *testing.T, ofStep []step.Option, ofRun ...pipeline.Option) *rig {
	t.Helper()
	p := pipeline.Define("p", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		pipeline.Step(p, "other", nothing, none{})
		return pipeline.Step(p, "it", nothing, none{}, ofStep...)
	}, ofRun...)
	program, err := p.Build(&none{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, store: &store{}, logged: &bytes.Buffer{}}
	if r.d, err = hooks.New(t.Context(), theRun, program, slog.New(slog.NewTextHandler(r.logged, nil))); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) apply(rows ...metadata.Step) {
	r.t.Helper()
	if err := r.d.Listen(r.store).Apply(r.t.Context(), metadata.Batch{Run: theRun.ID, Steps: rows}); !errors.Is(err, r.store.err) {
		r.t.Errorf("Apply: %v", err)
	}
}

func (r *rig) end(state metadata.RunState) {
	r.t.Helper()
	run := theRun
	run.State, run.Error, run.Started, run.Finished = state, "why", time.Unix(1, 0), time.Unix(2, 0)
	if err := r.d.Listen(r.store).Apply(r.t.Context(), metadata.Batch{Run: theRun.ID, Update: []metadata.Run{run}}); err != nil {
		r.t.Errorf("Apply: %v", err)
	}
}

func row(name string, index int, state metadata.StepState) metadata.Step {
	return metadata.Step{
		StepKey: metadata.StepKey{Run: theRun.ID, Step: name, Index: index}, State: state, Attempts: 2, Error: "boom",
		Started: time.Unix(3, 0), Finished: time.Unix(4, 0),
	}
}

// TestOutcomes: which hooks hear of which end.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, state := range metadata.StepStates() {
		t.Run("step "+string(state), func(t *testing.T) {
			t.Parallel()
			var success, failure, end heard
			r := newRig(t, []step.Option{step.OnSuccess(&success), step.OnFailure(&failure), step.OnEnd(&end)})
			r.apply(row("other", -1, state), row("it", 0, state), row("it", -1, state))
			r.apply(row("it", -1, state)) // a row may be written again
			r.end(metadata.RunSucceeded)
			r.d.Wait()
			var want [3]int
			if state.Ended() {
				want[2] = 1
			}
			switch state {
			case metadata.StepSucceeded, metadata.StepCached:
				want[0] = 1
			case metadata.StepFailed:
				want[1] = 1
			}
			if got := [3]int{len(success.events), len(failure.events), len(end.events)}; got != want {
				t.Errorf("told %v times, want %v", got, want)
			}
		})
	}
	for state, want := range map[metadata.RunState][3]int{
		metadata.RunSucceeded: {1, 0, 1}, metadata.RunFailed: {0, 1, 1}, metadata.RunCancelled: {0, 0, 1}, metadata.RunCancelling: {},
	} {
		t.Run("run "+string(state), func(t *testing.T) {
			t.Parallel()
			var success, failure, end heard
			r := newRig(t, nil, pipeline.OnSuccess(&success), pipeline.OnFailure(&failure), pipeline.OnEnd(&end))
			r.apply(row("it", -1, metadata.StepFailed))
			r.end(state)
			r.d.Wait()
			if got := [3]int{len(success.events), len(failure.events), len(end.events)}; got != want {
				t.Errorf("told %v times, want %v", got, want)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	var h heard
	r := newRig(t, []step.Option{step.OnFailure(&h)}, pipeline.OnFailure(&h))
	r.apply(row("it", -1, metadata.StepFailed))
	r.end(metadata.RunFailed)
	r.d.Wait()
	base := hook.Event{Run: "r1", Pipeline: "p", Name: "nightly", Tags: map[string]string{"team": "birds"}, State: "failed"}
	ofStep, ofRun := base, base
	ofStep.Kind, ofStep.Step, ofStep.Error, ofStep.Attempts, ofStep.Started, ofStep.Finished = hook.Step, "it", "boom", 2, time.Unix(3, 0), time.Unix(4, 0)
	ofRun.Kind, ofRun.Error, ofRun.Started, ofRun.Finished = hook.Run, "why", time.Unix(1, 0), time.Unix(2, 0)
	if diff := cmp.Diff([]hook.Event{ofStep, ofRun}, h.events); diff != "" {
		t.Error(diff)
	}
	h.events[0].Tags["team"] = "changed by a hook"
	if theRun.Tags["team"] != "birds" {
		t.Error("a hook can change the run")
	}
}

// TestOnlyWhatIsCommitted: hooks hear nothing of what the store refused.
func TestOnlyWhatIsCommitted(t *testing.T) {
	t.Parallel()
	var h heard
	r := newRig(t, []step.Option{step.OnEnd(&h)}, pipeline.OnEnd(&h))
	r.store.err = component.Errorf(component.Unavailable, "down")
	r.apply(row("it", -1, metadata.StepFailed))
	r.store.err = nil
	r.apply(row("it", -1, metadata.StepSucceeded))
	r.d.Wait() // the end of the run was never recorded
	if diff := cmp.Diff([]string{"it succeeded"}, h.states()); diff != "" {
		t.Error(diff)
	}
}

// TestFailures: whatever a hook does is logged, and the others are called.
func TestFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h heard
		never := make(chan struct{})
		r := newRig(t, nil, pipeline.OnEnd(
			hook.Func(func(context.Context, hook.Event) error { return errors.New("refused") }),
			hook.Func(func(context.Context, hook.Event) error { panic("boom") }),
			hook.Func(func(context.Context, hook.Event) error { runtime.Goexit(); return nil }),
			hook.Func(func(ctx context.Context, _ hook.Event) error {
				<-ctx.Done()
				return fmt.Errorf("obeyed: %w", ctx.Err())
			}),
			hook.WithTimeout(hook.Func(func(context.Context, hook.Event) error { <-never; return nil }), time.Minute),
			&h,
		))
		r.end(metadata.RunSucceeded)
		begin := time.Now()
		r.d.Wait()
		if took := time.Since(begin); took != time.Minute+time.Second {
			t.Errorf("Wait took %v", took)
		}
		close(never)
		if len(h.events) != 1 {
			t.Errorf("the last hook was told %d times", len(h.events))
		}
		log := r.logged.String()
		for _, want := range []string{
			`err=refused`, `err="it panicked: boom\n`, `hooks_test.go:`, `err="it ended its goroutine with runtime.Goexit"`,
			`err="obeyed: context deadline exceeded"`, `err="it did not end within 1m0s and is left behind"`, `level=WARN msg="a hook failed" run=r1`,
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %s:\n%s", want, log)
			}
		}
		if n := strings.Count(log, "\n"); n != 5 {
			t.Errorf("%d lines in\n%s", n, log)
		}
	})
}

// TestApplyDoesNotWait: the engine goes on while hooks are called, not all at once; the run's come last.
func TestApplyDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		var order []hook.Kind
		slow := hook.Func(func(_ context.Context, e hook.Event) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			order = append(order, e.Kind)
			mu.Unlock()
			return nil
		})
		r := newRig(t, []step.Option{step.OnEnd(slices.Repeat([]hook.Hook{slow}, 20)...)}, pipeline.OnEnd(slow))
		begin := time.Now()
		r.apply(row("it", -1, metadata.StepSucceeded))
		r.end(metadata.RunSucceeded)
		if time.Since(begin) != 0 {
			t.Error("Apply waited for a hook")
		}
		r.d.Wait()
		if took := time.Since(begin); most != 8 || took != 4*time.Second || len(order) != 21 || order[20] != hook.Run {
			t.Errorf("%d at once, %v, %v", most, took, order)
		}
	})
}

// TestHooksOutliveTheRun: a hook of a run that was cancelled can still reach the world, with the values of its context.
func TestHooksOutliveTheRun(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	var seen context.Context
	p := pipeline.Define("p", func(p *pipeline.Builder, _ none) artifact.Ref[int] { return pipeline.Step(p, "it", nothing, none{}) },
		pipeline.OnEnd(hook.Func(func(ctx context.Context, _ hook.Event) error {
			seen = ctx //nolint:fatcontext // looked at afterwards
			return ctx.Err()
		})))
	program, err := p.Build(&none{})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	d, err := hooks.New(ctx, theRun, program, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	r := rig{t, d, &store{}, &logged}
	r.end(metadata.RunCancelled)
	d.Wait()
	if deadline, ok := seen.Deadline(); seen.Value(key{}) != "value" || !ok || time.Until(deadline) > hook.DefaultTimeout || logged.Len() > 0 {
		t.Errorf("the hook's context has deadline %v; logged %s", deadline, &logged)
	}
}

// TestNoHooks: a run without hooks is recorded directly.
func TestNoHooks(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if r.d != nil || r.d.Listen(r.store) != metadata.Store(r.store) {
		t.Errorf("the dispatcher is %v", r.d)
	}
	r.d.Wait()
}

func TestHooksThatCannotWork(t *testing.T) {
	t.Parallel()
	var none3 hook.Func
	for want, h := range map[string]hook.Hook{
		"hook: a hook.Func is nil":                                none3,
		"hook: webhook: the URL is empty":                         hook.Webhook{},
		"hook.WithTimeout: 0s is no timeout: want more than zero": hook.WithTimeout(&heard{}, 0),
		"a hook is nil":                                           hook.WithTimeout(nil, time.Second),
	} {
		p := pipeline.Define("p", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
			return pipeline.Step(p, "it", nothing, none{}, step.OnEnd(h))
		})
		program, err := p.Build(&none{}) // a worker, which calls no hooks, builds it too
		if err != nil {
			t.Fatal(err)
		}
		_, err = hooks.New(t.Context(), theRun, program, slog.New(slog.DiscardHandler))
		if !errors.Is(err, component.ErrInvalid) || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}
