package engine_test

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// modelIn is the input of every node. Seed keeps the results of one graph from those of others.
type modelIn struct {
	Seed  int64
	Node  int
	From  []artifact.Ref[int]
	Lists []artifact.Ref[[]int]
}

type modelOut struct {
	N   artifact.Ref[int]
	Yes artifact.Ref[bool]
}

// wire makes a pipeline of specs. Its result is the list of the values of plain nodes, which are those of the model.
func wire(specs []spec, seed int64) *pipeline.Pipeline[none, none] {
	call := func(ctx context.Context, in modelIn, n int) (modelOut, error) {
		s := specs[in.Node]
		at, _ := step.Info(ctx)
		if at.Number <= s.fails && (at.Index < 0 || s.failing>>at.Index&1 == 1) {
			return modelOut{}, s.fail(ctx)
		}
		if err := takes(ctx, s.takes); err != nil {
			return modelOut{}, err
		}
		n++
		for _, f := range in.From {
			n += f.Value()
		}
		for _, l := range in.Lists {
			for _, v := range l.Value() {
				n += v
			}
		}
		return modelOut{artifact.New(n), artifact.New(s.yes)}, nil
	}
	stepFn := func(ctx context.Context, in modelIn) (modelOut, error) { return call(ctx, in, 0) }
	itemFn := func(ctx context.Context, in modelElement) (modelOut, error) { return call(ctx, in.In, in.Item.Value()) }
	return pipeline.Define("model", func(p *pipeline.Builder, _ none) none {
		outs := make([]modelOut, len(specs))
		maps := make([]pipeline.Mapped[modelOut], len(specs))
		list := func(i int) artifact.Ref[[]int] {
			return pipeline.Gather(maps[i], func(o modelOut) artifact.Ref[int] { return o.N })
		}
		for i, s := range specs {
			in := modelIn{Seed: seed, Node: i}
			for _, alternatives := range s.from {
				var alts []artifact.Ref[int]
				for _, a := range alternatives {
					alts = append(alts, outs[a].N)
				}
				in.From = append(in.From, pipeline.FirstOf(p, alts...))
			}
			for _, l := range s.lists {
				in.Lists = append(in.Lists, list(l))
			}
			opts := []step.Option{step.Config{Retry: step.Retry{Attempts: s.attempts, Backoff: time.Nanosecond}}}
			if s.way == byTimeout || s.way == byIgnoring {
				opts = append(opts, step.Config{Timeout: timeout})
			}
			for _, w := range s.when {
				opts = append(opts, pipeline.When(outs[w].Yes))
			}
			for _, a := range s.after {
				opts = append(opts, pipeline.After(nodeName(a)))
			}
			if s.kind.mapped() && s.tolerate > 0 {
				opts = append(opts, step.Config{Tolerate: step.Tolerance{Count: s.tolerate}})
			}
			element := func(e artifact.Ref[int]) modelElement { return modelElement{in, e} }
			switch {
			case s.kind == plain:
				outs[i] = pipeline.Step(p, nodeName(i), stepFn, in, opts...)
			case s.kind == thening:
				maps[i] = pipeline.Then(p, nodeName(i), itemFn, maps[s.over], func(o modelOut) modelElement { return element(o.N) }, opts...)
			case s.over >= 0:
				maps[i] = pipeline.Map(p, nodeName(i), itemFn, list(s.over), element, opts...)
			default:
				items := pipeline.Step(p, nodeName(i)+".items", numbers, struct{ N int }{s.size})
				maps[i] = pipeline.Map(p, nodeName(i), itemFn, items, element, opts...)
			}
		}
		return none{}
	})
}

// timeout of the nodes that fail by it, and what is added to it before an attempt that ignores it is given up.
const (
	timeout = time.Hour
	grace   = 10 * time.Second
)

// fail is how an attempt fails.
func (s spec) fail(ctx context.Context) error {
	switch {
	case s.permanent:
		return step.Permanent(errBroken)
	case s.way == byPanic:
		panic(errBroken)
	case s.way == byTimeout:
		<-ctx.Done()
		return ctx.Err()
	case s.way == byIgnoring:
		<-ctx.Done()
		<-time.After(3 * grace)
		return ctx.Err()
	}
	return errBroken
}

// takes waits for as long as a node takes.
func takes(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type modelElement struct {
	In   modelIn
	Item artifact.Ref[int]
}
