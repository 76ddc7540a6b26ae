package simulate

import (
	"context"
	"slices"
	"sync"

	"github.com/tenon-ml/tenon/orchestrator"
)

// Orchestrator returns an orchestrator with the limits and runners of like, whose attempts all run inside, by inner.
func (d *Driver) Orchestrator(like orchestrator.Capabilities, inner orchestrator.Orchestrator) orchestrator.Orchestrator {
	like.Remote, like.Runners = false, slices.Clone(like.Runners)
	for i := range like.Runners {
		like.Runners[i].Inside = true
	}
	return &simulated{inner, d, like}
}

type simulated struct {
	orchestrator.Orchestrator
	d    *Driver
	like orchestrator.Capabilities
}

// Capabilities implements [orchestrator.Orchestrator].
func (o *simulated) Capabilities() orchestrator.Capabilities { return o.like }

// Runner implements [orchestrator.Orchestrator].
func (o *simulated) Runner(ctx context.Context, run orchestrator.Run, inside orchestrator.Executor) (orchestrator.Runner, error) {
	r := &runner{d: o.d}
	inner, err := o.Orchestrator.Runner(ctx, run, func(ctx context.Context, a orchestrator.Attempt) orchestrator.Exit { return r.execute(ctx, a, inside) })
	r.Runner = inner
	return r, err
}

// runner loses attempts before they begin, and executes some of them twice.
type runner struct {
	orchestrator.Runner
	d          *Driver
	stragglers sync.WaitGroup
}

// Run implements [orchestrator.Runner].
func (r *runner) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	d, at := r.d, site{a.Step, a.Index}
	a.Runner = ""
	rnd := d.r.w.rand("start", d.r.name, d.n, at, a.Number)
	pause(ctx, d.delay(rnd))
	if d.isDead() {
		return orchestrator.Exit{}, errDead
	}
	if d.happens(Crashes, rnd, 0.3) {
		d.r.w.note(Crashes, a.Step, "%s: attempt %d crashes before its function is called", at, a.Number)
		return orchestrator.Exit{}, injected("the attempt crashed before its function was called")
	}
	return r.Runner.Run(ctx, a)
}

// execute executes an attempt, at times twice: what hands attempts out may do so again when it has not heard of the first.
func (r *runner) execute(ctx context.Context, a orchestrator.Attempt, inside orchestrator.Executor) orchestrator.Exit {
	d, at := r.d, site{a.Step, a.Index}
	rnd := d.r.w.rand("copies", d.r.name, d.n, at, a.Number)
	twice, beside, late := d.happens(Duplicates, rnd, 0.5), rnd.IntN(2) == 0, rnd.IntN(2) == 0
	if !twice {
		return inside(ctx, a)
	}
	if !beside {
		d.r.w.note(Duplicates, a.Step, "%s: attempt %d is executed twice, one after the other", at, a.Number)
		exit := inside(ctx, a)
		inside(ctx, a)
		return exit
	}
	d.r.w.note(Duplicates, a.Step, "%s: attempt %d is executed twice at once", at, a.Number)
	second := make(chan struct{})
	r.stragglers.Go(func() {
		defer close(second)
		inside(context.WithoutCancel(ctx), a)
	})
	exit := inside(ctx, a)
	if !late {
		<-second
	}
	return exit
}

// Close implements [orchestrator.Runner]. Second executions are waited for, since the resources of the client are theirs too.
func (r *runner) Close(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.stragglers.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return r.Runner.Close(ctx)
}
