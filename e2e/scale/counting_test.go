package scale_test

import (
	"context"
	"sync"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// asked is what a store was asked for: how often, and how many rows it answered with.
type asked struct{ Calls, Rows int }

// counting counts what is read of a store.
type counting struct {
	metadata.Store
	mu  sync.Mutex
	all map[string]asked
}

// reset returns what was counted since the last time.
func (c *counting) reset() map[string]asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = map[string]asked{}
	return all
}

func (c *counting) count(what string, rows int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]asked{}
	}
	a := c.all[what]
	c.all[what] = asked{a.Calls + 1, a.Rows + rows}
}

func counted[T any](c *counting, what string, page metadata.Page[T], err error) (metadata.Page[T], error) {
	c.count(what, len(page.Items))
	return page, err
}

func one[T any](c *counting, what string, v T, err error) (T, error) {
	c.count(what, 1)
	return v, err
}

func (c *counting) Lookup(ctx context.Context, keys []string) (map[string]metadata.Step, error) {
	found, err := c.Store.Lookup(ctx, keys)
	c.count("lookup", len(found))
	return found, err
}

func (c *counting) Run(ctx context.Context, id string) (metadata.Run, error) {
	r, err := c.Store.Run(ctx, id)
	return one(c, "run", r, err)
}

func (c *counting) Runs(ctx context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	p, err := c.Store.Runs(ctx, q)
	return counted(c, "runs", p, err)
}

func (c *counting) Steps(ctx context.Context, q metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	p, err := c.Store.Steps(ctx, q)
	return counted(c, "steps", p, err)
}

func (c *counting) CountSteps(ctx context.Context, run string) (map[metadata.StepState]int, error) {
	n, err := c.Store.CountSteps(ctx, run)
	return one(c, "count steps", n, err)
}

func (c *counting) Attempts(ctx context.Context, q metadata.AttemptQuery) (metadata.Page[metadata.Attempt], error) {
	p, err := c.Store.Attempts(ctx, q)
	return counted(c, "attempts", p, err)
}

func (c *counting) Metrics(ctx context.Context, q metadata.MetricQuery) (metadata.Page[metadata.Metric], error) {
	p, err := c.Store.Metrics(ctx, q)
	return counted(c, "metrics", p, err)
}

func (c *counting) Checkpoints(ctx context.Context, run string) ([]metadata.Checkpoint, error) {
	list, err := c.Store.Checkpoints(ctx, run)
	c.count("checkpoints", len(list))
	return list, err
}

func (c *counting) Document(ctx context.Context, d artifact.Digest) (metadata.Document, error) {
	doc, err := c.Store.Document(ctx, d)
	return one(c, "document", doc, err)
}

func (c *counting) Artifact(ctx context.Context, id string) (metadata.Artifact, error) {
	a, err := c.Store.Artifact(ctx, id)
	return one(c, "artifact", a, err)
}

func (c *counting) Artifacts(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	p, err := c.Store.Artifacts(ctx, q)
	return counted(c, "artifacts", p, err)
}

func (c *counting) Version(ctx context.Context, name string, version int) (metadata.Version, error) {
	v, err := c.Store.Version(ctx, name, version)
	return one(c, "version", v, err)
}

func (c *counting) Names(ctx context.Context, prefix string, cur metadata.Cursor) (metadata.Page[metadata.Version], error) {
	p, err := c.Store.Names(ctx, prefix, cur)
	return counted(c, "names", p, err)
}

func (c *counting) Results(ctx context.Context, q metadata.ResultQuery) (metadata.Page[metadata.Result], error) {
	p, err := c.Store.Results(ctx, q)
	return counted(c, "results", p, err)
}

func (c *counting) Unreferenced(ctx context.Context, digests []artifact.Digest) ([]artifact.Digest, error) {
	free, err := c.Store.Unreferenced(ctx, digests)
	c.count("unreferenced", len(digests))
	return free, err
}
