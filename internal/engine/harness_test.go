package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/pipeline"
)

func TestMain(m *testing.M) {
	// What is made once and shared must not be made within the bubble of a test with virtual time.
	warm := logs.NewWriter(nil, nil)
	_, _ = warm.Write([]byte("{}"))
	warm.Close()
	goleak.VerifyTestMain(m)
}

// rig is everything that a run needs, of real parts.
type rig struct {
	tb        testing.TB
	dir       string
	meta      metadata.Store
	artifacts artifact.Store
	local     local.Config
	options   plan.Options
	grace     time.Duration
	prints    prints
	logger    *slog.Logger
	observer  func(engine.Event)
	// runner, if not nil, replaces what the local orchestrator runs attempts with.
	runner func(orchestrator.Runner) orchestrator.Runner
	remote bool
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	dir := tb.TempDir()
	r := &rig{tb: tb, dir: dir, local: local.Config{CPU: 1000}, prints: prints{version: "1"}}
	var err error
	if r.meta, err = sqlite.Open(tb.Context(), filepath.Join(dir, "tenon.db"), sqlite.Options{}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.meta.Close(); err != nil {
			tb.Error(err)
		}
	})
	if r.artifacts, err = artifactlocal.Open(filepath.Join(dir, "artifacts")); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.artifacts.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// prints fingerprints functions by their names. A version is part of every fingerprint; captured says that of every function.
type prints struct{ version, captured string }

func (p prints) Fingerprint(_ context.Context, fn any) (fingerprint.Fingerprint, error) {
	f, err := fingerprint.FuncOf(fn)
	return fingerprint.Fingerprint{Digest: p.version + " " + f.Name, Mode: fingerprint.ModeSource, Captured: p.captured}, err
}

// remote is an orchestrator whose runner and capabilities a test decides on.
type rigOrchestrator struct {
	orchestrator.Orchestrator
	r *rig
}

func (o rigOrchestrator) Capabilities() orchestrator.Capabilities {
	c := o.Orchestrator.Capabilities()
	c.Remote = o.r.remote
	return c
}

func (o rigOrchestrator) Runner(ctx context.Context, run orchestrator.Run, inside orchestrator.Executor) (orchestrator.Runner, error) {
	inner, err := o.Orchestrator.Runner(ctx, run, inside)
	if err != nil || o.r.runner == nil {
		return inner, err
	}
	return o.r.runner(inner), nil
}

// outcome is how a run ended, with what is recorded of it.
type outcome struct {
	engine.Outcome
	r       *rig
	program *graph.Program
	events  []engine.Event
	steps   map[metadata.StepKey]metadata.Step // without run
}

// run runs a pipeline to its end and checks what holds for every run.
func run[P, Out any](ctx context.Context, r *rig, p *pipeline.Pipeline[P, Out], params P) *outcome {
	r.tb.Helper()
	o, err := try(ctx, r, p, params)
	if err != nil {
		r.tb.Fatalf("run %s: %v", p.Name(), err)
	}
	o.check()
	return o
}

// try runs a pipeline to its end.
func try[P, Out any](ctx context.Context, r *rig, p *pipeline.Pipeline[P, Out], params P) (*outcome, error) {
	r.tb.Helper()
	config, job := r.prepare(p, params)
	o := &outcome{r: r, program: job.Program}
	config.Observer = func(e engine.Event) {
		o.events = append(o.events, e)
		if r.observer != nil {
			r.observer(e)
		}
	}
	var err error
	o.Outcome, err = engine.Run(ctx, config, job)
	return o, err
}

