package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

func TestChain(t *testing.T) {
	t.Parallel()
	p := pipeline.Define("chain", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		last := pipeline.Step(p, "s0", sum, in{})
		for i := 1; i < 50; i++ {
			last = pipeline.Step(p, fmt.Sprintf("s%d", i), sum, in{From: []artifact.Ref[int]{last}})
		}
		return last
	})
	o := run(t.Context(), newRig(t), p, none{})
	o.want(metadata.RunSucceeded, "s0", metadata.StepSucceeded, "s49", metadata.StepSucceeded)
	if got := result[int](o, 0); got != 50 {
		t.Errorf("the result is %d", got)
	}
	st := o.step("s7")
	if len(st.Inputs) != 1 || st.Inputs[0].Artifact != o.step("s6").Outputs[0].ID || st.Inputs[0].Digest != o.step("s6").Outputs[0].Record.Digest {
		t.Errorf("lineage of s7 is %+v", st.Inputs)
	}
	if st.Attempts != 1 || len(o.attempts("s7", -1)) != 1 {
		t.Errorf("s7 has %d attempts", st.Attempts)
	}
	v, err := o.r.meta.Version(t.Context(), "chain/output", 0)
	if err != nil || v.Artifact != o.step("s49").Outputs[0].ID {
		t.Errorf("the result is named %+v, %v", v, err)
	}
}

func TestParallelByDefault(t *testing.T) {
	t.Parallel()
	const n = 20
	together := make(chan none)
	arrived := make(chan none, n)
	wait := act(func(ctx context.Context, _ string, _ []int) (int, error) {
		arrived <- none{}
		select {
		case <-together:
			return 0, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	p := pipeline.Define("wide", func(p *pipeline.Builder, _ none) none {
		for i := range n {
			pipeline.Step(p, fmt.Sprintf("s%d", i), wait, in{Name: strconv.Itoa(i)})
		}
		return none{}
	})
	go func() {
		for range n {
			<-arrived
		}
		close(together) // only if all run at once
	}()
	run(t.Context(), newRig(t), p, none{}).want(metadata.RunSucceeded)
}

func TestMapGatherAndThen(t *testing.T) {
	t.Parallel()
	double := func(_ context.Context, i item) (artifact.Ref[int], error) {
		return artifact.New(2 * i.Item.Value()), nil
	}
	next := func(_ context.Context, i item) (artifact.Ref[int], error) {
		return artifact.New(i.Item.Value() + 1), nil
	}
	type params struct{ N int }
	p := pipeline.Define("maps", func(p *pipeline.Builder, in params) artifact.Ref[[]int] {
		list := pipeline.Step(p, "list", numbers, struct{ N int }{in.N})
		doubled := pipeline.Map(p, "double", double, list, itemOf)
		nexts := pipeline.Then(p, "next", next, doubled, itemOf)
		again := pipeline.Map(p, "again", next, pipeline.Gather(nexts, same), itemOf)
		return pipeline.Gather(again, same)
	})
	r := newRig(t)
	for _, n := range []int{0, 1, 3000} {
		o := run(t.Context(), r, p, params{n})
		o.want(metadata.RunSucceeded, "double", metadata.StepSucceeded, "next", metadata.StepSucceeded, "again", metadata.StepSucceeded)
		want := make([]int, n)
		for i := range want {
			want[i] = 2*i + 2
		}
		if got := result[[]int](o, 0); !slices.Equal(got, want) || got == nil {
			t.Errorf("the result of %d elements is %v", n, got)
		}
		if o.step("next").Elements != n {
			t.Errorf("next has %d elements", o.step("next").Elements)
		}
		if n > 0 {
			if diff := cmp.Diff(o.element("double", n-1).Outputs[0].ID, o.element("next", n-1).Inputs[0].Artifact); diff != "" {
				t.Error(diff)
			}
		}
	}
}
