package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/simulate"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
	"github.com/tenon-ml/tenon/step"
)

const (
	// patience bounds the virtual time of one run: what takes longer hangs.
	patience = 30 * 24 * time.Hour
	// plenty is how much there is of everything that is limited, if nobody says: simulated steps use nothing.
	plenty = 1024
)

// simulation is one call of Simulate, within its bubble.
type simulation struct {
	t          *testing.T
	definition pipeline.Definition
	params     any
	answers    answers
	config     tenon.Config
	dir        string
	world      *simulate.World
	clients    []*tenon.Client
	drivers    int
	elapsed    time.Duration
}

// within is a pipeline whose steps run in a world.
type within struct {
	pipeline.Definition
	driver *simulate.Driver
}

// Build implements [pipeline.Definition].
func (w within) Build(params any) (*graph.Program, error) {
	program, err := w.Definition.Build(params)
	if err != nil {
		return nil, err
	}
	return w.driver.Program(program), nil
}

// run runs the pipeline undisturbed and disturbed, and compares.
func (s *simulation) run() []simulate.Problem {
	program, err := s.definition.Build(s.params)
	if err != nil {
		s.t.Fatal(err)
	}
	s.answers.check(s.t, program.Graph)
	clock := s.world.Rand("clock")
	var want metadata.Run
	var leave map[string]simulate.Leave
	for _, name := range []string{"undisturbed run 1", "undisturbed run 2"} {
		if want, leave, err = s.undisturbed(name); err != nil {
			s.t.Fatalf("simulate pipeline %s: an undisturbed run fails, so that there is nothing to compare with: %v", s.definition.Name(), err)
		}
		<-time.After(time.Duration(1 + clock.Int64N(int64(40*24*time.Hour)))) // who looks at the clock sees another day
	}
	began := time.Now()
	got, err := s.disturbed(want.Counts[metadata.StepFailed] == 0)
	s.elapsed = time.Since(began)
	problems, differ, orderErr := s.world.Problems(program.Graph, leave)
	if orderErr != nil {
		s.t.Fatal(orderErr)
	}
	if err == nil {
		return append(problems, simulate.Results(program.Graph, want.Outputs, got.Outputs, differ)...)
	}
	if len(problems) == 0 {
		problems = append(problems, simulate.Problem{Text: fmt.Sprintf("pipeline %s does not get over what happened to it: %v", s.definition.Name(), err)})
	}
	return problems
}

// stores are where one run is kept.
type stores struct {
	meta      metadata.Store
	artifacts artifact.Store
}

func (s *simulation) open(name string) stores {
	meta, err := sqlite.Open(s.t.Context(), filepath.Join(s.dir, name+".db"), sqlite.Options{Logger: s.config.Logger})
	if err != nil {
		s.t.Fatal(err)
	}
	artifacts, err := artifactlocal.Open(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(errors.Join(err, meta.Close()))
	}
	s.t.Cleanup(func() {
		if err := errors.Join(artifacts.Close(), meta.Close()); err != nil {
			s.t.Error(err)
		}
	})
	return stores{meta, artifacts}
}

// client opens a client that is a driver.
func (s *simulation) client(ctx context.Context, at stores, d *simulate.Driver) (*tenon.Client, error) {
	inner, err := local.New(local.Config{CPU: plenty, GPU: plenty})
	if err != nil {
		return nil, err
	}
	like := inner.Capabilities()
	if s.config.Stack != nil {
		like = s.config.Stack.Orchestrator().Capabilities()
	}
	st, err := stack.New(stack.Parts{Name: "simulated", Orchestrator: d.Orchestrator(like, inner), Artifacts: d.Artifacts(at.artifacts)})
	if err != nil {
		return nil, err
	}
	client, err := tenon.Open(ctx, tenon.Config{Home: filepath.Join(s.dir, "home"), Metadata: d.Metadata(at.meta), Stack: st, Logger: s.config.Logger})
	if err != nil {
		return nil, err
	}
	s.clients = append(s.clients, client)
	s.t.Cleanup(func() { _ = client.Close() }) // also if the test ends early; it was closed before otherwise
	return client, nil
}

// end waits for everything that goes on, and closes the clients.
func (s *simulation) end(ctx context.Context) {
	if err := s.world.Wait(ctx); err != nil {
		s.t.Errorf("simulate pipeline %s: %v", s.definition.Name(), err)
	}
	for _, client := range s.clients {
		if err := client.Close(); err != nil {
			s.t.Errorf("close a client: %v", err)
		}
	}
	s.clients = nil
}

