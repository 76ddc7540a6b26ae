package pipeline

import (
	"context"
	"slices"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// Replay asks a client for a new run that begins with results of another.
type Replay struct {
	Run string // ID of the other
	// From names the steps that run again in any case, with everything that depends on them. Of all others the results are used again where
	// code, parameters and inputs are the same, also if they are not cached. Empty: the cache alone decides.
	From []string
}

// Recorded is what is recorded of how a run was started.
type Recorded struct {
	Run, Pipeline string
	// Params is the exact encoding of the parameters.
	Params []byte
	// Config holds the tags, the stack and the options of the whole run; what it said of steps is in its plan alone.
	Config RunConfig
}

// ResumeConfig is what can be said about resuming a run. The zero value says nothing.
type ResumeConfig struct {
	// AcceptChanges goes on although the code of steps is not what the run began with: what has succeeded stays.
	AcceptChanges bool
	// Observer is as in [RunConfig].
	Observer func(Event)
}

// Resume goes on with a run that failed, was cancelled, or whose program ended before it did, and returns when that is recorded. Steps that
// succeeded keep their results, all others are tried anew, from their last checkpoints. Parameters, configuration and pinned data are those
// that the run began with. At most one ResumeConfig is used. The run is cancelled when ctx ends.
//
// The error's code is NotFound for a run that does not exist, Invalid for one of another pipeline, and FailedPrecondition for one that succeeded, that
// another process drives, whose graph or parameters this program has differently, or whose code has changed, unless the change is accepted.
func (p *Pipeline[P, Out]) Resume(ctx context.Context, c Client, run string, config ...ResumeConfig) (*Run[Out], error) {
	if len(config) > 1 {
		return nil, component.Errorf(component.Invalid, "pipeline %s: resume: %d configurations given, want at most one", p.name, len(config))
	}
	config = append(slices.Clone(config), ResumeConfig{})
	s, err := Resumed(ctx, c, p, run, config[0])
	if err != nil {
		return nil, err
	}
	h, err := c.Submit(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Run[Out]{h}, nil
}

// Replay starts a new run from a recorded one, with its parameters, tags, stack, failure mode, timeout and parallelism, and returns when it is
// recorded. Change, if not nil, changes the parameters; what config says wins over what the old run said. At most one RunConfig is used. The run is
// cancelled when ctx ends.
//
// The error's code is NotFound for a run that does not exist, Invalid for one of another pipeline or a step that there is not, and FailedPrecondition if
// P is not what it was when the old run was started.
func (p *Pipeline[P, Out]) Replay(ctx context.Context, c Client, r Replay, change func(*P), config ...RunConfig) (*Run[Out], error) {
	if len(config) > 1 {
		return nil, component.Errorf(component.Invalid, "pipeline %s: replay: %d run configurations given, want at most one", p.name, len(config))
	}
	recorded, params, err := Recall(ctx, c, p, r.Run)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(params.(*P))
	}
	program, err := p.Build(params)
	if err != nil {
		return nil, err
	}
	s := Submission{Pipeline: p, Params: params, Program: program, Config: recorded.Config, Replay: &r}
	if len(config) == 1 {
		s.Config = config[0].Over(recorded.Config)
	}
	h, err := c.Submit(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Run[Out]{h}, nil
}

// Resumed makes the submission that goes on with a run of a pipeline whose type parameters are not known.
func Resumed(ctx context.Context, c Client, d Definition, run string, config ResumeConfig) (Submission, error) {
	recorded, params, err := Recall(ctx, c, d, run)
	if err != nil {
		return Submission{}, err
	}
	program, err := d.Build(params)
	if err != nil {
		return Submission{}, err
	}
	return Submission{
		Pipeline: d, Params: params, Program: program,
		Config: RunConfig{Stack: recorded.Config.Stack, NoHooks: recorded.Config.NoHooks, Observer: config.Observer},
		Resume: run, AcceptChanges: config.AcceptChanges,
	}, nil
}

// Recall returns how a run of a pipeline was started, and its parameters: a pointer as that of [Definition.NewParams].
func Recall(ctx context.Context, c Client, d Definition, run string) (recorded Recorded, params any, err error) {
	if c == nil {
		return recorded, nil, nilClient(d.Name())
	}
	if recorded, err = c.Recorded(ctx, run); err != nil {
		return recorded, nil, err
	}
	if recorded.Pipeline != d.Name() {
		return recorded, nil, component.Errorf(component.Invalid, "run %s is of pipeline %s, not of %s", run, recorded.Pipeline, d.Name())
	}
	params = d.NewParams()
	if err := codec.DecodeInto(recorded.Params, params); err != nil {
		return recorded, nil, component.Errorf(component.FailedPrecondition, "run %s was started with other parameters than pipeline %s takes now: %w", run, d.Name(), err)
	}
	return recorded, params, nil
}

// ParamsOf returns the parameters that a recorded run of the pipeline was started with. The error's code is NotFound for a run that does not exist,
// Invalid for one of another pipeline, and FailedPrecondition if P is not what it was then.
func (p *Pipeline[P, Out]) ParamsOf(ctx context.Context, c Client, run string) (P, error) {
	_, params, err := Recall(ctx, c, p, run)
	if err != nil {
		var none P
		return none, err
	}
	return *params.(*P), nil
}

// Over returns c laid over what was said of another run: its tags, stack, failure mode, timeout and parallelism, where c says nothing.
func (c RunConfig) Over(lower RunConfig) RunConfig {
	if c.Tags == nil {
		c.Tags = lower.Tags
	}
	if c.Stack == "" {
		c.Stack = lower.Stack
	}
	if c.OnFailure == "" {
		c.OnFailure = lower.OnFailure
	}
	if c.Timeout == 0 {
		c.Timeout = lower.Timeout
	}
	if c.Parallel == 0 {
		c.Parallel = lower.Parallel
	}
	return c
}
