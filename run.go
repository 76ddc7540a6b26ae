package tenon

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/hooks"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// run is a run that this process drives.
type run struct {
	id        string
	program   *graph.Program
	artifacts artifact.Store
	tempDir   func() (string, error)
	observer  func(pipeline.Event)
	hooks     *hooks.Dispatcher
	cancel    context.CancelFunc
	// leave is told of a run that its driver can no longer record, and why.
	leave func(metadata.Run, error)

	record   sync.Once
	recorded chan struct{} // closed with the run's first event, which follows its record
	ended    chan struct{} // closed when outcome and err are set
	outcome  engine.Outcome
	err      error
}

var _ pipeline.Handle = (*run)(nil)

func (r *run) drive(ctx context.Context, c engine.Config, j engine.Job) {
	defer close(r.ended)
	r.outcome, r.err = engine.Run(ctx, c, j)
	if r.err != nil && r.outcome.Run.ID != "" {
		r.leave(r.outcome.Run, r.err)
	}
	r.hooks.Wait()
}

func (r *run) observe(e engine.Event) {
	r.record.Do(func() { close(r.recorded) })
	if r.observer == nil {
		return
	}
	r.observer(pipeline.Event{
		Kind: pipeline.EventKind(e.Kind), Time: e.Time, Run: r.id, RunState: e.RunState,
		Step: e.Step, Index: e.Index, Attempt: e.Attempt, StepState: e.StepState, Elements: e.Elements, Reason: e.Reason,
		Done: e.Done, Total: e.Total, Level: e.Level, Message: e.Message,
	})
}

// ID implements [pipeline.Handle].
func (r *run) ID() string { return r.id }

// Cancel implements [pipeline.Handle].
func (r *run) Cancel() { r.cancel() }

// Wait implements [pipeline.Handle].
func (r *run) Wait(ctx context.Context) (results map[string]any, skipped []string, err error) {
	select {
	case <-r.ended:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for run %s, which goes on: %w", r.id, context.Cause(ctx))
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	if r.outcome.Run.State != metadata.RunSucceeded {
		return nil, nil, &runError{run: r.outcome.Run, cause: r.outcome.Cause}
	}
	names := make([]string, len(r.program.Graph.Results))
	for i := range names {
		names[i] = r.program.Graph.Results[i].Name
	}
	return decoded(ctx, r.outcome.Run, names, r.program.Results, r.artifacts, r.tempDir)
}

// runError says how a run ended that did not succeed. It wraps the error of the step that failed first, if this process drove the run.
type runError struct {
	run   metadata.Run
	cause error
}

func (e *runError) Error() string {
	return fmt.Sprintf("run %s %s: %s", e.run.ID, e.run.State, e.run.Error)
}

func (e *runError) Unwrap() error { return e.cause }

// Is makes a cancelled run match ErrCanceled and context.Canceled.
func (e *runError) Is(target error) bool {
	if e.run.State != metadata.RunCancelled {
		return false
	}
	return target == context.Canceled || errors.Is(component.ErrCanceled, target) //nolint:staticcheck // asks what target is, not what e is
}
