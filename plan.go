package tenon

import (
	"context"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/preview"
	"github.com/tenon-ml/tenon/internal/source"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// Plan implements [pipeline.Client]: it says what [Client.Submit] would do with the same submission, and records nothing. Most programs call the
// Plan method of a pipeline instead. A submission that resumes or replays a run is Unsupported.
func (c *Client) Plan(ctx context.Context, s pipeline.Submission) (pipeline.Plan, error) {
	if err := s.Config.Validate(); err != nil {
		return pipeline.Plan{}, err
	}
	name := s.Pipeline.Name()
	if s.Resume != "" || s.Replay != nil {
		return pipeline.Plan{}, component.Errorf(component.Unsupported, "plan pipeline %s: only a new run can be planned, none that is resumed or replayed", name)
	}
	if !c.begin() {
		return pipeline.Plan{}, component.Errorf(component.FailedPrecondition, "plan pipeline %s: the client is closed", name)
	}
	defer c.runs.Done()
	p, err := c.preview(ctx, s)
	if err != nil {
		return pipeline.Plan{}, component.Errorf(component.CodeOf(err), "plan pipeline %s: %w", name, err)
	}
	return p, nil
}

func (c *Client) preview(ctx context.Context, s pipeline.Submission) (pipeline.Plan, error) {
	st, err := c.Stack(ctx, s.Config.Stack)
	if err != nil {
		return pipeline.Plan{}, err
	}
	p, err := c.plan(ctx, s, st, &source.Pinner{Store: st.Artifacts(), MemoDir: c.memoDir()})
	if err != nil {
		return pipeline.Plan{}, err
	}
	foreseen, err := c.foresee(ctx, s, st, p)
	if err != nil {
		return pipeline.Plan{}, err
	}
	code, err := p.Code(ctx, s.Program, c.prints)
	if err != nil {
		return pipeline.Plan{}, err
	}
	return preview.Make(ctx, preview.Request{
		Store: c.meta, Graph: s.Program.Graph, Plan: p, Code: code, Parallel: parallel(p.Options.Parallel, st.Orchestrator().Capabilities().Limits),
	}, foreseen)
}

func (c *Client) foresee(ctx context.Context, s pipeline.Submission, st stack.Stack, p *plan.Plan) ([]engine.Expected, error) {
	temps, err := c.scratchDir()
	if err != nil {
		return nil, err
	}
	config := engine.Config{Artifacts: st.Artifacts(), Metadata: c.meta, Orchestrator: st.Orchestrator(), Logger: c.logger}
	config.Worker.TempDir = temps.Path()
	return engine.Foresee(ctx, config, engine.Job{Program: s.Program, Plan: p, Run: metadata.Run{Pipeline: s.Pipeline.Name()}})
}

// parallel is how many attempts of ordinary steps run at once; 0 is no limit.
func parallel(asked int, most orchestrator.Limits) int {
	if asked == 0 {
		asked = most.Parallel
	}
	if cores := int(most.CPU); cores > 0 && (asked == 0 || cores < asked) {
		return cores
	}
	return asked
}