// undisturbed runs the pipeline, and returns also what its plan allows to the steps.
func (s *simulation) undisturbed(name string) (run metadata.Run, leave map[string]simulate.Leave, err error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	at := s.open(name)
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	d := s.world.Undisturbed(name).Driver(nil)
	client, err := s.client(ctx, at, d)
	if err != nil {
		return run, nil, err
	}
	defer s.end(ctx)
	h, err := s.submit(ctx, client, d, pipeline.RunConfig{NoHooks: true, Observer: s.answers.unanswered(end)})
	if err != nil {
		return run, nil, err
	}
	if err := s.answers.send(ctx, s.world.Metadata(at.meta), h.ID(), s.world.Began()); err != nil {
		return run, nil, err
	}
	if _, _, err := h.Wait(ctx); err != nil {
		return run, nil, err
	}
	if run, err = at.meta.Run(ctx, h.ID()); err != nil {
		return run, nil, err
	}
	doc, err := at.meta.Document(ctx, run.Plan)
	if err != nil {
		return run, nil, err
	}
	p, err := plan.Parse(doc.Body)
	if err != nil {
		return run, nil, err
	}
	leave = map[string]simulate.Leave{}
	for i := range p.Steps {
		c := p.Steps[i].Config
		tolerates := c.Tolerate.Count > 0 || c.Tolerate.Share > 0
		leave[p.Steps[i].Name] = simulate.Leave{Differ: c.Cache.Mode == step.CacheNever, Tolerant: tolerates && run.Counts[metadata.StepFailed] > 0}
	}
	return run, leave, nil
}

func (s *simulation) submit(ctx context.Context, client *tenon.Client, d *simulate.Driver, config pipeline.RunConfig) (pipeline.Handle, error) {
	definition := within{s.definition, d}
	program, err := definition.Build(s.params)
	if err != nil {
		return nil, err
	}
	return client.Submit(ctx, pipeline.Submission{Pipeline: definition, Params: s.params, Program: program, Config: config})
}

// disturbed lets one driver after another go on with a run until it succeeds. If every element counts, none is given up that failed because of
// what happened to it, though the step would tolerate that.
func (s *simulation) disturbed(everyElement bool) (metadata.Run, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	at, r := s.open("disturbed run"), s.world.Disturbed("the disturbed run")
	defer s.end(ctx)
	how := s.world.Rand("run")
	modes := []pipeline.FailureMode{pipeline.Stop, pipeline.FailFast, pipeline.Continue}
	config := pipeline.RunConfig{NoHooks: true, OnFailure: modes[how.IntN(len(modes))], Parallel: how.IntN(4)}
	if everyElement {
		config.Steps = step.Configs{"*": {Tolerate: step.NoTolerance}}
	}
	for {
		driveCtx, kill := context.WithCancel(ctx)
		defer kill()
		s.drivers++
		d := r.Driver(kill)
		driveErr := s.drive(driveCtx, at, d, config)
		run, found, err := recorded(ctx, at.meta)
		switch {
		case err != nil:
			return run, err
		case found && run.State == metadata.RunSucceeded:
			return run, nil
		case d.Last():
			return run, driveErr
		case ctx.Err() != nil:
			return run, component.Errorf(component.DeadlineExceeded, "it goes on after %v: %w", patience, ctx.Err())
		}
		s.undriven(ctx, at.meta)
	}
}

// undriven waits until nobody drives the run: one that was cut off may come back, and go on.
func (s *simulation) undriven(ctx context.Context, meta metadata.Store) {
	for wait := time.Second; wait > 0 && ctx.Err() == nil; {
		<-time.After(wait)
		run, found, err := recorded(ctx, meta)
		if err != nil || !found || run.State.Ended() {
			return
		}
		wait = time.Until(run.Driver.Lease)
	}
}

// drive starts the run, or goes on with it, until it ends or the driver is gone.
func (s *simulation) drive(ctx context.Context, at stores, d *simulate.Driver, config pipeline.RunConfig) error {
	client, err := s.client(ctx, at, d)
	if err != nil {
		return err
	}
	run, found, err := recorded(ctx, at.meta)
	if err != nil {
		return err
	}
	var h pipeline.Handle
	if found {
		var again pipeline.Submission
		if again, err = pipeline.Resumed(ctx, client, within{s.definition, d}, run.ID, pipeline.ResumeConfig{}); err == nil {
			h, err = client.Submit(ctx, again)
		}
	} else {
		h, err = s.submit(ctx, client, d, config)
	}
	if err != nil {
		return err
	}
	if err := s.answer(ctx, at.meta, h.ID()); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, _, err := h.Wait(context.WithoutCancel(ctx))
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-d.Gone():
		return component.Errorf(component.Unavailable, "its driver is gone")
	}
}

// answer sends the answers to a run that has not got them.
func (s *simulation) answer(ctx context.Context, meta metadata.Store, run string) error {
	ctx = context.WithoutCancel(ctx) // who answers does not die with the driver
	sent, err := meta.Signals(ctx, metadata.SignalQuery{Run: run})
	if err != nil || len(sent.Items) > 0 {
		return err
	}
	return s.answers.send(ctx, s.world.Metadata(meta), run, s.world.Began())
}

// recorded returns the run of a store that has at most one.
func recorded(ctx context.Context, meta metadata.Store) (run metadata.Run, found bool, err error) {
	page, err := meta.Runs(context.WithoutCancel(ctx), metadata.RunQuery{})
	if err != nil || len(page.Items) == 0 {
		return run, false, err
	}
	run, err = meta.Run(context.WithoutCancel(ctx), page.Items[0].ID) // with its results
	return run, err == nil, err
}
