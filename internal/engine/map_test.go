package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// TestThenHasNoBarrier lets the first element of a map wait until the second one has gone through the next step.
func TestThenHasNoBarrier(t *testing.T) {
	t.Parallel()
	through := make(chan none)
	first := func(ctx context.Context, i item) (artifact.Ref[int], error) {
		if i.Item.Value() == 0 {
			select {
			case <-through:
			case <-ctx.Done():
				return i.Item, ctx.Err()
			}
		}
		return i.Item, nil
	}
	second := func(_ context.Context, i item) (artifact.Ref[int], error) {
		if i.Item.Value() == 1 {
			close(through)
		}
		return i.Item, nil
	}
	p := pipeline.Define("stream", func(p *pipeline.Builder, _ none) artifact.Ref[[]int] {
		m := pipeline.Map(p, "first", first, pipeline.Step(p, "list", numbers, struct{ N int }{2}), itemOf)
		return pipeline.Gather(pipeline.Then(p, "second", second, m, itemOf), same)
	})
	o := run(t.Context(), newRig(t), p, none{})
	o.want(metadata.RunSucceeded)
	if got := result[[]int](o, 0); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("the result is %v", got)
	}
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		tolerance step.Tolerance
		n, broken int // elements, and how many of them fail
		ok        bool
	}{
		{"none", step.Tolerance{}, 10, 1, false},
		{"count", step.Tolerance{Count: 2}, 10, 2, true},
		{"above count", step.Tolerance{Count: 2}, 10, 3, false},
		{"share", step.Tolerance{Share: 0.3}, 10, 3, true},
		{"above share", step.Tolerance{Share: 0.3}, 10, 4, false},
		{"share of thousands", step.Tolerance{Share: 0.29}, 3000, 870, true},
		{"all", step.Tolerance{Share: 1}, 5, 5, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.options.OnFailure = plan.Continue
			some := func(_ context.Context, i item) (artifact.Ref[int], error) {
				if i.Item.Value() < c.broken {
					return i.Item, errBroken
				}
				return i.Item, nil
			}
			p := pipeline.Define("tolerance", func(p *pipeline.Builder, _ none) artifact.Ref[[]int] {
				list := pipeline.Step(p, "list", numbers, struct{ N int }{c.n})
				m := pipeline.Map(p, "some", some, list, itemOf, step.Config{Tolerate: c.tolerance})
				return pipeline.Gather(pipeline.Then(p, "next", one, m, itemOf), same)
			})
			o := run(t.Context(), r, p, none{})
			if !c.ok {
				o.want(metadata.RunFailed, "some", failed, "next", cancelled)
				if want := fmt.Sprintf("%d of %d elements failed; element ", c.broken, c.n); !strings.Contains(o.step("some").Error, want) {
					t.Errorf("the step says %q, want %q", o.step("some").Error, want)
				}
				if !errors.Is(o.Cause, errBroken) {
					t.Errorf("the cause is %v", o.Cause)
				}
				return
			}
			o.want(metadata.RunSucceeded, "some", succeeded, "next", succeeded)
			if o.Cause != nil {
				t.Errorf("a run that succeeded has the cause %v", o.Cause)
			}
			got := result[[]int](o, 0)
			if len(got) != c.n-c.broken || len(got) > 0 && got[0] != c.broken {
				t.Errorf("the result has %d elements, want %d", len(got), c.n-c.broken)
			}
			if st := o.element("next", 0); st.State != skipped || st.Skip != "element 0 of step some failed" {
				t.Errorf("what continues a failed element is %s: %s", st.State, st.Skip)
			}
		})
	}
}

