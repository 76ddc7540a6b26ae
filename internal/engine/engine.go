package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

// Config is what a run is driven with. Artifacts, Metadata and Orchestrator must be set.
type Config struct {
	Artifacts    artifact.Store
	Metadata     metadata.Store
	Orchestrator orchestrator.Orchestrator
	// Worker configures attempts that run inside this process.
	Worker worker.Options
	// Workers serves host to attempts that run outside this process, and returns how to start one, and what ends the service. It is
	// called once, if the run has such attempts.
	Workers func(ctx context.Context, host worker.Host) (orchestrator.Program, func() error, error)
	// Logger is for what concerns no single step. Nil discards.
	Logger *slog.Logger
	// Observer, if not nil, is told what happens, in order and from one goroutine.
	Observer func(Event)
	// Lease is how long the driver counts as alive after it was last heard of; it is renewed in time. 0: something else shows that it lives.
	Lease time.Duration
	// Grace is the time between asking attempts to stop and forcing them. 0 means ten seconds.
	Grace time.Duration
}

// Job is one run.
type Job struct {
	Program *graph.Program
	Plan    *plan.Plan
	// Run as it is to be recorded: ID, Name, Pipeline, Tags, Stack, Graph, Plan, Params, Driver and Created.
	Run metadata.Run
	// Documents are written with the run.
	Documents []metadata.Document
	// Resume goes on with Run, which is recorded and has ended, or whose driver is gone: what has a result there keeps it.
	Resume bool
	// Replay, if not nil, takes results from another run.
	Replay *Replay
}

// Outcome is how a run ended.
type Outcome struct {
	// Run as it is recorded. Its Outputs lack the results whose steps were skipped.
	Run metadata.Run
	// Cause is the error that the run failed with, if it is an error of this process.
	Cause error
}

// ErrLeft is the cause of a context that ends since the run's driver does: the run is cancelled then, and recorded as lost, so that another
// driver goes on with it.
var ErrLeft = errors.New("its client was closed")

// Run executes a job to its end. When ctx ends the run is cancelled: running attempts are asked to stop, and forced after the grace. A
// run that failed or was cancelled is an Outcome, not an error; an error says that the run could not be recorded, or that it
// asks for what the orchestrator does not have, with code Invalid.
//
// Goroutines of steps that ignored their contexts may go on after Run has returned; nothing that they do counts any more.
func Run(ctx context.Context, c Config, j Job) (Outcome, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Grace == 0 {
		c.Grace = 10 * time.Second
	}
	s, err := newScheduler(ctx, c, j)
	if err != nil {
		return Outcome{}, err
	}
	defer s.shutdown()
	if err := s.begin(ctx); err != nil {
		return Outcome{}, err
	}
	if err := s.startRunner(ctx); err != nil {
		s.failure, s.cause = "start the runner: "+err.Error(), err
		s.halt("the runner could not start")
		return s.conclude(ctx)
	}
	return s.loop(ctx)
}

// startRunner makes the runner, and serves workers if attempts of the run are outside this process.
func (s *scheduler) startRunner(ctx context.Context) (err error) {
	run := orchestrator.Run{ID: s.run.ID, Pipeline: s.run.Pipeline}
	if slices.ContainsFunc(s.nodes, func(n *node) bool { return !n.inside }) {
		if s.c.Workers == nil {
			return component.Errorf(component.Unsupported, "steps run outside this program, which serves no workers")
		}
		if run.Program, s.endWorkers, err = s.c.Workers(ctx, s.host); err != nil {
			return err
		}
	}
	s.runner, err = s.c.Orchestrator.Runner(ctx, run, s.inside)
	return err
}
