package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/simulate"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
)

// TestModelInterrupted cancels the runs of random graphs at any moment, over stores that are slow, and unavailable now and then, also after
// they have done what they were asked for. Whatever the model says may be cancelled instead, and nothing else.
func TestModelInterrupted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		specs := slowed(rt, drawGraph(rt))
		options := plan.Options{OnFailure: drawMode(rt)}
		seed, left := rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 40).Draw(rt, "cancel at")
		inBubble(t, rt, func(tb testing.TB) {
			r := newRig(tb)
			r.options = options
			w := simulate.New(seed, simulate.Failures|simulate.Delays)
			defer w.Wait(tb.Context())
			r.driver = w.Disturbed("cancelled run").Driver(nil)
			ctx, cancel := context.WithCancel(tb.Context())
			defer cancel()
			r.observer = func(engine.Event) {
				if left--; left == 0 {
					cancel()
				}
			}
			o := run(ctx, r, wire(specs, 0), none{})
			compareSteps(tb, o, specs, predict(specs), true)
			want := metadata.RunSucceeded
			for _, st := range o.steps {
				switch {
				case st.State == failed && st.Index < 0:
					want = metadata.RunFailed
				case st.State == cancelled && want == metadata.RunSucceeded:
					want = metadata.RunCancelled
				}
			}
			if o.Run.State != want {
				tb.Errorf("the run is %s, want %s", o.Run.State, want)
			}
		})
	})
}

// TestModelFaults lets everything happen to the runs of random graphs that a simulated world has: attempts are lost, stopped, executed twice and
// given up, stores fail, drivers die, are cut off and come back, persons cancel. One driver after the other goes on. In the end every state and
// value is what the model says, and nothing that was recorded as done has run again.
func TestModelFaults(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		specs := lasting(slowed(rt, drawGraph(rt)))
		f := faulty{specs: specs, seed: rapid.Uint64().Draw(rt, "seed"), options: plan.Options{OnFailure: drawMode(rt), Parallel: rapid.IntRange(0, 3).Draw(rt, "parallel")}}
		inBubble(t, rt, func(tb testing.TB) { f.check(tb) })
	})
}

// lasting leaves only what ends in the same way however often it is tried: what fails does so always, or its attempts last for it, and all
// elements count.
func lasting(specs []spec) []spec {
	for i := range specs {
		s := &specs[i]
		s.tolerate = 0
		if s.fails > 0 && (s.permanent || s.fails >= s.attempts) {
			s.fails = 1 << 30
		}
	}
	return specs
}

// faulty is a run to which things happen.
type faulty struct {
	specs   []spec
	seed    uint64
	options plan.Options
	// mutate, if not nil, puts a mistake between the drivers and the metadata store.
	mutate func(metadata.Store) metadata.Store
}

// check drives the run until nothing can happen to it any more, and compares it with the model.
func (f faulty) check(tb testing.TB) {
	ctx, cancel := context.WithTimeout(tb.Context(), 30*24*time.Hour)
	defer cancel()
	base := newRig(tb)
	base.options = f.options
	world := simulate.New(f.seed, simulate.All)
	r, p := world.Disturbed("run"), wire(f.specs, 0)
	var current atomic.Int64
	var id string
	var ends []<-chan error
	defer func() {
		for _, ended := range ends {
			<-ended
		}
		if err := world.Wait(ctx); err != nil {
			tb.Error(err)
		}
	}()
	for n := int64(1); ; n++ {
		current.Store(n)
		driving, kill := context.WithCancel(ctx)
		defer kill()
		one := *base
		one.driver = r.Driver(kill)
		if f.mutate != nil {
			one.meta = f.mutate(base.meta)
		}
		one.meta = &fenceWitness{Store: one.meta, tb: tb, base: base.meta}
		one.runner = func(inner orchestrator.Runner) orchestrator.Runner {
			return &witness{Runner: inner, tb: tb, meta: base.meta, current: func() bool { return current.Load() == n }}
		}
		faults := len(world.Notes())
		o, ended := f.drive(driving, &one, p, &id, world.Rand("cancel").IntN(60))
		ends = append(ends, ended)
		select {
		case <-one.driver.Gone():
		case err := <-ended:
			calm := one.driver.Last() || len(world.Notes()) == faults && !o.interrupted()
			if o.Run.State == metadata.RunSucceeded || err == nil && o.Run.State == metadata.RunFailed && calm {
				o.check()
				compareStates(tb, o, f.specs, predict(f.specs))
				return
			}
			if one.driver.Last() {
				tb.Fatalf("the last driver ends with %v, the run is %s (%s)\n%v", err, o.Run.State, o.Run.Error, world.Notes())
			}
		}
		<-time.After(time.Minute)
		if done := f.succeeded(base, p, id); done != nil { // its driver died when it had recorded that, and nobody may go on with it
			done.checkRecords()
			compareStates(tb, done, f.specs, predict(f.specs))
			return
		}
		bury(base, id)
	}
}

// succeeded returns what is recorded of a run that is recorded as succeeded, or nil.
func (f faulty) succeeded(r *rig, p *pipeline.Pipeline[none, none], id string) *outcome {
	run, err := r.meta.Run(context.Background(), id)
	if err != nil || run.State != metadata.RunSucceeded {
		return nil
	}
	_, job := r.prepare(p, none{})
	return &outcome{Outcome: engine.Outcome{Run: run}, r: r, program: job.Program}
}

