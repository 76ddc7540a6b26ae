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
	"github.com/tenon-ml/tenon/internal/simulate"
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
	// driver, if not nil, is what a simulated run is driven as.
	driver *simulate.Driver
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	return rigIn(tb, tb.TempDir())
}

// rigIn returns a rig whose stores are in a directory, where others may be too.
func rigIn(tb testing.TB, dir string) *rig {
	tb.Helper()
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

func (p prints) Fingerprint(_ context.Context, fn any, _ string) (fingerprint.Fingerprint, error) {
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
	if o.r.remote {
		c.Remote, c.Runners = true, nil
	}
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
		Program: program, Params: params, StackDefaults: orch.Capabilities().StepDefaults, Catalog: r.meta, Options: r.options,
	}, r.prints, nil)
	if err != nil {
		r.tb.Fatal(err)
	}
	created := time.Now()
	config, job := engine.Config{
		Artifacts: r.artifacts, Metadata: r.meta, Orchestrator: orch, Logger: r.logger, Grace: r.grace,
		Worker: worker.Options{TempDir: filepath.Join(r.dir, "tmp"), Host: "here"},
		Workers: func(context.Context, worker.Host) (orchestrator.Program, func() error, error) {
			return orchestrator.Program{}, func() error { return nil }, nil // a rig's attempts are inside, whatever they say
		},
	}, engine.Job{
		Program: program, Plan: planned,
		Run: metadata.Run{
			ID: uuid.Must(uuid.NewV7()).String(), Name: "a run", Pipeline: p.Name(), Graph: planned.Graph, Plan: planned.Graph,
			Driver: metadata.Driver{Host: "here", PID: os.Getpid()}, Created: created,
		},
	}
	if d := r.driver; d != nil {
		config.Artifacts, config.Metadata = d.Artifacts(config.Artifacts), d.Metadata(config.Metadata)
		config.Orchestrator, job.Program = d.Orchestrator(orch.Capabilities(), orch), d.Program(program)
		job.Run.Driver.Session = fmt.Sprint("driver ", time.Now()) // no two drive in one epoch
	}
	return config, job
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
	rec, ok := o.Run.Outputs[o.program.Graph.Results[i].Name]
	if !ok {
		tb.Fatalf("the run has no result %d: %s %s", i, o.Run.State, o.Run.Error)
	}
	v, err := o.program.Results[i].Load(context.Background(), o.r.artifacts, rec, func() (string, error) { return tb.TempDir(), nil })
	if err != nil {
		tb.Fatal(err)
	}
	return v.(T)
}

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
