package main

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

type size struct{ N int }

type linkIn struct{ Prev artifact.Ref[int] }

type firstIn struct{ N int }

func first(_ context.Context, in firstIn) (artifact.Ref[int], error) { return artifact.New(in.N), nil }

func link(_ context.Context, in linkIn) (artifact.Ref[int], error) {
	return artifact.New(in.Prev.Value() + 1), nil
}

// chain is N steps, each taking the output of the one before.
var chain = pipeline.Define("chain", func(p *pipeline.Builder, in size) artifact.Ref[int] {
	last := pipeline.Step(p, "s0", first, firstIn{})
	for i := 1; i < in.N; i++ {
		last = pipeline.Step(p, fmt.Sprintf("s%d", i), link, linkIn{last})
	}
	return last
})

// wide is N steps that do not depend on each other.
var wide = pipeline.Define("wide", func(p *pipeline.Builder, in size) struct{} {
	for i := range in.N {
		pipeline.Step(p, fmt.Sprintf("s%d", i), first, firstIn{N: i})
	}
	return struct{}{}
})

type listIn struct{ N int }

func list(_ context.Context, in listIn) (artifact.Ref[[]int], error) {
	out := make([]int, in.N)
	for i := range out {
		out[i] = i
	}
	return artifact.New(out), nil
}

// mapped maps one step over a list of N elements.
var mapped = pipeline.Define("mapped", func(p *pipeline.Builder, in size) artifact.Ref[[]int] {
	elements := pipeline.Step(p, "list", list, listIn(in))
	each := pipeline.Map(p, "each", link, elements, func(e artifact.Ref[int]) linkIn { return linkIn{e} })
	return pipeline.Gather(each, func(out artifact.Ref[int]) artifact.Ref[int] { return out })
})
