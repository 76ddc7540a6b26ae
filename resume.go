package tenon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// Recorded implements [pipeline.Client].
func (c *Client) Recorded(ctx context.Context, id string) (pipeline.Recorded, error) {
	run, p, err := c.recorded(ctx, id)
	if err != nil {
		return pipeline.Recorded{}, err
	}
	return pipeline.Recorded{
		Run: run.ID, Pipeline: run.Pipeline, Params: p.Params,
		Config: pipeline.RunConfig{
			Tags: run.Tags, Stack: run.Stack,
			OnFailure: pipeline.FailureMode(p.Options.OnFailure), Timeout: p.Options.Timeout, Parallel: p.Options.Parallel, NoHooks: p.Options.NoHooks,
		},
	}, nil
}

// recorded reads a run and its plan.
func (c *Client) recorded(ctx context.Context, id string) (metadata.Run, *plan.Plan, error) {
	run, err := c.meta.Run(ctx, id)
	if err != nil {
		return run, nil, err
	}
	doc, err := c.meta.Document(ctx, run.Plan)
	if err != nil {
		return run, nil, component.Errorf(component.CodeOf(err), "run %s: read its plan: %w", id, err)
	}
	p, err := plan.Parse(doc.Body)
	if err != nil {
		return run, nil, component.Errorf(component.CodeOf(err), "run %s: %w", id, err)
	}
	return run, p, nil
}

// Recover goes on with the runs of the given pipelines whose programs ended before they did, since they were killed, crashed, or closed their
// clients, and returns them, oldest first. A program that starts runs calls it when it starts itself, so that no run is left behind. What
// somebody cancelled stays so. A run that cannot be resumed, for instance because its code has changed and config does not accept that, is not
// in the list; the error says why. A run that another process takes over first is left to it. The observer of config is told of all of them,
// of several at once. The runs are cancelled when ctx ends.
func (c *Client) Recover(ctx context.Context, config pipeline.ResumeConfig, pipelines ...pipeline.Definition) ([]pipeline.Handle, error) {
	c.reconcile(ctx)
	var handles []pipeline.Handle
	var errs []error
	for _, d := range pipelines {
		lost, err := c.lost(ctx, d.Name())
		if err != nil {
			return handles, errors.Join(append(errs, err)...)
		}
		for _, id := range lost {
			s, err := pipeline.Resumed(ctx, c, d, id, config)
			if err == nil {
				var h pipeline.Handle
				if h, err = c.Submit(ctx, s); err == nil {
					handles = append(handles, h)
					continue
				}
			}
			if now, readErr := c.meta.Run(ctx, id); readErr == nil && !now.Lost {
				continue // somebody was faster
			}
			errs = append(errs, component.Errorf(component.CodeOf(err), "recover run %s: %w", id, err))
		}
	}
	return handles, errors.Join(errs...)
}

// lost returns the IDs of a pipeline's runs that lost their driver, oldest first.
func (c *Client) lost(ctx context.Context, name string) ([]string, error) {
	var ids []string
	q := metadata.RunQuery{Pipeline: name, Lost: true, States: []metadata.RunState{metadata.RunFailed, metadata.RunCancelled}}
	for r, err := range metadata.All(ctx, c.meta.Runs, q) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	slices.Reverse(ids)
	return ids, nil
}

// resumeJob makes the job that goes on with a run.
func (c *Client) resumeJob(ctx context.Context, s pipeline.Submission, driver metadata.Driver) (engine.Job, error) {
	run, old, err := c.recorded(ctx, s.Resume)
	if err != nil {
		return engine.Job{}, err
	}
	if run, err = c.abandoned(ctx, run); err != nil {
		return engine.Job{}, err
	}
	p, changes, err := plan.Again(ctx, old, s.Program, c.prints)
	if err != nil {
		return engine.Job{}, component.Errorf(component.CodeOf(err), "%w: replay it with \"tenon run replay %s\", or go back to the program that started it", err, run.ID)
	}
	if len(changes) > 0 && !s.AcceptChanges {
		return engine.Job{}, component.Errorf(component.FailedPrecondition,
			"the program is not what it was when the run began, so that its steps may not fit together: accept that with --accept-changes "+
				"(pipeline.ResumeConfig{AcceptChanges: true}), or replay the run\n%s", strings.Join(changes, "\n"))
	}
	planned, err := planDocument(p)
	if err != nil {
		return engine.Job{}, err
	}
	run.Plan, run.Driver = planned.Digest, driver
	job := engine.Job{
		Program: s.Program, Plan: p, Run: run, Resume: true,
		Documents: []metadata.Document{planned},
	}
	return job, c.recordCode(ctx, &job)
}

// abandoned returns a run as it is once nobody drives it, or refuses it.
func (c *Client) abandoned(ctx context.Context, run metadata.Run) (metadata.Run, error) {
	if run.State == metadata.RunSucceeded {
		return run, component.Errorf(component.FailedPrecondition, "it has succeeded, and nothing is left to do: replay it to run it again")
	}
	if run.State.Ended() {
		return run, nil
	}
	if c.alive(run) {
		return run, component.Errorf(component.FailedPrecondition, "process %d on %s drives it: wait for its end, or cancel it first", run.Driver.PID, run.Driver.Host)
	}
	if err := c.bury(ctx, run, killed); err != nil {
		return run, err
	}
	return c.meta.Run(ctx, run.ID)
}

// replay says which results of another run a new one begins with.
func (c *Client) replay(ctx context.Context, s pipeline.Submission, p *plan.Plan) (*engine.Replay, error) {
	run, old, err := c.recorded(ctx, s.Replay.Run)
	if err != nil {
		return nil, err
	}
	g := s.Program.Graph
	again, err := downstream(g, s.Replay.From)
	if err != nil {
		return nil, err
	}
	r := &engine.Replay{Run: run.ID, Keep: map[string]bool{}, Again: again}
	if len(s.Replay.From) == 0 {
		return r, nil
	}
	was, err := c.graph(ctx, run)
	if err != nil {
		return nil, err
	}
	before := map[string]int{}
	for i := range was.Nodes {
		before[was.Nodes[i].Name] = i
	}
	for i := range g.Nodes {
		name := g.Nodes[i].Name
		if k, ok := before[name]; ok && !again[name] && sameNode(&was.Nodes[k], &g.Nodes[i]) && sameStep(&old.Steps[k], &p.Steps[i]) {
			r.Keep[name] = true
		}
	}
	return r, nil
}

func sameNode(a, b *graph.Node) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func sameStep(a, b *plan.Step) bool {
	return a.Mode == b.Mode && a.Fingerprint == b.Fingerprint && a.Config.Version == b.Config.Version
}

// downstream returns the named steps with all that depends on them.
func downstream(g *graph.Graph, from []string) (map[string]bool, error) {
	again := map[string]bool{}
	known := make([]string, len(g.Nodes))
	for i := range g.Nodes {
		known[i] = g.Nodes[i].Name
	}
	for _, name := range from {
		if !slices.Contains(known, name) {
			return nil, component.Errorf(component.Invalid, "from: pipeline %s has no step %.80q: %s", g.Pipeline, name, strictyaml.Suggest(name, known))
		}
		again[name] = true
	}
	order, err := g.Order()
	if err != nil {
		return nil, err
	}
	for _, i := range order {
		if slices.ContainsFunc(g.Nodes[i].Upstream(), func(up string) bool { return again[up] }) {
			again[g.Nodes[i].Name] = true
		}
	}
	return again, nil
}
