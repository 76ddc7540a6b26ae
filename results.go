package tenon

import (
	"context"
	"fmt"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/metadata"
)

// decoded reads what a run returned. Each call decodes anew, so that its caller owns the values.
func decoded(ctx context.Context, run metadata.Run, names []string, ports []graph.Port, store artifact.Store, tempDir func() (string, error)) (
	results map[string]any, skipped []string, err error,
) {
	results = make(map[string]any, len(names))
	for i, name := range names {
		rec, ok := run.Outputs[name]
		if !ok {
			skipped = append(skipped, name)
			continue
		}
		if results[name], err = ports[i].Load(ctx, store, rec, tempDir); err != nil {
			return nil, nil, fmt.Errorf("run %s: result %s: %w", run.ID, name, err)
		}
	}
	return results, skipped, nil
}

// Results implements [pipeline.Client].
func (c *Client) Results(ctx context.Context, name, id string, names []string, ports []graph.Port) (results map[string]any, skipped []string, err error) {
	run, err := c.meta.Run(ctx, id)
	switch {
	case err != nil:
		return nil, nil, err
	case run.Pipeline != name:
		return nil, nil, component.Errorf(component.Invalid, "run %s is of pipeline %s, not of %s", id, run.Pipeline, name)
	case !run.State.Ended():
		return nil, nil, component.Errorf(component.FailedPrecondition, "run %s has no results yet: it is %s", id, run.State)
	case run.State != metadata.RunSucceeded:
		return nil, nil, &runError{run: run}
	}
	if err := c.checkResults(ctx, run, names, ports); err != nil {
		return nil, nil, err
	}
	store, err := c.Artifacts(ctx, run.Stack)
	if err != nil {
		return nil, nil, err
	}
	return decoded(ctx, run, names, ports, store, c.resultsDir)
}

// checkResults checks that a run returned what it is asked for.
func (c *Client) checkResults(ctx context.Context, run metadata.Run, names []string, ports []graph.Port) error {
	g, err := c.graph(ctx, run)
	if err != nil {
		return err
	}
	for i, name := range names {
		if !slices.ContainsFunc(g.Results, func(r graph.Input) bool { return r.Name == name }) {
			return component.Errorf(component.Invalid, "run %s has no result %s: it was of another version of the program", run.ID, name)
		}
		rec, ok := run.Outputs[name]
		if want, fits := ports[i].Takes(rec); ok && !fits {
			return component.Errorf(component.Invalid, "run %s: result %s is of type %s, want %s: it was of another version of the program", run.ID, name, rec.Type, want)
		}
	}
	return nil
}