// interrupted reports whether a person cancelled the run.
func (o *outcome) interrupted() bool {
	return slices.ContainsFunc(o.events, func(e engine.Event) bool { return e.RunState == metadata.RunCancelling })
}

// bury records the end of the run of a driver that is gone, or seems to be, as a client does before another one goes on. One that was cut off may
// come back meanwhile, and record something: then it is tried again.
func bury(r *rig, id string) {
	for errors.Is(tryToBury(r, id), component.ErrFailedPrecondition) {
		<-time.After(time.Second)
	}
}

func tryToBury(r *rig, id string) error {
	ctx := context.Background()
	run, err := r.meta.Run(ctx, id)
	if err != nil || run.State.Ended() {
		return nil //nolint:nilerr // it was never recorded, or there is nothing to do
	}
	run.Epoch++
	run.Finished, run.Lost = time.Now(), true
	run.State = map[bool]metadata.RunState{true: metadata.RunCancelled, false: metadata.RunFailed}[run.State == metadata.RunCancelling]
	b := metadata.Batch{Run: id, Epoch: run.Epoch, Update: []metadata.Run{run}}
	for st := range pages(r.tb, func(c metadata.Cursor) (metadata.Page[metadata.Step], error) {
		return r.meta.Steps(ctx, metadata.StepQuery{Run: id, Cursor: c})
	}) {
		if !st.State.Ended() {
			st.State, st.Finished = cancelled, run.Finished
			b.Steps = append(b.Steps, st)
		}
	}
	for a := range pages(r.tb, func(c metadata.Cursor) (metadata.Page[metadata.Attempt], error) {
		return r.meta.Attempts(ctx, metadata.AttemptQuery{Run: id, Cursor: c})
	}) {
		if !a.State.Ended() {
			a.State, a.Finished = cancelled, run.Finished
			b.Attempts = append(b.Attempts, a)
		}
	}
	return r.meta.Apply(ctx, b)
}

// drive starts the run, or goes on with it. A person cancels it after some events, but for the last driver.
func (f faulty) drive(ctx context.Context, r *rig, p *pipeline.Pipeline[none, none], id *string, left int) (*outcome, <-chan error) {
	config, job := r.prepare(p, none{})
	if *id == "" {
		*id = job.Run.ID
	}
	o := &outcome{r: r, program: job.Program}
	recorded, err := r.meta.Run(context.WithoutCancel(ctx), *id)
	switch {
	case err == nil:
		recorded.Driver = job.Run.Driver
		job.Run, job.Resume = recorded, true
	case errors.Is(err, component.ErrNotFound):
		job.Run.ID = *id
	default:
		r.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	config.Observer = func(e engine.Event) {
		o.events = append(o.events, e)
		if left--; left == 0 && !r.driver.Last() {
			cancel()
		}
	}
	ended := make(chan error, 2)
	go func() {
		defer close(ended)
		defer cancel()
		var err error
		o.Outcome, err = engine.Run(ctx, config, job)
		ended <- err
	}()
	return o, ended
}

// witness sees that nothing that is recorded as done runs again.
type witness struct {
	orchestrator.Runner
	tb      testing.TB
	meta    metadata.Store
	current func() bool // whether its driver is the one that drives the run
}

func (w *witness) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	page, err := w.meta.Steps(context.WithoutCancel(ctx), metadata.StepQuery{Run: a.Run, Step: a.Step, Cursor: metadata.Cursor{Limit: 1000}})
	if err != nil {
		w.tb.Error(err)
	}
	done := func(st metadata.Step) bool {
		return st.Index == a.Index && (st.State == succeeded || st.State == metadata.StepCached)
	}
	if w.current() && slices.ContainsFunc(page.Items, done) {
		w.tb.Errorf("%s (%d) runs again, though it is recorded as done", a.Step, a.Index)
	}
	return w.Runner.Run(ctx, a)
}

// fenceWitness sees that no driver records anything after another one has taken the run over.
type fenceWitness struct {
	metadata.Store
	tb      testing.TB
	base    metadata.Store
	applied sync.Map // IDs of batches, which may come again
}

func (w *fenceWitness) Apply(ctx context.Context, b metadata.Batch) error {
	now, readErr := w.base.Run(context.WithoutCancel(ctx), b.Run)
	err := w.Store.Apply(ctx, b)
	if err != nil {
		return err
	}
	if _, again := w.applied.LoadOrStore(b.ID, true); !again && readErr == nil && now.Epoch > b.Epoch {
		w.tb.Errorf("the driver of epoch %d records something in epoch %d", b.Epoch, now.Epoch)
	}
	return nil
}

// compareStates compares states and values with the model, however often something was tried. If the run stopped early the rest may be cancelled.
func compareStates(tb testing.TB, o *outcome, specs []spec, model []wanted) {
	stops := o.Run.State != metadata.RunSucceeded && o.r.options.OnFailure != plan.Continue
	for i, w := range model {
		w.attempts = -1
		compareTask(tb, o, nodeName(i), -1, w, stops, specs[i].kind.mapped())
		for k, e := range w.elements {
			e.attempts = -1
			if _, ok := o.steps[metadata.StepKey{Step: nodeName(i), Index: k}]; ok || !stops {
				compareTask(tb, o, nodeName(i), k, e, stops, false)
			}
		}
	}
}
