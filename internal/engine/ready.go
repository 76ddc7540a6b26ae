package engine

import (
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/cachekey"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

// arrive is called when everything that a node waits for has happened. It decides whether the node runs, and makes its tasks.
func (s *scheduler) arrive(n *node) {
	n.started = time.Now()
	if state, reason := s.gate(n); state != "" {
		s.endWithoutTasks(n, state, reason)
		return
	}
	switch {
	case n.prev != nil:
		s.expandThen(n)
	case n.mapped():
		s.expandMap(n)
	default:
		t := &task{n: n, index: -1, state: metadata.StepPending, upSeq: n.upSeq}
		n.tasks, n.expanded, n.open = []*task{t}, true, 1
		s.prepare(t)
	}
}

// gate returns the state in which a node ends without running, or "".
func (s *scheduler) gate(n *node) (metadata.StepState, string) {
	for _, up := range n.up {
		n.upSeq = max(n.upSeq, up.upSeq)
		if up == n.prev && up.expanded && !n.barrier {
			continue // its elements are looked at one by one
		}
		if up.state == metadata.StepFailed || up.state == metadata.StepCancelled {
			return metadata.StepCancelled, upstreamReason(up)
		}
	}
	if n.prev != nil && n.prev.state == metadata.StepSkipped {
		return metadata.StepSkipped, fmt.Sprintf("step %s was skipped", n.prev.name())
	}
	for e := range n.g.Edges() {
		if e.Each || e.Item {
			continue
		}
		v := s.resolve(e, -1, nil)
		if v.blocked != "" {
			return metadata.StepCancelled, v.blocked
		}
		if v.skipped != "" {
			return metadata.StepSkipped, v.skipped
		}
	}
	for _, w := range n.g.When {
		held, err := s.holds(w, s.resolve(w, -1, nil))
		if err != nil {
			n.cause = err
			return metadata.StepFailed, err.Error()
		}
		if !held {
			return metadata.StepSkipped, fmt.Sprintf("condition %s is false", w)
		}
	}
	return "", ""
}

func upstreamReason(up *node) string {
	return fmt.Sprintf("upstream step %s %s", up.name(), past(up.state))
}

// past says what became of a step: "failed", "was cancelled".
func past(s metadata.StepState) string {
	if s == metadata.StepFailed {
		return "failed"
	}
	return "was " + string(s)
}

// expandThen makes an element for each of the node that n continues. Those whose predecessor has ended can go on at once.
func (s *scheduler) expandThen(n *node) {
	s.expand(n, len(n.prev.tasks), nil)
	for i, p := range n.prev.tasks {
		if p.state.Ended() {
			s.follow(n.tasks[i], p)
		}
	}
}

// expand makes the tasks of a mapped node and lets the nodes that continue it expand. Items are the elements of the list that it splits.
func (s *scheduler) expand(n *node, count int, items []artifact.Record) {
	n.expanded, n.open = true, count
	n.tasks = make([]*task, count)
	block := make([]task, count)
	for i := range block {
		block[i] = task{n: n, index: i, state: metadata.StepPending, upSeq: n.upSeq}
		n.tasks[i] = &block[i]
		if items != nil {
			block[i].item = &items[i]
			s.prepare(n.tasks[i])
		}
	}
	if n.plan.Config.ShareInputs == step.On {
		n.shared = worker.NewShared(s.c.Artifacts, s.c.Worker.TempDir, n.g, n.bind)
	}
	n.state = metadata.StepReady
	s.emitNode(n) // it says how many elements there are
	if count == 0 {
		s.endNode(n)
	}
	s.expandDownstream(n)
}

func (s *scheduler) expandDownstream(n *node) {
	for _, d := range n.onExpand {
		s.unblock(d)
	}
}

// follow lets an element go on from its predecessor's end.
func (s *scheduler) follow(t, prev *task) {
	t.upSeq = max(t.upSeq, prev.upSeq)
	switch {
	case done(prev.state):
		s.prepare(t)
	case prev.state == metadata.StepCancelled:
		s.end(t, metadata.StepCancelled, fmt.Sprintf("element %d of step %s was cancelled", prev.index, prev.n.name()))
	default:
		s.end(t, metadata.StepSkipped, fmt.Sprintf("element %d of step %s %s", prev.index, prev.n.name(), past(prev.state)))
	}
}

func (s *scheduler) unblock(n *node) {
	if n.waits--; n.waits == 0 {
		s.arrived = append(s.arrived, n)
	}
}

// prepare assembles a task's inputs, and looks for its result before it is run.
func (s *scheduler) prepare(t *task) {
	n := t.n
	t.inputs = make([]artifact.Record, len(n.g.Inputs))
	t.lineage = make([]metadata.Input, 0, len(n.g.Inputs)+len(n.plan.Pins))
	for i := range n.g.Inputs {
		t.take(i, s.resolve(n.g.Inputs[i].From, t.index, t.item))
	}
	t.takePins()
	if n.plan.Uncached == "" {
		t.key = s.keyOf(t).Key()
	}
	if n.plan.Config.External == step.On || !n.inside {
		t.needSeq = t.upSeq
	}
	if (s.j.Resume || s.j.Replay != nil) && t.repairs == nil && t.state == metadata.StepPending && s.remember(t) {
		return
	}
	if s.j.Replay != nil && s.j.Replay.Again[n.name()] {
		t.noCache = true
	}
	if t.key == "" || t.noCache || s.j.Plan.Options.NoCache {
		s.enqueue(t)
		return
	}
	s.lookups = append(s.lookups, t)
}

// take notes what an input is.
func (t *task) take(input int, v value) {
	t.inputs[input] = v.record
	t.lineage = append(t.lineage, metadata.Input{Name: t.n.g.Inputs[input].Name, Artifact: v.id, Digest: v.record.Digest})
}

func (t *task) takePins() {
	for _, p := range t.n.plan.Pins {
		t.lineage = append(t.lineage, metadata.Input{Name: p.Field, Digest: artifact.Digest(p.Digest), URI: p.URI})
	}
}

// keyOf lists everything that the result of t depends on: what is the same for all tasks of its node, then its inputs.
func (s *scheduler) keyOf(t *task) cachekey.Fields {
	n := t.n
	if n.key == nil {
		n.key = s.keyOfNode(n)
	}
	f := append(make(cachekey.Fields, 0, len(n.key)+len(t.inputs)), n.key...)
	for i := range t.inputs {
		f.Add("input "+n.g.Inputs[i].Name, transfer.Identity(t.inputs[i]))
	}
	return f
}

func (s *scheduler) keyOfNode(n *node) cachekey.Fields {
	f := make(cachekey.Fields, 0, 4+len(n.plan.Pins)+len(n.g.Outputs))
	f.Add("fingerprint", n.plan.Mode+" "+n.plan.Fingerprint)
	f.Add("params", string(n.bind.Params))
	f.Add("version", n.plan.Config.Version)
	f.Add("build", s.buildSettings)
	for _, p := range n.plan.Pins {
		f.Add("source "+p.Field, p.Digest)
	}
	for _, o := range n.g.Outputs {
		f.Add("output "+o.Name, o.Codec+" "+o.Type)
	}
	return f
}