// TestNestedLists splits a list of lists twice, and elements too large for their records.
func TestNestedLists(t *testing.T) {
	t.Parallel()
	type listItem struct{ Item artifact.Ref[[]int] }
	nested := func(context.Context, none) (artifact.Ref[[][]int], error) {
		out := make([][]int, 30)
		for i := range out {
			out[i] = slices.Repeat([]int{i * 1_000_003}, 100*i) // from nothing to 24 kB
		}
		return artifact.New(out), nil
	}
	length := func(_ context.Context, i listItem) (artifact.Ref[int], error) {
		for _, v := range i.Item.Value() {
			if v != len(i.Item.Value())/100*1_000_003 {
				return artifact.Ref[int]{}, fmt.Errorf("a list of %d holds %d", len(i.Item.Value()), v)
			}
		}
		return artifact.New(len(i.Item.Value())), nil
	}
	p := pipeline.Define("nested", func(p *pipeline.Builder, _ none) artifact.Ref[[]int] {
		lists := pipeline.Step(p, "nested", nested, none{})
		return pipeline.Gather(pipeline.Map(p, "length", length, lists, func(e artifact.Ref[[]int]) listItem { return listItem{e} }), same)
	})
	r := newRig(t)
	o := run(t.Context(), r, p, none{})
	o.want(metadata.RunSucceeded)
	for i, got := range result[[]int](o, 0) {
		if got != 100*i {
			t.Errorf("list %d has %d elements", i, got)
		}
	}
	run(t.Context(), r, p, none{}).want(metadata.RunSucceeded, "length", metadata.StepCached)
}

// TestThenWithABarrier: a step that continues elements, and also takes all of them.
func TestThenWithABarrier(t *testing.T) {
	t.Parallel()
	type both struct {
		Item artifact.Ref[int]
		All  artifact.Ref[[]int]
	}
	share := func(_ context.Context, b both) (artifact.Ref[int], error) {
		total := 0
		for _, v := range b.All.Value() {
			total += v
		}
		return artifact.New(100 * b.Item.Value() / total), nil
	}
	p := pipeline.Define("barrier", func(p *pipeline.Builder, _ none) artifact.Ref[[]int] {
		m := pipeline.Map(p, "m", one, pipeline.Step(p, "list", numbers, struct{ N int }{5}), itemOf)
		all := pipeline.Gather(m, same)
		return pipeline.Gather(pipeline.Then(p, "share", share, m, func(e artifact.Ref[int]) both { return both{e, all} }), same)
	})
	o := run(t.Context(), newRig(t), p, none{})
	o.want(metadata.RunSucceeded)
	if got := result[[]int](o, 0); !slices.Equal(got, []int{0, 10, 20, 30, 40}) {
		t.Errorf("the result is %v", got)
	}
}

// TestShareInputs holds that elements share one decoded copy of what is the same for all, and that changing it fails the run.
func TestShareInputs(t *testing.T) {
	t.Parallel()
	type shared struct {
		Item     artifact.Ref[int]
		Numbers  artifact.Ref[[]int]
		Gathered artifact.Ref[[]int]
	}
	for _, changes := range []string{"nothing", "numbers", "gathered"} {
		t.Run(changes, func(t *testing.T) {
			t.Parallel()
			var copies counter
			use := func(_ context.Context, s shared) (artifact.Ref[int], error) {
				copies.add(fmt.Sprintf("%p", s.Numbers.Value()))
				if s.Item.Value() == 7 {
					switch changes {
					case "numbers":
						s.Numbers.Value()[3] = 99
					case "gathered":
						s.Gathered.Value()[3] = 99
					}
				}
				return s.Item, nil
			}
			p := pipeline.Define("shared", func(p *pipeline.Builder, _ none) artifact.Ref[[]int] {
				list := pipeline.Step(p, "list", numbers, struct{ N int }{20})
				large := pipeline.Step(p, "numbers", numbers, struct{ N int }{2000})
				all := pipeline.Gather(pipeline.Map(p, "m", one, list, itemOf), same)
				m := pipeline.Map(p, "use", use, list, func(e artifact.Ref[int]) shared { return shared{e, large, all} }, step.Config{ShareInputs: step.On})
				return pipeline.Gather(m, same)
			})
			r := newRig(t)
			r.options.Parallel = 1 // sharing without a lock is the step's own affair
			o := run(t.Context(), r, p, none{})
			if n := len(copies.take()); n != 1 {
				t.Errorf("the elements saw %d copies", n)
			}
			if changes == "nothing" {
				o.want(metadata.RunSucceeded, "use", succeeded)
				return
			}
			o.want(metadata.RunFailed, "use", failed)
			field := strings.ToUpper(changes[:1]) + changes[1:]
			if want := "an element changed input " + field + ", which all elements share"; !strings.Contains(o.Run.Error, want) {
				t.Errorf("the run says %q, want %q", o.Run.Error, want)
			}
		})
	}
}