// prepare makes what engine.Run takes.
func (r *rig) prepare(p pipeline.Definition, params any) (engine.Config, engine.Job) {
	r.tb.Helper()
	boxed := reflect.New(reflect.TypeOf(params))
	boxed.Elem().Set(reflect.ValueOf(params))
	program, err := p.Build(boxed.Interface())
	if err != nil {
		r.tb.Fatal(err)
	}
	o, err := local.New(r.local)
	if err != nil {
		r.tb.Fatal(err)
	}
	orch := rigOrchestrator{o, r}
	planned, err := plan.Make(context.Background(), plan.Request{
		Program: program, Params: params, StackDefaults: orch.Capabilities().StepDefaults, Options: r.options,
	}, r.prints, nil)
	if err != nil {
		r.tb.Fatal(err)
	}
	created := time.Now()
	return engine.Config{
			Artifacts: r.artifacts, Metadata: r.meta, Orchestrator: orch, Logger: r.logger, Grace: r.grace,
			Worker: worker.Options{TempDir: filepath.Join(r.dir, "tmp"), Host: "here"},
		}, engine.Job{
			Program: program, Plan: planned,
			Run: metadata.Run{
				ID: uuid.Must(uuid.NewV7()).String(), Name: "a run", Pipeline: p.Name(), Graph: planned.Graph, Plan: planned.Graph,
				Driver: metadata.Driver{Host: "here", PID: os.Getpid()}, Created: created,
			},
		}
}

