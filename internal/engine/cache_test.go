package engine_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// counting is a step that adds its inputs and one, and counts its calls by name.
func counting(c *counter) func(context.Context, in) (artifact.Ref[int], error) {
	return func(ctx context.Context, i in) (artifact.Ref[int], error) {
		c.add(i.Name)
		return sum(ctx, i)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	var calls counter
	counted := counting(&calls)
	type params struct{ A, B string }
	p := pipeline.Define("cache", func(p *pipeline.Builder, ps params) artifact.Ref[int] {
		a := pipeline.Step(p, "a", counted, in{Name: ps.A})
		b := pipeline.Step(p, "b", counted, in{Name: ps.B, From: refs(a)})
		return pipeline.Step(p, "c", counted, in{Name: "c", From: refs(a, b)})
	})
	r := newRig(t)
	ran := func(o *outcome, want ...string) {
		t.Helper()
		got := calls.take()
		names := []string{}
		for n := range got {
			names = append(names, n)
		}
		slices.Sort(names)
		if !slices.Equal(names, want) && len(names)+len(want) > 0 {
			t.Errorf("%v ran, want %v", names, want)
		}
		if o.Run.State != metadata.RunSucceeded || result[int](o, 0) != 4 {
			t.Errorf("the run %s", o.Run.State)
		}
	}
	first := run(t.Context(), r, p, params{"a", "b"})
	ran(first, "a", "b", "c")

	second := run(t.Context(), r, p, params{"a", "b"})
	ran(second)
	second.want(metadata.RunSucceeded, "a", metadata.StepCached, "b", metadata.StepCached, "c", metadata.StepCached)
	for _, name := range []string{"a", "b", "c"} {
		st, was := second.step(name), first.step(name)
		if st.Origin == nil || *st.Origin != (metadata.StepKey{Run: first.Run.ID, Step: name, Index: -1}) || !st.Computed.Equal(was.Computed) {
			t.Errorf("%s comes from %+v of %v", name, st.Origin, st.Computed)
		}
		if st.Attempts != 0 || len(second.attempts(name, -1)) != 0 || st.CacheKey != was.CacheKey || st.CacheKey == "" {
			t.Errorf("%s is recorded as %+v", name, st)
		}
		if st.Outputs[0].ID == was.Outputs[0].ID || !cmp.Equal(st.Outputs[0].Record, was.Outputs[0].Record) {
			t.Errorf("the output of %s is %+v, was %+v", name, st.Outputs[0], was.Outputs[0])
		}
	}
	third := run(t.Context(), r, p, params{"a", "b"})
	if o := third.step("c").Origin; o == nil || o.Run != first.Run.ID {
		t.Errorf("a copy of a copy names %+v as its origin", o)
	}

	// A parameter changes: the step runs. Its result is the same, so nothing that takes it runs.
	ran(run(t.Context(), r, p, params{"a", "b2"}), "b2")
	// The code changes.
	r.prints.version = "2"
	ran(run(t.Context(), r, p, params{"a", "b"}), "a", "b", "c")
	// It is put back.
	r.prints.version = "1"
	ran(run(t.Context(), r, p, params{"a", "b"}))
	// Nothing is looked up, but the results are recorded.
	r.options.NoCache = true
	o := run(t.Context(), r, p, params{"a", "b"})
	ran(o, "a", "b", "c")
	r.options.NoCache = false
	again := run(t.Context(), r, p, params{"a", "b"})
	ran(again)
	if again.step("a").Origin.Run != o.Run.ID {
		t.Error("a run without cache did not record its results for later")
	}
}

func TestCachePolicies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config   step.Config
		captured string
		second   metadata.StepState
		uncached string
		told     bool // while it runs
	}{
		"never":              {step.Config{Cache: step.Never}, "", succeeded, "its cache policy is never", false},
		"captured":           {step.Config{}, "it is a closure", succeeded, "it is a closure: name its state", true},
		"captured, versions": {step.Config{Version: "v1"}, "it is a closure", metadata.StepCached, "", false},
		"captured, pure":     {step.Config{Cache: step.Pure}, "it is a closure", metadata.StepCached, "", false},
		"failed":             {step.Config{}, "", failed, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.prints.captured = c.captured
			fn := sum
			if name == "failed" {
				fn = fails
			}
			p := single(fn, c.config)
			for range 2 {
				o := run(t.Context(), r, p, none{})
				told := slices.ContainsFunc(o.events, func(e engine.Event) bool {
					return e.StepState == succeeded && strings.HasPrefix(e.Reason, "not cached: it is a closure")
				})
				if told != c.told {
					t.Errorf("the observer was told that it is not cached: %v", told)
				}
				if o.step("it").State == c.second {
					if got := o.step("it").Uncached; !strings.HasPrefix(got, c.uncached) || got != "" && c.uncached == "" {
						t.Errorf("it is not cached because %q", got)
					}
					continue
				}
				if o.step("it").State != succeeded {
					t.Errorf("it is %s", o.step("it").State)
				}
			}
			if o := run(t.Context(), r, p, none{}); o.step("it").State != c.second {
				t.Errorf("it is %s, want %s", o.step("it").State, c.second)
			}
		})
	}
}

func TestCacheTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		p := single(sum, step.Config{Cache: step.TTL(time.Hour)})
		state := func() metadata.StepState { return run(t.Context(), r, p, none{}).step("it").State }
		want := func(want metadata.StepState) {
			t.Helper()
			if got := state(); got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		}
		want(succeeded)
		time.Sleep(50 * time.Minute)
		want(metadata.StepCached)
		time.Sleep(11 * time.Minute) // the age counts from the computation, not from its last use
		want(succeeded)
		want(metadata.StepCached)
	})
}

// TestCacheTTLAndClockSetBack holds that a result which was computed later than now has no age that a TTL could be compared with.
func TestCacheTTLAndClockSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t.Context(), rigIn(t, dir), single(sum), none{})
	synctest.Test(t, func(t *testing.T) { // it is the year 2000
		r := rigIn(t, dir)
		for ttl, want := range map[time.Duration]metadata.StepState{time.Minute: succeeded, 0: metadata.StepCached} {
			p := single(sum, step.Config{Cache: step.Cache{TTL: ttl}})
			if got := run(t.Context(), r, p, none{}).step("it").State; got != want {
				t.Errorf("with a TTL of %v it is %s, want %s", ttl, got, want)
			}
		}
	})
}

// TestCacheOfElements holds that elements are cached one by one, by value and not by place.
func TestCacheOfElements(t *testing.T) {
	t.Parallel()
	var calls counter
	square := func(_ context.Context, i item) (artifact.Ref[int], error) {
		calls.add(strconv.Itoa(i.Item.Value()))
		return artifact.New(i.Item.Value() * i.Item.Value()), nil
	}
	type params struct{ List []int }
	p := pipeline.Define("elements", func(p *pipeline.Builder, ps params) artifact.Ref[[]int] {
		list := pipeline.Step(p, "list", func(_ context.Context, in params) (artifact.Ref[[]int], error) { return artifact.New(in.List), nil }, ps)
		return pipeline.Gather(pipeline.Map(p, "square", square, list, itemOf), same)
	})
	r := newRig(t)
	for _, c := range []struct {
		list []int
		ran  map[string]int
		node metadata.StepState
	}{
		{[]int{1, 2, 3}, map[string]int{"1": 1, "2": 1, "3": 1}, succeeded},
		{[]int{3, 1, 2}, nil, metadata.StepCached},
		{[]int{4, 3}, map[string]int{"4": 1}, succeeded},
		{[]int{}, nil, succeeded},
	} {
		o := run(t.Context(), r, p, params{c.list})
		o.want(metadata.RunSucceeded, "square", c.node)
		if diff := cmp.Diff(c.ran, calls.take()); diff != "" {
			t.Errorf("of %v: %s", c.list, diff)
		}
		for i, n := range c.list {
			if got := result[[]int](o, 0)[i]; got != n*n {
				t.Errorf("element %d of %v is %d", i, c.list, got)
			}
		}
	}
}
