package engine

import (
	"errors"
	"fmt"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// value is what an edge leads to.
type value struct {
	record  artifact.Record
	id      string  // artifact ID, if it is one output of one step
	tasks   []*task // that made it; empty for an element of a list that was split, and for what an earlier run made
	out     int     // which of their outputs it is
	skipped string  // why there is no value
	blocked string  // why there never will be one
}

// resolve follows an edge whose upstream nodes have ended. Index and item are those of an element.
func (s *scheduler) resolve(e ref.Edge, index int, item *artifact.Record) value {
	switch {
	case len(e.FirstOf) > 0:
		return s.firstOf(e.FirstOf)
	case e.Item:
		return value{record: *item}
	case e.Use != "":
		return s.used(e.Use)
	}
	n := s.byName[e.Node]
	out := outputIndex(n, e.Output)
	switch {
	case e.Each:
		return taskValue(n.tasks[index:index+1], out)
	case n.state == metadata.StepSkipped:
		return value{skipped: fmt.Sprintf("step %s was skipped", n.name())}
	case !done(n.state):
		return value{blocked: upstreamReason(n)}
	case e.Gather:
		return n.gather(out)
	}
	return taskValue(n.tasks, out)
}

// firstOf is the first that was not skipped; one that is blocked blocks it, whatever the others are.
func (s *scheduler) firstOf(edges []ref.Edge) value {
	first := value{skipped: "every alternative was skipped"}
	for _, e := range edges {
		v := s.resolve(e, -1, nil)
		if v.blocked != "" {
			return v
		}
		if v.skipped == "" && first.skipped != "" {
			first = v
		}
	}
	return first
}

// checkUses refuses a plan that does not say which artifact an edge uses.
func (s *scheduler) checkUses() error {
	for _, name := range s.j.Program.Graph.Uses() {
		if s.j.Plan.Used(name) == nil {
			return component.Errorf(component.Invalid, "the plan does not say which artifact %s is", name)
		}
	}
	return nil
}

// used is an artifact of an earlier run.
func (s *scheduler) used(name string) value {
	u := s.j.Plan.Used(name)
	return value{record: u.Record, id: u.Artifact}
}

func taskValue(tasks []*task, out int) value {
	o := &tasks[0].outputs[out]
	return value{record: o.Record, id: o.ID, tasks: tasks, out: out}
}

// gather lists one output of every element that has one.
func (n *node) gather(out int) value {
	if v, ok := n.gathered[out]; ok {
		return v
	}
	records := make([]artifact.Record, 0, len(n.tasks))
	for _, t := range n.tasks {
		if done(t.state) {
			records = append(records, t.outputs[out].Record)
		}
	}
	v := value{record: transfer.Gather(records, "[]"+n.g.Outputs[out].Type), tasks: n.tasks, out: out}
	if n.gathered == nil {
		n.gathered = map[int]value{}
	}
	n.gathered[out] = v
	return v
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

// holds decodes a condition: what e leads to.
func (s *scheduler) holds(e ref.Edge, v value) (held bool, err error) {
	if v.record.Inline == nil {
		return false, fmt.Errorf("condition %s has %d encoded bytes, want a plain bool", e, v.record.Size)
	}
	var b any
	err = apart(func() (err error) {
		b, err = transfer.Load(s.life, s.c.Artifacts, s.j.Program.Condition.Codec, v.record, noTempDir)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", e, err)
	}
	held, ok := b.(bool)
	if !ok {
		return false, fmt.Errorf("condition %s is a %T, want a bool", e, b)
	}
	return held, nil
}

func noTempDir() (string, error) { return "", errors.New("a condition needs no files") }
