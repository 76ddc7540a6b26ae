package repro

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// errGone is why an input is not found.
var errGone = component.Errorf(component.NotFound, "what made it is no longer recorded")

// input finds the record of an input, of which the row of its step has the digest.
func (c *Case) input(ctx context.Context, in *graph.Input, known metadata.Input) (Input, error) {
	found := Input{Name: in.Name, Digest: known.Digest}
	if known.Artifact != "" {
		a, err := c.store.Artifact(ctx, known.Artifact)
		switch {
		case err == nil && a.Record.Digest == known.Digest:
			found.Record = a.Record
			return found, nil
		case err != nil && !errors.Is(err, component.ErrNotFound): // its run may be deleted
			return found, err
		}
	}
	if in.From.Item {
		return c.item(ctx, found)
	}
	return found, c.search(ctx, in.From, func(r artifact.Record) bool {
		if r.Digest != known.Digest {
			return false
		}
		found.Record = r
		return true
	})
}

// search calls take with what an edge may lead to, until it takes one.
func (c *Case) search(ctx context.Context, e ref.Edge, take func(artifact.Record) bool) error {
	switch {
	case len(e.FirstOf) > 0:
		for _, alternative := range e.FirstOf {
			if err := c.search(ctx, alternative, take); !errors.Is(err, errGone) {
				return err
			}
		}
		return errGone
	case e.Use != "":
		if u := c.Plan.Used(e.Use); u != nil && take(u.Record) {
			return nil
		}
		return errGone
	case e.Gather:
		list, err := c.gathered(ctx, e)
		if err == nil && !take(list) {
			err = errGone
		}
		return err
	}
	index := -1
	if e.Each {
		index = c.Index
	}
	row, _, err := c.row(ctx, e.Node, index)
	if err != nil {
		return err
	}
	if rec, ok := output(row, e.Output); ok && take(rec) {
		return nil
	}
	return errGone
}

func output(row metadata.Step, name string) (artifact.Record, bool) {
	for _, o := range row.Outputs {
		if o.Name == name {
			return o.Record, true
		}
	}
	return artifact.Record{}, false
}

// gathered is the list of an output of all elements that have one.
func (c *Case) gathered(ctx context.Context, e ref.Edge) (artifact.Record, error) {
	var elements []artifact.Record
	q := metadata.StepQuery{
		Run: c.Run.ID, Step: e.Node, States: []metadata.StepState{metadata.StepSucceeded, metadata.StepCached}, Cursor: metadata.Cursor{Limit: 1000},
	}
	byIndex := map[int]artifact.Record{}
	last := -1
	for s, err := range metadata.All(ctx, c.store.Steps, q) {
		if err != nil {
			return artifact.Record{}, err
		}
		if rec, ok := output(s, e.Output); ok && s.Index >= 0 {
			byIndex[s.Index] = rec
			last = max(last, s.Index)
		}
	}
	for i := range last + 1 {
		if rec, ok := byIndex[i]; ok {
			elements = append(elements, rec)
		}
	}
	typ := ""
	for i := range c.graph.Nodes {
		if c.graph.Nodes[i].Name != e.Node {
			continue
		}
		for _, o := range c.graph.Nodes[i].Outputs {
			if o.Name == e.Output {
				typ = "[]" + o.Type
			}
		}
	}
	return transfer.Gather(elements, typ), nil
}

// item finds an element of the list that the step maps over. A gathered list has it as it is; of any other only the digest of the element is
// recorded, and the list itself.
func (c *Case) item(ctx context.Context, found Input) (Input, error) {
	err := c.search(ctx, *c.node.Over, func(list artifact.Record) bool {
		switch {
		case list.Codec != artifact.GatherCodec:
			found.Record, found.Element = list, &c.Index
		case c.Index < len(list.Elements) && list.Elements[c.Index].Digest == found.Digest:
			found.Record = list.Elements[c.Index]
		default:
			return false
		}
		return true
	})
	if err != nil {
		return found, fmt.Errorf("element %d of the list that the step maps over: %w", c.Index, err)
	}
	return found, nil
}
