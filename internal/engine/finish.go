package engine

import (
	"cmp"
	"fmt"
	"math"

	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

// end ends a task in a terminal state.
func (s *scheduler) end(t *task, state metadata.StepState, reason string) {
	t.state = state
	if !t.recorded {
		s.recordTask(t, reason)
	}
	s.emitTask(t, reason)
	t.inputs, t.lineage, t.retry = nil, nil, nil // 10,000 of them are large
	if t.repairs != nil {
		s.repaired(t)
		return
	}
	n := t.n
	n.upSeq = max(n.upSeq, t.upSeq)
	if state == metadata.StepFailed {
		s.taskFailed(t, reason)
	}
	// The node ends first, so that what continues its last element can see how it ended.
	if n.open--; n.open == 0 {
		s.endNode(n)
	}
	for _, d := range n.onExpand {
		if d.expanded {
			s.follow(d.tasks[t.index], t)
		}
	}
}

// taskFailed counts a failure, and decides early that a mapped node has failed.
func (s *scheduler) taskFailed(t *task, reason string) {
	n := t.n
	n.failed++
	if n.reason == "" {
		n.reason = reason
		if n.mapped() {
			n.reason = fmt.Sprintf("element %d: %s", t.index, reason)
		}
	}
	if n.mapped() && n.tooManyFailed() {
		s.failRun(n, n.reason)
	}
}

func (n *node) tooManyFailed() bool {
	return n.failed > tolerated(n.plan.Config.Tolerate, len(n.tasks))
}

// tolerated is how many of count elements may fail.
func tolerated(t step.Tolerance, count int) int {
	const rounding = 1e-9 // 0.29 of 100 is 29
	return max(0, t.Count, int(math.Floor(t.Share*float64(count)+rounding)))
}

// endNode ends a node whose tasks have all ended.
func (s *scheduler) endNode(n *node) {
	n.state, n.reason = s.outcome(n)
	if n.shared != nil {
		s.closeShared(n)
		return
	}
	s.nodeEnded(n)
}

// closeShared checks beside the scheduler that no element changed what the elements shared.
func (s *scheduler) closeShared(n *node) {
	shared := n.shared
	n.shared = nil
	s.spawn(func() func() {
		err := apart(func() error { return shared.Close(s.life) })
		return func() {
			if err != nil && done(n.state) {
				n.state, n.reason, n.cause = metadata.StepFailed, err.Error(), err
			}
			s.nodeEnded(n)
		}
	})
}

// outcome is the state of a node by those of its tasks.
func (s *scheduler) outcome(n *node) (metadata.StepState, string) {
	if !n.mapped() {
		return n.tasks[0].state, n.reason
	}
	count := map[metadata.StepState]int{}
	for _, t := range n.tasks {
		count[t.state]++
	}
	switch {
	case n.tooManyFailed():
		return metadata.StepFailed, fmt.Sprintf("%d of %d elements failed; %s", n.failed, len(n.tasks), n.reason)
	case n.prev != nil && n.prev.state.Ended() && !done(n.prev.state):
		return metadata.StepCancelled, upstreamReason(n.prev)
	case count[metadata.StepCancelled] > 0:
		return metadata.StepCancelled, cmp.Or(s.stopReason, "elements were cancelled")
	case len(n.tasks) > 0 && count[metadata.StepCached] == len(n.tasks):
		return metadata.StepCached, ""
	}
	return metadata.StepSucceeded, ""
}

// endWithoutTasks ends a node that does not run.
func (s *scheduler) endWithoutTasks(n *node, state metadata.StepState, reason string) {
	n.state, n.reason = state, reason
	s.nodeEnded(n)
	s.expandDownstream(n)
}

// nodeEnded records the end of a node and lets those that wait for it go on.
func (s *scheduler) nodeEnded(n *node) {
	s.left--
	if n.mapped() || !n.expanded {
		s.recordNode(n)
		s.emitNode(n)
	}
	if n.state == metadata.StepFailed {
		s.failRun(n, n.reason)
	}
	for _, d := range n.onEnd {
		s.unblock(d)
	}
}

// failRun notes the failure that decides the run, and does what the failure mode says.
func (s *scheduler) failRun(n *node, reason string) {
	if s.failure == "" {
		s.failure, s.cause = fmt.Sprintf("step %s: %s", n.name(), reason), n.cause
	}
	mode := s.j.Plan.Options.OnFailure
	if mode == plan.Continue {
		return
	}
	s.halt("step " + n.name() + " failed")
	if mode == plan.FailFast {
		s.stopAttempts()
	}
}
