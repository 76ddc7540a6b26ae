// Package hooks tells the hooks of a run what was recorded of it. It listens to the metadata store that the run is recorded in, so that
// they hear of an end when that is committed, and exactly of what is.
package hooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/hookset"
	"github.com/tenon-ml/tenon/internal/stacktrace"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	// parallel is how many calls of one run are made at once.
	parallel = 8
	// grace is how long a call whose time is up may take to say what it was doing.
	grace = time.Second
)

// Dispatcher calls the hooks of one run while one driver drives it. Safe for concurrent use.
type Dispatcher struct {
	ctx    context.Context //nolint:containedctx // of the hooks, which outlive the run's
	logger *slog.Logger
	run    metadata.Run
	ofRun  hookset.Set
	ofStep map[string]hookset.Set // by name; only steps that have hooks

	calls sync.WaitGroup

	mu      sync.Mutex
	told    map[string]bool // steps whose end was told
	ended   *metadata.Run   // once it is recorded
	queue   []call
	working int // goroutines that take from the queue
}

type call struct {
	hook  hook.Hook
	event hook.Event
}

// New returns the dispatcher of a run, or nil if there are no hooks. Hooks see the values of ctx, and do not end with it. The error, with
// code Invalid, names a hook that cannot work.
func New(ctx context.Context, run metadata.Run, p *graph.Program, logger *slog.Logger) (*Dispatcher, error) {
	d := &Dispatcher{
		ctx: context.WithoutCancel(ctx), logger: logger, run: run, ofRun: p.Hooks, ofStep: map[string]hookset.Set{}, told: map[string]bool{},
	}
	all := d.ofRun.All()
	for i, n := range p.Graph.Nodes {
		if own := p.Bindings[i].Hooks.All(); len(own) > 0 {
			d.ofStep[n.Name] = p.Bindings[i].Hooks
			all = append(all, own...)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	for _, h := range all {
		if err := hook.Validate(h); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Listen returns a store like s that tells the hooks what is applied to it. It is s itself if d is nil.
func (d *Dispatcher) Listen(s metadata.Store) metadata.Store {
	if d == nil {
		return s
	}
	return &listener{s, d}
}

type listener struct {
	metadata.Store
	d *Dispatcher
}

// Apply implements [metadata.Store].
func (l *listener) Apply(ctx context.Context, b metadata.Batch) error {
	err := l.Store.Apply(ctx, b)
	if err == nil {
		l.d.applied(b)
	}
	return err
}

// applied takes the ends from a batch that is committed.
func (d *Dispatcher) applied(b metadata.Batch) {
	for i := range b.Steps {
		if s := &b.Steps[i]; s.Run == d.run.ID && s.Index < 0 && s.State.Ended() {
			d.stepEnded(s)
		}
	}
	for _, r := range b.Update {
		if r.ID == d.run.ID && r.State.Ended() {
			d.mu.Lock()
			d.ended = &r
			d.mu.Unlock()
		}
	}
}

// stepEnded tells the end of a step once: a row may be written again.
func (d *Dispatcher) stepEnded(s *metadata.Step) {
	set, ok := d.ofStep[s.Step]
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told[s.Step] {
		return
	}
	d.told[s.Step] = true
	d.tell(set, hook.Event{
		Kind: hook.Step, Run: d.run.ID, Pipeline: d.run.Pipeline, Name: d.run.Name, Tags: maps.Clone(d.run.Tags),
		Step: s.Step, State: string(s.State), Error: s.Error + s.Skip, Attempts: s.Attempts, Started: s.Started, Finished: s.Finished,
	})
}

// Wait calls the hooks of the run, if its end is recorded, after those of its steps, and waits for all of them. Nothing is applied any more.
func (d *Dispatcher) Wait() {
	if d == nil {
		return
	}
	d.calls.Wait()
	d.mu.Lock()
	if r := d.ended; r != nil {
		d.tell(d.ofRun, hook.Event{
			Kind: hook.Run, Run: r.ID, Pipeline: r.Pipeline, Name: r.Name, Tags: maps.Clone(r.Tags),
			State: string(r.State), Error: r.Error, Started: r.Started, Finished: r.Finished,
		})
	}
	d.mu.Unlock()
	d.calls.Wait()
}

// tell queues the calls for one event. The caller holds mu.
func (d *Dispatcher) tell(set hookset.Set, e hook.Event) {
	for _, h := range set.For(e.State) {
		d.queue = append(d.queue, call{h, e})
		if d.working < parallel {
			d.working++
			d.calls.Go(d.work)
		}
	}
}

// work makes calls until none is left.
func (d *Dispatcher) work() {
	for {
		d.mu.Lock()
		if len(d.queue) == 0 {
			d.working--
			d.mu.Unlock()
			return
		}
		c := d.queue[0]
		d.queue = d.queue[1:]
		d.mu.Unlock()
		if err := d.make(c); err != nil {
			d.logger.Warn("a hook failed", "run", c.event.Run, "step", c.event.Step, "state", c.event.State, "hook", hook.Name(c.hook), "err", err)
		}
	}
}

// make makes one call. A hook that ignores its context is left behind.
func (d *Dispatcher) make(c call) error {
	limit := hook.Timeout(c.hook)
	ctx, cancel := context.WithTimeout(d.ctx, limit)
	defer cancel()
	returned := make(chan error, 1)
	go func() {
		err := errors.New("it ended its goroutine with runtime.Goexit")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("it panicked: %v\n%s", p, stacktrace.Recovered())
			}
			returned <- err
		}()
		err = c.hook.Notify(ctx, c.event)
	}()
	late := time.NewTimer(limit + grace)
	defer late.Stop()
	select {
	case err := <-returned:
		return err
	case <-late.C:
		return fmt.Errorf("it did not end within %v and is left behind", limit)
	}
}
