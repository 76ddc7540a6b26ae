package scale_test

import (
	"context"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type size struct{ N int }

type firstIn struct{ N int }

type linkIn struct{ Prev artifact.Ref[int] }

type sumIn struct{ All artifact.Ref[[]int] }

func first(_ context.Context, in firstIn) (artifact.Ref[int], error) { return artifact.New(in.N), nil }

func next(_ context.Context, in linkIn) (artifact.Ref[int], error) {
	return artifact.New(in.Prev.Value() + 1), nil
}

func list(_ context.Context, in size) (artifact.Ref[[]int], error) {
	out := make([]int, in.N)
	for i := range out {
		out[i] = i
	}
	return artifact.New(out), nil
}

func sum(ctx context.Context, in sumIn) (artifact.Ref[int], error) {
	n := 0
	for _, v := range in.All.Value() {
		n += v
	}
	step.Metric(ctx, "sum", float64(n))
	step.Logger(ctx).Info("summed up", "of", len(in.All.Value()))
	return artifact.New(n), nil
}

var chain = pipeline.Define("chain", func(p *pipeline.Builder, in size) artifact.Ref[int] {
	last := pipeline.Step(p, "s0", first, firstIn{})
	for i := 1; i < in.N; i++ {
		last = pipeline.Step(p, fmt.Sprintf("s%d", i), next, linkIn{last})
	}
	return last
})

// wide is N steps that do not depend on each other, and one that depends on the last ten.
var wide = pipeline.Define("wide", func(p *pipeline.Builder, in size) artifact.Ref[[]int] {
	var last []artifact.Ref[int]
	for i := range in.N {
		last = append(last, pipeline.Step(p, fmt.Sprintf("s%d", i), first, firstIn{N: i}))
	}
	return pipeline.Step(p, "last", collect, collectIn{last[in.N-10:]})
})

type collectIn struct{ From []artifact.Ref[int] }

func collect(_ context.Context, in collectIn) (artifact.Ref[[]int], error) {
	var out []int
	for _, r := range in.From {
		out = append(out, r.Value())
	}
	return artifact.New(out), nil
}

// summed maps over N elements and sums the results up.
var summed = pipeline.Define("summed", func(p *pipeline.Builder, in size) artifact.Ref[int] {
	each := pipeline.Map(p, "each", next, pipeline.Step(p, "list", list, in), func(e artifact.Ref[int]) linkIn { return linkIn{e} })
	return pipeline.Step(p, "sum", sum, sumIn{pipeline.Gather(each, func(out artifact.Ref[int]) artifact.Ref[int] { return out })})
})

func open(t *testing.T, c tenon.Config) *tenon.Client {
	t.Helper()
	if c.Home == "" {
		c.Home = t.TempDir()
	}
	client, err := tenon.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// finish runs a pipeline to its end and returns its result and the run as it is recorded.
func finish[Out any](t *testing.T, client *tenon.Client, p *pipeline.Pipeline[size, Out], n int) (Out, metadata.Run) {
	t.Helper()
	run, err := p.Run(t.Context(), client, size{n})
	if err != nil {
		t.Fatal(err)
	}
	out, err := run.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := client.Metadata().Run(t.Context(), run.ID())
	if err != nil {
		t.Fatal(err)
	}
	return out, recorded
}
