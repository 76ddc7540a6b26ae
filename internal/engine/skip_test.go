package engine_test

import (
	"context"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// flags is the output of a step that decides.
type flags struct {
	Yes, No artifact.Ref[bool]
	N       artifact.Ref[int]
	List    artifact.Ref[[]int]
}

func decide(context.Context, struct{ Name string }) (flags, error) {
	return flags{artifact.New(true), artifact.New(false), artifact.New(10), artifact.New([]int{1, 2})}, nil
}

// wires is what the cases of the table wire their steps with.
type wires struct {
	p *pipeline.Builder
	f flags
}

func (w wires) step(name string, from []artifact.Ref[int], opts ...step.Option) artifact.Ref[int] {
	return pipeline.Step(w.p, name, sum, in{Name: name, From: from}, opts...)
}

// skipped is a step that is skipped, with its output.
func (w wires) skipped(name string) artifact.Ref[int] {
	return w.step(name, nil, pipeline.When(w.f.No))
}

func (w wires) failed(name string) artifact.Ref[int] {
	return pipeline.Step(w.p, name, fails, in{Name: name})
}

func refs(r ...artifact.Ref[int]) []artifact.Ref[int] { return r }

const (
	succeeded = metadata.StepSucceeded
	skipped   = metadata.StepSkipped
	failed    = metadata.StepFailed
	cancelled = metadata.StepCancelled
)

// TestSkipping holds every sentence of the design about skipping: "a false When, or any input or condition that was skipped; After does not
// propagate it; Map and Gather over skipped are skipped; FirstOf takes the first in argument order that was not skipped, a failure
// blocks it, all skipped is skipped. A skipped output: the run succeeds and Result says ErrSkipped."
func TestSkipping(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wire func(w wires) artifact.Ref[int]
		run  metadata.RunState
		want []any
		skip string // why step x was skipped
		// result of the pipeline, if the run succeeds; -1 means that it was skipped.
		result int
	}{
		{"When true", func(w wires) artifact.Ref[int] { return w.step("x", refs(w.f.N), pipeline.When(w.f.Yes)) },
			metadata.RunSucceeded, []any{"x", succeeded}, "", 11},
		{"When false", func(w wires) artifact.Ref[int] { return w.step("x", refs(w.f.N), pipeline.When(w.f.No)) },
			metadata.RunSucceeded, []any{"x", skipped}, "condition decide.No is false", -1},
		{"one of two conditions false", func(w wires) artifact.Ref[int] {
			return w.step("x", nil, pipeline.When(w.f.Yes), pipeline.When(w.f.No))
		}, metadata.RunSucceeded, []any{"x", skipped}, "condition decide.No is false", -1},
		{"input skipped", func(w wires) artifact.Ref[int] { return w.step("x", refs(w.f.N, w.skipped("a"))) },
			metadata.RunSucceeded, []any{"a", skipped, "x", skipped}, "step a was skipped", -1},
		{"input of input skipped", func(w wires) artifact.Ref[int] {
			return w.step("x", refs(w.step("b", refs(w.skipped("a")))))
		}, metadata.RunSucceeded, []any{"b", skipped, "x", skipped}, "step b was skipped", -1},
		{"condition skipped", func(w wires) artifact.Ref[int] {
			other := pipeline.Step(w.p, "a", decide, struct{ Name string }{"a"}, pipeline.When(w.f.No))
			return w.step("x", nil, pipeline.When(other.Yes))
		}, metadata.RunSucceeded, []any{"a", skipped, "x", skipped}, "step a was skipped", -1},
		{"condition failed", func(w wires) artifact.Ref[int] {
			bad := pipeline.Step(w.p, "a", func(context.Context, struct{ Name string }) (flags, error) { return flags{}, errBroken }, struct{ Name string }{"a"})
			return w.step("x", nil, pipeline.When(bad.Yes))
		}, metadata.RunFailed, []any{"a", failed, "x", cancelled}, "", 0},
		{"After a skipped step", func(w wires) artifact.Ref[int] {
			w.skipped("a")
			return w.step("x", nil, pipeline.After("a"))
		}, metadata.RunSucceeded, []any{"a", skipped, "x", succeeded}, "", 1},
		{"After a failed step", func(w wires) artifact.Ref[int] {
			w.failed("a")
			return w.step("x", nil, pipeline.After("a"))
		}, metadata.RunFailed, []any{"a", failed, "x", cancelled}, "", 0},
		{"failed and skipped inputs", func(w wires) artifact.Ref[int] { return w.step("x", refs(w.skipped("a"), w.failed("b"))) },
			metadata.RunFailed, []any{"a", skipped, "b", failed, "x", cancelled}, "", 0},
		{"Map over skipped", func(w wires) artifact.Ref[int] {
			list := pipeline.Step(w.p, "a", numbers, struct{ N int }{3}, pipeline.When(w.f.No))
			return total(w, pipeline.Gather(pipeline.Map(w.p, "m", one, list, itemOf), same))
		}, metadata.RunSucceeded, []any{"a", skipped, "m", skipped, "x", skipped}, "step m was skipped", -1},
		{"Map with When false", func(w wires) artifact.Ref[int] {
			return total(w, pipeline.Gather(pipeline.Map(w.p, "m", one, w.f.List, itemOf, pipeline.When(w.f.No)), same))
		}, metadata.RunSucceeded, []any{"m", skipped, "x", skipped}, "step m was skipped", -1},
		{"Then over skipped", func(w wires) artifact.Ref[int] {
			m := pipeline.Map(w.p, "m", one, w.f.List, itemOf, pipeline.When(w.f.No))
			return total(w, pipeline.Gather(pipeline.Then(w.p, "n", one, m, itemOf), same))
		}, metadata.RunSucceeded, []any{"m", skipped, "n", skipped, "x", skipped}, "step n was skipped", -1},
		{"Then with When false", func(w wires) artifact.Ref[int] {
			m := pipeline.Map(w.p, "m", one, w.f.List, itemOf)
			return total(w, pipeline.Gather(pipeline.Then(w.p, "n", one, m, itemOf, pipeline.When(w.f.No)), same))
		}, metadata.RunSucceeded, []any{"m", succeeded, "n", skipped, "x", skipped}, "step n was skipped", -1},
		{"Map with another input skipped", func(w wires) artifact.Ref[int] {
			a := w.skipped("a")
			m := pipeline.Map(w.p, "m", func(_ context.Context, i struct{ Item, Other artifact.Ref[int] }) (artifact.Ref[int], error) {
				return i.Item, nil
			}, w.f.List, func(e artifact.Ref[int]) struct{ Item, Other artifact.Ref[int] } {
				return struct{ Item, Other artifact.Ref[int] }{e, a}
			})
			return total(w, pipeline.Gather(m, same))
		}, metadata.RunSucceeded, []any{"a", skipped, "m", skipped, "x", skipped}, "step m was skipped", -1},
		{"FirstOf takes the first", func(w wires) artifact.Ref[int] {
			return w.step("x", refs(pipeline.FirstOf(w.p, w.step("a", nil), w.f.N)))
		}, metadata.RunSucceeded, []any{"a", succeeded, "x", succeeded}, "", 2},
		{"FirstOf passes over the skipped", func(w wires) artifact.Ref[int] {
			return w.step("x", refs(pipeline.FirstOf(w.p, w.skipped("a"), w.f.N, w.step("b", nil))))
		}, metadata.RunSucceeded, []any{"a", skipped, "x", succeeded}, "", 11},
		{"FirstOf all skipped", func(w wires) artifact.Ref[int] {
			return w.step("x", refs(pipeline.FirstOf(w.p, w.skipped("a"), w.skipped("b"))))
		}, metadata.RunSucceeded, []any{"a", skipped, "b", skipped, "x", skipped}, "every alternative was skipped", -1},
		{"FirstOf blocked by a failure behind the first", func(w wires) artifact.Ref[int] {
			return w.step("x", refs(pipeline.FirstOf(w.p, w.f.N, w.failed("a"))))
		}, metadata.RunFailed, []any{"a", failed, "x", cancelled}, "", 0},
		{"FirstOf of FirstOf", func(w wires) artifact.Ref[int] {
			return w.step("x", refs(pipeline.FirstOf(w.p, pipeline.FirstOf(w.p, w.skipped("a"), w.skipped("b")), w.f.N)))
		}, metadata.RunSucceeded, []any{"x", succeeded}, "", 11},
		{"FirstOf as the result", func(w wires) artifact.Ref[int] { return pipeline.FirstOf(w.p, w.skipped("a"), w.f.N) },
			metadata.RunSucceeded, []any{"a", skipped}, "", 10},
		{"a result skipped", func(w wires) artifact.Ref[int] { return w.skipped("x") },
			metadata.RunSucceeded, []any{"x", skipped}, "condition decide.No is false", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.options.OnFailure = plan.Continue
			p := pipeline.Define("skips", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
				return c.wire(wires{p, pipeline.Step(p, "decide", decide, struct{ Name string }{"decide"})})
			})
			o := run(t.Context(), r, p, none{})
			o.want(c.run, c.want...)
			if c.skip != "" && o.step("x").Skip != c.skip {
				t.Errorf("x was skipped because %q, want %q", o.step("x").Skip, c.skip)
			}
			if c.run != metadata.RunSucceeded {
				return
			}
			if _, ok := o.Run.Outputs["output"]; ok != (c.result >= 0) {
				t.Errorf("there is a result: %t", ok)
			} else if c.result >= 0 && result[int](o, 0) != c.result {
				t.Errorf("the result is %d, want %d", result[int](o, 0), c.result)
			}
		})
	}
}

func one(_ context.Context, i item) (artifact.Ref[int], error) {
	return artifact.New(i.Item.Value()), nil
}

type listOf struct{ List artifact.Ref[[]int] }

// total adds the elements of a list, in step x.
func total(w wires, list artifact.Ref[[]int]) artifact.Ref[int] {
	return pipeline.Step(w.p, "x", addUp, listOf{list})
}

func addUp(_ context.Context, in listOf) (artifact.Ref[int], error) {
	n := 0
	for _, v := range in.List.Value() {
		n += v
	}
	return artifact.New(n), nil
}
