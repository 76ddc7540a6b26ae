package engine

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// value is what an edge leads to.
type value struct {
	record  artifact.Record
	id      string // artifact ID, if it is the output of one task
	skipped string // why there is no value
	blocked string // why there never will be one
}

// resolve follows an edge whose upstream nodes have ended. Index and item are those of an element.
func (s *scheduler) resolve(e ref.Edge, index int, item *artifact.Record) value {
	switch {
	case len(e.FirstOf) > 0:
		return s.firstOf(e.FirstOf)
	case e.Item:
		return value{record: *item}
	}
	n := s.byName[e.Node]
	out := outputIndex(n, e.Output)
	switch {
	case e.Each:
		return taskValue(n.tasks[index], out)
	case n.state == metadata.StepSkipped:
		return value{skipped: fmt.Sprintf("step %s was skipped", n.name())}
	case !done(n.state):
		return value{blocked: fmt.Sprintf("upstream step %s %s", n.name(), n.state)}
	case e.Gather:
		return gather(n, out)
	}
	return taskValue(n.tasks[0], out)
}

// firstOf is the first that was not skipped; one that is blocked blocks it, whatever the others are.
func (s *scheduler) firstOf(edges []ref.Edge) value {
	var first *value
	for _, e := range edges {
		v := s.resolve(e, -1, nil)
		if v.blocked != "" {
			return v
		}
		if v.skipped == "" && first == nil {
			first = &v
		}
	}
	if first == nil {
		return value{skipped: "every alternative was skipped"}
	}
	return *first
}

func taskValue(t *task, out int) value {
	switch {
	case t.state == metadata.StepSkipped:
		return value{skipped: fmt.Sprintf("step %s was skipped", t.n.name())}
	case !done(t.state):
		return value{blocked: fmt.Sprintf("upstream step %s %s", t.n.name(), t.state)}
	}
	return value{record: t.outputs[out].Record, id: t.outputs[out].ID}
}

// gather lists one output of every element that has one.
func gather(n *node, out int) value {
	records := make([]artifact.Record, 0, len(n.tasks))
	for _, t := range n.tasks {
		if done(t.state) {
			records = append(records, t.outputs[out].Record)
		}
	}
	return value{record: transfer.Gather(records, "[]"+n.g.Outputs[out].Type)}
}

func outputIndex(n *node, name string) int {
	for i := range n.g.Outputs {
		if n.g.Outputs[i].Name == name {
			return i
		}
	}
	return -1 // graph.Parse and the builder refuse such edges
}

func done(s metadata.StepState) bool {
	return s == metadata.StepSucceeded || s == metadata.StepCached
}

// holds decodes a condition.
func (s *scheduler) holds(e ref.Edge, v value) (bool, error) {
	c, ok := s.codecOf(e, v)
	if !ok {
		return false, fmt.Errorf("condition %s: no codec for %s", e, v.record.Codec)
	}
	b, err := transfer.Load(context.Background(), s.c.Artifacts, c, v.record, noTempDir)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", e, err)
	}
	held, ok := b.(bool)
	if !ok {
		return false, fmt.Errorf("condition %s is a %T, want a bool", e, b)
	}
	return held, nil
}

func noTempDir() (string, error) { return "", fmt.Errorf("a condition needs no files") }

// codecOf finds the codec that a producer of e wrote v with.
func (s *scheduler) codecOf(e ref.Edge, v value) (codec.Codec, bool) {
	for _, f := range e.FirstOf {
		if c, ok := s.codecOf(f, v); ok {
			return c, true
		}
	}
	if e.Node == "" {
		return codec.Codec{}, false
	}
	n := s.byName[e.Node]
	c := n.bind.Outputs[outputIndex(n, e.Output)].Codec
	return c, c.ID() == v.record.Codec
}