// check checks what holds for every run that was recorded: everything has ended, counts agree, no state followed another against the
// table.
func (o *outcome) check() {
	tb := o.r.tb
	tb.Helper()
	ctx := context.Background()
	stored, err := o.r.meta.Run(ctx, o.Run.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if !stored.State.Ended() || stored.State != o.Run.State || stored.Error != o.Run.Error || stored.Finished.Before(stored.Started) {
		tb.Errorf("the run is recorded as %s (%q), the outcome says %s (%q)", stored.State, stored.Error, o.Run.State, o.Run.Error)
	}
	o.steps = map[metadata.StepKey]metadata.Step{}
	for st := range pages(tb, func(c metadata.Cursor) (metadata.Page[metadata.Step], error) {
		return o.r.meta.Steps(ctx, metadata.StepQuery{Run: o.Run.ID, Cursor: c})
	}) {
		if !st.State.Ended() || st.Finished.IsZero() {
			tb.Errorf("step %s (%d) is left %s", st.Step, st.Index, st.State)
		}
		st.Run = ""
		o.steps[st.StepKey] = st
	}
	for a := range pages(tb, func(c metadata.Cursor) (metadata.Page[metadata.Attempt], error) {
		return o.r.meta.Attempts(ctx, metadata.AttemptQuery{Run: o.Run.ID, Cursor: c})
	}) {
		if !a.State.Ended() {
			tb.Errorf("attempt %d of %s (%d) is left %s", a.Number, a.Step, a.Index, a.State)
		}
	}
	for i := range o.program.Graph.Nodes {
		if _, ok := o.steps[metadata.StepKey{Step: o.program.Graph.Nodes[i].Name, Index: -1}]; !ok {
			tb.Errorf("step %s has no row", o.program.Graph.Nodes[i].Name)
		}
	}
	counted, err := o.r.meta.CountSteps(ctx, o.Run.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if fmt.Sprint(counted) != fmt.Sprint(o.Run.Counts) {
		tb.Errorf("the run counts %v, its rows are %v", o.Run.Counts, counted)
	}
	o.checkEvents()
}

// checkEvents holds the states that an observer saw against the tables.
func (o *outcome) checkEvents() {
	tb := o.r.tb
	tb.Helper()
	last := map[metadata.StepKey]metadata.StepState{}
	run := metadata.RunPending
	for _, e := range o.events {
		switch e.Kind {
		case engine.EventRun:
			if !run.CanBecome(e.RunState) {
				tb.Errorf("the run went from %s to %s", run, e.RunState)
			}
			run = e.RunState
		case engine.EventStep:
			key := metadata.StepKey{Step: e.Step, Index: e.Index}
			from, ok := last[key]
			if !ok {
				from = metadata.StepPending
			}
			if !from.CanBecome(e.StepState) {
				tb.Errorf("step %s (%d) went from %s to %s", e.Step, e.Index, from, e.StepState)
			}
			last[key] = e.StepState
		}
	}
	if run != o.Run.State {
		tb.Errorf("the last event says %s, the run is %s", run, o.Run.State)
	}
	for key, st := range o.steps {
		if last[key] != st.State {
			tb.Errorf("the last event of step %s (%d) says %q, its row %q", key.Step, key.Index, last[key], st.State)
		}
	}
}

// pages yields all items of a listing.
func pages[T any](tb testing.TB, list func(metadata.Cursor) (metadata.Page[T], error)) func(func(T) bool) {
	tb.Helper()
	return func(yield func(T) bool) {
		c := metadata.Cursor{Limit: 1000}
		for {
			page, err := list(c)
			if err != nil {
				tb.Error(err)
				return
			}
			for _, item := range page.Items {
				if !yield(item) {
					return
				}
			}
			if c.After = page.Next; c.After == "" {
				return
			}
		}
	}
}

// step returns the row of a step.
func (o *outcome) step(name string) metadata.Step { return o.element(name, -1) }

// element returns the row of an element.
func (o *outcome) element(name string, i int) metadata.Step {
	o.r.tb.Helper()
	st, ok := o.steps[metadata.StepKey{Step: name, Index: i}]
	if !ok {
		o.r.tb.Fatalf("step %s (%d) has no row", name, i)
	}
	return st
}

// attempts returns the attempts of a step or element, in order.
func (o *outcome) attempts(name string, i int) []metadata.Attempt {
	o.r.tb.Helper()
	return slices.Collect(pages(o.r.tb, func(c metadata.Cursor) (metadata.Page[metadata.Attempt], error) {
		return o.r.meta.Attempts(context.Background(), metadata.AttemptQuery{Run: o.Run.ID, Step: name, Index: &i, Cursor: c})
	}))
}

// want checks the states of steps: pairs of name and state.
func (o *outcome) want(run metadata.RunState, pairs ...any) {
	tb := o.r.tb
	tb.Helper()
	if o.Run.State != run {
		tb.Errorf("the run is %s (%s), want %s", o.Run.State, o.Run.Error, run)
	}
	for i := 0; i < len(pairs); i += 2 {
		if got := o.step(pairs[i].(string)); got.State != pairs[i+1] {
			tb.Errorf("step %s is %s (%s%s), want %s", pairs[i], got.State, got.Error, got.Skip, pairs[i+1])
		}
	}
}

// result decodes the i-th result.
func result[T any](o *outcome, i int) T {
	tb := o.r.tb
	tb.Helper()
	if o.Outputs == nil {
		tb.Fatalf("the run has no results: %s %s", o.Run.State, o.Run.Error)
	}
	rec, port := o.Outputs[i], o.program.Results[i]
	dir := func() (string, error) { return tb.TempDir(), nil }
	var v any
	var err error
	if rec.Codec == artifact.GatherCodec {
		v, err = transfer.LoadList(context.Background(), o.r.artifacts, port.Elem, port.Type, rec, dir)
	} else {
		v, err = transfer.Load(context.Background(), o.r.artifacts, port.Codec, rec, dir)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return v.(T)
}

// in is the input of most steps of these tests. Name is part of the cache key.
type in struct {
	Name string
	From []artifact.Ref[int]
}

// act makes a step of a function from the values of its inputs.
func act(fn func(ctx context.Context, name string, from []int) (int, error)) func(context.Context, in) (artifact.Ref[int], error) {
	return func(ctx context.Context, i in) (artifact.Ref[int], error) {
		from := make([]int, len(i.From))
		for k := range from {
			from[k] = i.From[k].Value()
		}
		n, err := fn(ctx, i.Name, from)
		return artifact.New(n), err
	}
}

// sum is a step that adds its inputs and one.
var sum = act(func(_ context.Context, _ string, from []int) (int, error) {
	n := 1
	for _, f := range from {
		n += f
	}
	return n, nil
})

// numbers is a step that makes a list.
func numbers(_ context.Context, in struct{ N int }) (artifact.Ref[[]int], error) {
	list := make([]int, in.N)
	for i := range list {
		list[i] = i
	}
	return artifact.New(list), nil
}

// item is the input of an element.
type item struct{ Item artifact.Ref[int] }

func itemOf(e artifact.Ref[int]) item { return item{e} }

func same(out artifact.Ref[int]) artifact.Ref[int] { return out }

// none are the parameters of most pipelines of these tests.
type none = struct{}

// onStep returns an observer that calls do when a step first reaches a state.
func onStep(name string, state metadata.StepState, do func()) func(engine.Event) {
	var once sync.Once
	return func(e engine.Event) {
		if e.Kind == engine.EventStep && e.Step == name && e.StepState == state {
			once.Do(do)
		}
	}
}

// counter counts calls by name.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name]++
}

// take returns the counts and forgets them.
func (c *counter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = nil
	return n
}

var errBroken = errors.New("it broke")
