package repro

import (
	"context"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
)

// Case is a step of a recorded run, or one element of a mapped one, with all that it was called with.
type Case struct {
	Run  metadata.Run
	Step metadata.Step
	// Attempt is the last one; zero if there was none, as of a cached step.
	Attempt metadata.Attempt
	Plan    *plan.Plan
	Planned *plan.Step // of Plan
	Recording

	graph *graph.Graph
	node  *graph.Node
	store metadata.Store
}

// Collect finds what a step of a run was called with. Index is that of an element of a mapped step, and -1 of one that is not mapped. The
// step is one of the run. An error of code FailedPrecondition says why the step cannot be called again.
func Collect(ctx context.Context, store metadata.Store, run metadata.Run, step string, index int) (*Case, error) {
	c := &Case{Run: run, store: store}
	if err := c.read(ctx, step); err != nil {
		return nil, component.Errorf(component.CodeOf(err), "run %s: %w", run.ID, err)
	}
	c.Recording = Recording{
		Version: Version, Run: run.ID, Pipeline: run.Pipeline, Step: step, Index: index, Attempt: 1,
		Pipe: c.Plan.Params, Params: c.node.Params, Timeout: max(0, c.Planned.Config.Timeout), Stack: run.Stack,
	}
	if err := c.collect(ctx, index); err != nil {
		return nil, component.Errorf(component.CodeOf(err), "step %s of run %s: %w", c.Recording.Name(), run.ID, err)
	}
	return c, nil
}

// read reads what was decided about the step before the run began.
func (c *Case) read(ctx context.Context, step string) error {
	doc, err := c.store.Document(ctx, c.Run.Plan)
	if err != nil {
		return err
	}
	if c.Plan, err = plan.Parse(doc.Body); err != nil {
		return err
	}
	if doc, err = c.store.Document(ctx, c.Run.Graph); err != nil {
		return err
	}
	if c.graph, err = graph.Parse(doc.Body); err != nil {
		return err
	}
	i := slices.IndexFunc(c.graph.Nodes, func(n graph.Node) bool { return n.Name == step })
	if i < 0 {
		return component.Errorf(component.NotFound, "there is no step %q", step)
	}
	if i >= len(c.Plan.Steps) {
		return component.Errorf(component.Corrupt, "its plan does not name step %s", step)
	}
	c.node, c.Planned = &c.graph.Nodes[i], &c.Plan.Steps[i]
	return nil
}

func (c *Case) collect(ctx context.Context, index int) error {
	if c.node.Wait != nil {
		return component.Errorf(component.FailedPrecondition, "it waits for a person, and calls no function")
	}
	if mapped := c.node.Over != nil; mapped != (index >= 0) {
		if mapped {
			return component.Errorf(component.Invalid, "it is mapped over a list: name one of its elements, such as %s[0]", c.Recording.Step)
		}
		return component.Errorf(component.Invalid, "it is not mapped over a list, and has no elements")
	}
	row, ok, err := c.row(ctx, c.Recording.Step, index)
	if err != nil {
		return err
	}
	if !ok {
		return component.Errorf(component.FailedPrecondition, "it has not been called: nothing of it is recorded")
	}
	c.Step = row
	if err := c.attempts(ctx); err != nil {
		return err
	}
	if row.Attempts == 0 && row.State != metadata.StepCached {
		return component.Errorf(component.FailedPrecondition, "it has not been called: it is %s%s", row.State, because(row))
	}
	if len(row.Inputs) != len(c.node.Inputs)+len(c.Planned.Pins) {
		return component.Errorf(component.Corrupt, "%d inputs are recorded, and it takes %d", len(row.Inputs), len(c.node.Inputs)+len(c.Planned.Pins))
	}
	for i := range c.node.Inputs {
		in, err := c.input(ctx, &c.node.Inputs[i], row.Inputs[i])
		if err != nil {
			return component.Errorf(component.CodeOf(err), "input %s (%s): %w", row.Inputs[i].Name, row.Inputs[i].Digest, err)
		}
		c.Inputs = append(c.Inputs, in)
	}
	for _, p := range c.Planned.Pins {
		c.Sources = append(c.Sources, Source{Pin: p})
	}
	return c.checkpoint(ctx)
}

func because(s metadata.Step) string {
	switch {
	case s.Skip != "":
		return ", since " + s.Skip
	case s.Error != "":
		return ": " + s.Error
	}
	return ""
}

// row returns the row of a step or element.
func (c *Case) row(ctx context.Context, step string, index int) (metadata.Step, bool, error) {
	q := metadata.StepQuery{Run: c.Run.ID, Step: step, NoElements: index < 0, Cursor: metadata.Cursor{Limit: 1000}}
	for s, err := range metadata.All(ctx, c.store.Steps, q) {
		if err != nil {
			return s, false, err
		}
		if s.Index == index {
			return s, true, nil
		}
	}
	return metadata.Step{}, false, nil
}

// attempts finds the last attempt, and how it failed.
func (c *Case) attempts(ctx context.Context) error {
	q := metadata.AttemptQuery{Run: c.Run.ID, Step: c.Recording.Step, Index: &c.Index, Cursor: metadata.Cursor{Limit: 100}}
	for a, err := range metadata.All(ctx, c.store.Attempts, q) {
		if err != nil {
			return err
		}
		if a.Number > c.Attempt.Number {
			c.Attempt = a
		}
	}
	if c.Attempt.Number > 0 {
		c.Recording.Attempt = c.Attempt.Number
	}
	if c.Failed() {
		c.Kind = c.Attempt.Reason
	}
	return nil
}

// Failed reports whether the last attempt failed, rather than being cancelled or still going on.
func (c *Case) Failed() bool { return c.Attempt.State == metadata.StepFailed }

// Outputs are the digests of what the step made, by name; nil if it did not succeed.
func (c *Case) Outputs() map[string]artifact.Digest {
	if c.Step.State != metadata.StepSucceeded && c.Step.State != metadata.StepCached {
		return nil
	}
	made := map[string]artifact.Digest{}
	for _, o := range c.Step.Outputs {
		made[o.Name] = o.Record.Digest
	}
	return made
}

// checkpoint finds from where the step would go on. That is the newest one: what failed, failed after it.
func (c *Case) checkpoint(ctx context.Context) error {
	if c.Outputs() != nil {
		return nil
	}
	saved, err := c.store.Checkpoints(ctx, c.Run.ID)
	if err != nil {
		return err
	}
	var newest time.Time
	for i, p := range saved {
		if p.StepKey == c.Step.StepKey && !p.Saved.Before(newest) {
			newest, c.Checkpoint = p.Saved, &saved[i].Record
		}
	}
	return nil
}
