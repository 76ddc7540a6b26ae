package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// gated is a store whose batches wait, and may fail, as a test says.
type gated struct {
	metadata.Store
	before func(b metadata.Batch) error // called before a batch is applied

	mu        sync.Mutex
	committed map[string]metadata.StepState // step name and index to state
	batches   int
}

func (g *gated) Apply(ctx context.Context, b metadata.Batch) error {
	if g.before != nil {
		if err := g.before(b); err != nil {
			return err
		}
	}
	if err := g.Store.Apply(ctx, b); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batches++
	for _, st := range b.Steps {
		if g.committed == nil {
			g.committed = map[string]metadata.StepState{}
		}
		g.committed[fmt.Sprintf("%s %d", st.Step, st.Index)] = st.State
	}
	return nil
}

func (g *gated) state(name string, i int) metadata.StepState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.committed[fmt.Sprintf("%s %d", name, i)]
}

// holds reports whether a batch holds the end of a step.
func holds(b metadata.Batch, name string) bool {
	return slices.ContainsFunc(b.Steps, func(s metadata.Step) bool { return s.Step == name && s.State.Ended() })
}

// TestExternalStartsAfterItsUpstreamIsCommitted holds the commit of the upstream step back. An ordinary dependant starts meanwhile, the
// external ones, also those further down, do not.
func TestExternalStartsAfterItsUpstreamIsCommitted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hold := make(chan none)
	g := &gated{Store: r.meta, before: func(b metadata.Batch) error {
		if holds(b, "first") {
			<-hold
		}
		return nil
	}}
	r.meta = g
	ordinary := act(func(context.Context, string, []int) (int, error) {
		if got := g.state("first", -1); got != "" {
			t.Errorf("an ordinary step waited for the commit: first is %s", got)
		}
		close(hold)
		return 1, nil
	})
	external := act(func(_ context.Context, name string, _ []int) (int, error) {
		for _, up := range []string{"first", "ordinary"} {
			if name == "e1" && up == "ordinary" {
				continue
			}
			if got := g.state(up, -1); got != metadata.StepSucceeded {
				t.Errorf("external step %s started while %s is %q in the store", name, up, got)
			}
		}
		return 1, nil
	})
	elements := func(_ context.Context, i item) (artifact.Ref[int], error) {
		n := i.Item.Value()
		if got := g.state("elements", n); got != metadata.StepSucceeded {
			t.Errorf("external element %d started while its predecessor is %q in the store", n, got)
		}
		return i.Item, nil
	}
	on := step.Config{External: step.On}
	p := pipeline.Define("external", func(p *pipeline.Builder, _ none) none {
		first := pipeline.Step(p, "first", sum, in{Name: "first"})
		middle := pipeline.Step(p, "ordinary", ordinary, in{Name: "o", From: refs(first)})
		pipeline.Step(p, "e1", external, in{Name: "e1", From: refs(first)}, on)
		pipeline.Step(p, "e2", external, in{Name: "e2", From: refs(middle)}, on)
		list := pipeline.Step(p, "list", numbers, struct{ N int }{50})
		m := pipeline.Map(p, "elements", one, list, itemOf)
		pipeline.Then(p, "outside", elements, m, itemOf, on)
		return none{}
	})
	run(t.Context(), r, p, none{}).want(metadata.RunSucceeded)
}

// TestRemoteRunnersStartAfterTheCommit does the same for attempts that run elsewhere.
func TestRemoteRunnersStartAfterTheCommit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.remote = true
	g := &gated{Store: r.meta}
	r.meta = g
	check := act(func(_ context.Context, name string, from []int) (int, error) {
		if n := len(from); n > 0 && g.state(fmt.Sprintf("s%d", from[0]), -1) != metadata.StepSucceeded {
			t.Errorf("%s started before s%d was committed", name, from[0])
		}
		if len(from) == 0 {
			return 0, nil
		}
		return from[0] + 1, nil
	})
	p := pipeline.Define("remote", func(p *pipeline.Builder, _ none) none {
		last := pipeline.Step(p, "s0", check, in{Name: "s0"})
		for i := 1; i < 20; i++ {
			last = pipeline.Step(p, fmt.Sprintf("s%d", i), check, in{Name: fmt.Sprintf("s%d", i), From: refs(last)})
		}
		return none{}
	})
	run(t.Context(), r, p, none{}).want(metadata.RunSucceeded)
}

func TestRunReturnsAfterTheCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		g := &gated{Store: r.meta, before: func(metadata.Batch) error {
			time.Sleep(time.Second) // of the bubble
			return nil
		}}
		r.meta = g
		p := pipeline.Define("chain", func(p *pipeline.Builder, _ none) none {
			last := pipeline.Step(p, "s0", sum, in{})
			for i := 1; i < 10; i++ {
				last = pipeline.Step(p, fmt.Sprintf("s%d", i), sum, in{From: refs(last)})
			}
			return none{}
		})
		run(t.Context(), r, p, none{}).want(metadata.RunSucceeded, "s9", metadata.StepSucceeded)
		if got := g.state("s9", -1); got != metadata.StepSucceeded {
			t.Errorf("the last step is %q in the store", got)
		}
	})
}

// TestUncommittedWorkIsBounded lets a store take long: what runs ahead of the store is bounded in time, so that few steps are lost by a
// crash.
func TestUncommittedWorkIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.meta = &gated{Store: r.meta, before: func(metadata.Batch) error {
			time.Sleep(time.Second)
			return nil
		}}
		slow := act(func(context.Context, string, []int) (int, error) {
			time.Sleep(2 * time.Millisecond)
			return 0, nil
		})
		p := pipeline.Define("chain", func(p *pipeline.Builder, _ none) none {
			last := pipeline.Step(p, "s0", slow, in{Name: "s0"})
			for i := 1; i < 40; i++ {
				last = pipeline.Step(p, fmt.Sprintf("s%d", i), slow, in{Name: strconv.Itoa(i), From: refs(last)})
			}
			return none{}
		})
		start := time.Now()
		run(t.Context(), r, p, none{}).want(metadata.RunSucceeded)
		// Each commit of a second admits the steps of five milliseconds, three or four of them.
		if took := time.Since(start); took < 10*time.Second {
			t.Errorf("40 steps ran ahead of a slow store in %v", took)
		}
	})
}

func TestCommitsAreGrouped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := &gated{Store: r.meta}
	r.meta = g
	p := pipeline.Define("wide", func(p *pipeline.Builder, _ none) none {
		for i := range 2000 {
			pipeline.Step(p, fmt.Sprintf("s%d", i), sum, in{Name: strconv.Itoa(i)})
		}
		return none{}
	})
	run(t.Context(), r, p, none{}).want(metadata.RunSucceeded)
	if g.batches > 500 {
		t.Errorf("2000 steps took %d commits", g.batches)
	}
}

func TestStoreUnavailableForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		back := time.Now().Add(30 * time.Second)
		refused := 0
		r.meta = &gated{Store: r.meta, before: func(b metadata.Batch) error {
			if time.Now().Before(back) {
				refused++
				return component.Errorf(component.Unavailable, "out for lunch")
			}
			return nil
		}}
		p := pipeline.Define("two", func(p *pipeline.Builder, _ none) none {
			a := pipeline.Step(p, "a", sum, in{})
			pipeline.Step(p, "b", sum, in{From: refs(a)}, step.Config{External: step.On})
			return none{}
		})
		run(t.Context(), r, p, none{}).want(metadata.RunSucceeded, "a", metadata.StepSucceeded, "b", metadata.StepSucceeded)
		if refused < 5 || refused > 100 {
			t.Errorf("the store was asked %d times in half a minute", refused)
		}
	})
}

