package engine

import (
	"fmt"

	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

// end ends a task in a terminal state.
func (s *scheduler) end(t *task, state metadata.StepState, reason string) {
	t.state = state
	s.recordTask(t, reason)
	s.emitTask(t, reason)
	n := t.n
	if t.repairing {
		s.repairedTask(t)
		return
	}
	if state == metadata.StepFailed {
		n.failed++
		if n.reason == "" {
			n.reason = reason
			if n.mapped() {
				n.reason = fmt.Sprintf("element %d: %s", t.index, reason)
			}
		}
	}
	n.upSeq = max(n.upSeq, t.upSeq)
	if n.mapped() {
		s.elementEnded(n, t)
	}
	if n.open--; n.open == 0 {
		s.endNode(n)
	}
}

// elementEnded lets the nodes that continue this element go on, and decides early that a map has failed.
func (s *scheduler) elementEnded(n *node, t *task) {
	for _, d := range n.onExpand {
		if d.expanded {
			s.follow(d.tasks[t.index], t)
		}
	}
	if n.failed > tolerated(n.plan.Config.Tolerate, len(n.tasks)) && t.state == metadata.StepFailed {
		s.failRun(n, n.reason)
	}
}

// tolerated is how many of count elements may fail.
func tolerated(t step.Tolerance, count int) int {
	return max(0, t.Count, int(t.Share*float64(count)))
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
		err := shared.Close(s.ctx, n.g, n.bind)
		return func() {
			if err != nil && done(n.state) {
				n.state, n.reason = metadata.StepFailed, err.Error()
				n.failed = len(n.tasks) + 1
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
	var cancelled, cached, skipped int
	for _, t := range n.tasks {
		switch t.state {
		case metadata.StepCancelled:
			cancelled++
		case metadata.StepCached:
			cached++
		case metadata.StepSkipped:
			skipped++
		}
	}
	switch {
	case n.failed > tolerated(n.plan.Config.Tolerate, len(n.tasks)):
		return metadata.StepFailed, fmt.Sprintf("%d of %d elements failed; %s", n.failed, len(n.tasks), n.reason)
	case cancelled > 0:
		return metadata.StepCancelled, s.stopReason
	case skipped > 0 && n.continues() != "" && s.byName[n.continues()].state == metadata.StepFailed:
		return metadata.StepCancelled, fmt.Sprintf("upstream step %s failed", n.continues())
	case len(n.tasks) > 0 && cached == len(n.tasks):
		return metadata.StepCached, ""
	}
	return metadata.StepSucceeded, ""
}

// endWithoutTasks ends a node that does not run.
func (s *scheduler) endWithoutTasks(n *node, state metadata.StepState, reason string) {
	n.state, n.reason = state, reason
	if state == metadata.StepFailed {
		n.failed++
	}
	s.nodeEnded(n)
	if !n.expanded {
		s.expandDownstream(n)
	}
}

// nodeEnded records the end of a node and lets those that wait for it go on.
func (s *scheduler) nodeEnded(n *node) {
	s.left--
	if n.mapped() || len(n.tasks) == 0 {
		n.upSeq = max(n.upSeq, s.recordNode(n))
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
		s.failure = fmt.Sprintf("step %s: %s", n.name(), reason)
	}
	switch s.j.Plan.Options.OnFailure {
	case plan.Continue:
	case plan.FailFast:
		s.halt("step " + n.name() + " failed")
		s.stopAttempts()
	default:
		s.halt("step " + n.name() + " failed")
	}
}

// halt starts nothing new.
func (s *scheduler) halt(reason string) {
	if !s.stopping {
		s.stopping, s.stopReason = true, reason
	}
}

// cancel ends the run early: a person, or the run's timeout, asked for it.
func (s *scheduler) cancel(reason string) {
	if s.cancelled {
		return
	}
	s.cancelled = true
	s.halt(reason)
	s.run.State = metadata.RunCancelling
	s.recordRun()
	s.emit(Event{Kind: EventRun, RunState: metadata.RunCancelling, Index: -1, Reason: reason})
	s.stopAttempts()
}

// cancelRest ends everything that never started.
func (s *scheduler) cancelRest() {
	for _, n := range s.nodes {
		if n.state.Ended() {
			continue
		}
		reason := s.stopReason
		if reason == "" {
			reason = "the run ended"
		}
		for _, t := range n.tasks {
			if !t.state.Ended() {
				t.state = metadata.StepCancelled
				s.recordTask(t, reason)
				s.emitTask(t, reason)
			}
		}
		if !n.mapped() && len(n.tasks) > 0 {
			n.state = n.tasks[0].state
			continue
		}
		n.state, n.reason = metadata.StepCancelled, reason
		if n.expanded {
			n.state, n.reason = s.outcome(n)
		}
		s.recordNode(n)
		s.emitNode(n)
	}
}

// counts is how many tasks ended in each state; a node without tasks counts as one.
func (s *scheduler) counts() map[metadata.StepState]int {
	counts := map[metadata.StepState]int{}
	for _, n := range s.nodes {
		if len(n.tasks) == 0 && !n.expanded {
			counts[n.state]++
		}
		for _, t := range n.tasks {
			counts[t.state]++
		}
	}
	return counts
}

func (s *scheduler) finalState() (metadata.RunState, string) {
	switch {
	case s.failure != "":
		return metadata.RunFailed, s.failure
	case s.timedOut:
		return metadata.RunFailed, fmt.Sprintf("the run timed out after %v", s.j.Plan.Options.Timeout)
	case s.cancelled && s.counts()[metadata.StepCancelled] > 0:
		return metadata.RunCancelled, s.stopReason
	}
	return metadata.RunSucceeded, ""
}