func TestStoreBroken(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"at once":     component.Errorf(component.FailedPrecondition, "driven by another process"),
		"after a day": component.Errorf(component.Unavailable, "down"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				stopped := make(chan none)
				r.meta = &gated{Store: r.meta, before: func(b metadata.Batch) error {
					if len(b.Create) > 0 {
						return nil
					}
					return cause
				}}
				beside := act(func(ctx context.Context, _ string, _ []int) (int, error) {
					<-ctx.Done()
					close(stopped)
					return 0, ctx.Err()
				})
				p := pipeline.Define("three", func(p *pipeline.Builder, _ none) none {
					pipeline.Step(p, "beside", beside, in{Name: "beside"})
					a := pipeline.Step(p, "a", sum, in{})
					pipeline.Step(p, "external", act(func(context.Context, string, []int) (int, error) {
						t.Error("an external step ran though nothing could be recorded")
						return 0, nil
					}), in{From: refs(a)}, step.Config{External: step.On})
					return none{}
				})
				o, err := try(t.Context(), r, p, none{})
				if !errors.Is(err, cause) || !strings.Contains(err.Error(), "record what happened") {
					t.Errorf("the error is %v", err)
				}
				<-stopped
				if last := o.events[len(o.events)-1]; last.RunState != metadata.RunFailed {
					t.Errorf("the last event is %+v", last)
				}
			})
		})
	}
}

func TestRunThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.meta = &gated{Store: r.meta, before: func(metadata.Batch) error { return errBroken }}
	_, err := try(t.Context(), r, single(act(func(context.Context, string, []int) (int, error) {
		t.Error("the step ran")
		return 0, nil
	})), none{})
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "record run ") {
		t.Errorf("the error is %v", err)
	}
}

// TestLongAttemptsAreSeen holds that an attempt that runs for a while is recorded as running, and a short one is not.
func TestLongAttemptsAreSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		rows := map[string][]metadata.StepState{}
		r.meta = &gated{Store: r.meta, before: func(b metadata.Batch) error {
			for _, st := range b.Steps {
				name := st.Step
				if st.Index >= 0 {
					name = "elements of " + name
				}
				rows[name] = append(rows[name], st.State)
				if st.Elements > 0 && (st.Elements != 2 || st.Started.IsZero() || st.Finished.IsZero() == st.State.Ended()) {
					t.Errorf("the row of a mapped step: %+v", st)
				}
			}
			for _, a := range b.Attempts {
				rows["attempts of "+a.Step] = append(rows["attempts of "+a.Step], a.State)
			}
			return nil
		}}
		p := pipeline.Define("two", func(p *pipeline.Builder, _ none) none {
			pipeline.Step(p, "long", act(func(context.Context, string, []int) (int, error) { time.Sleep(time.Minute); return 0, nil }), in{Name: "l"})
			pipeline.Step(p, "short", act(func(context.Context, string, []int) (int, error) { time.Sleep(50 * time.Millisecond); return 0, nil }), in{Name: "s"})
			list := pipeline.Step(p, "list", numbers, struct{ N int }{2})
			pipeline.Map(p, "mapped", func(_ context.Context, i item) (artifact.Ref[int], error) {
				time.Sleep(time.Minute)
				return i.Item, nil
			}, list, itemOf)
			pipeline.Map(p, "brief", func(_ context.Context, i item) (artifact.Ref[int], error) { return i.Item, nil }, list, itemOf)
			return none{}
		})
		run(t.Context(), r, p, none{}).want(metadata.RunSucceeded)
		for name, want := range map[string][]metadata.StepState{
			"mapped": {metadata.StepRunning, succeeded}, "brief": {succeeded}, "elements of brief": {succeeded, succeeded},
			"long": {metadata.StepRunning, succeeded}, "attempts of long": {metadata.StepRunning, succeeded},
			"short": {succeeded}, "attempts of short": {succeeded},
		} {
			if !slices.Equal(rows[name], want) {
				t.Errorf("%s: %v, want %v", name, rows[name], want)
			}
		}
	})
}
