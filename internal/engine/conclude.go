package engine

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// conclude records the end of the run.
func (s *scheduler) conclude(ctx context.Context) (Outcome, error) {
	s.closeRunner(ctx)
	if s.fatal != nil {
		s.emit(Event{Kind: EventRun, RunState: metadata.RunFailed, Index: -1, Reason: s.fatal.Error()})
		return Outcome{Run: s.run}, s.fatal
	}
	s.cancelRest()
	counts := s.counts()
	s.run.State, s.run.Error = s.finalState(counts)
	s.run.Finished, s.run.Counts = time.Now(), counts
	s.run.Lost = s.run.Lost && s.run.State == metadata.RunCancelled
	if s.run.State == metadata.RunSucceeded {
		s.results()
	}
	s.recordRun()
	b := s.next
	s.next = nil
	if err := s.commit(context.WithoutCancel(ctx), b); err != nil {
		s.broken(err)
		return Outcome{Run: s.run}, s.fatal
	}
	s.emit(Event{Kind: EventRun, RunState: s.run.State, Index: -1, Reason: s.run.Error})
	if s.run.State == metadata.RunFailed {
		return Outcome{Run: s.run, Cause: s.cause}, nil
	}
	return Outcome{Run: s.run}, nil
}

// closeRunner waits for what was abandoned, unless the run stops: what ignored its context once is not waited for again.
func (s *scheduler) closeRunner(ctx context.Context) {
	if s.runner == nil {
		return
	}
	grace := s.c.Grace
	if s.stopping {
		grace = 0
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.runner.Close(closing); err != nil {
		s.c.Logger.Warn("close the runner", "run", s.run.ID, "err", err)
	}
}

// cancelRest ends everything that has not ended.
func (s *scheduler) cancelRest() {
	for _, n := range s.nodes {
		if n.state.Ended() {
			continue
		}
		if !n.expanded {
			s.restore(n)
		}
		for _, t := range n.tasks {
			s.cancelTask(t)
		}
		if !n.mapped() && n.expanded {
			n.state = n.tasks[0].state
			continue
		}
		if was := s.settled(n, -1); was != "" {
			n.state = was
			s.emitNode(n)
			continue
		}
		n.state, n.reason = metadata.StepCancelled, s.stopReason
		if n.expanded {
			n.state, n.reason = s.outcome(n)
		}
		s.recordNode(n)
		s.emitNode(n)
	}
}

// cancelTask ends a task that has not ended.
func (s *scheduler) cancelTask(t *task) {
	if t.state.Ended() {
		return
	}
	if was := s.settled(t.n, t.index); was != "" {
		t.state = was
		s.emitTask(t, "")
		return
	}
	t.state = metadata.StepCancelled
	s.recordTask(t, s.stopReason)
	s.emitTask(t, s.stopReason)
}

// counts is how many tasks ended in each state; a node that has none counts for itself.
func (s *scheduler) counts() map[metadata.StepState]int {
	counts := map[metadata.StepState]int{}
	for _, n := range s.nodes {
		if len(n.tasks) == 0 {
			counts[n.state]++
		}
		for _, t := range n.tasks {
			counts[t.state]++
		}
	}
	return counts
}

func (s *scheduler) finalState(counts map[metadata.StepState]int) (metadata.RunState, string) {
	switch {
	case s.failure != "":
		return metadata.RunFailed, clip(s.failure)
	case s.timedOut:
		return metadata.RunFailed, s.stopReason
	case s.cancelled && counts[metadata.StepCancelled] > 0:
		return metadata.RunCancelled, clip(s.stopReason)
	}
	return metadata.RunSucceeded, "" // a request to cancel that came too late changes nothing
}

// results collects the pipeline's results, and names their artifacts.
func (s *scheduler) results() {
	results := s.j.Program.Graph.Results
	s.run.Outputs = make(map[string]artifact.Record, len(results))
	for _, r := range results {
		v := s.resolve(r.From, -1, nil)
		if v.skipped != "" || v.blocked != "" {
			continue
		}
		s.run.Outputs[r.Name] = v.record
		if v.id != "" && s.nameable(v) {
			b := s.batch()
			b.Versions = append(b.Versions, metadata.Version{Name: s.run.Pipeline + "/" + r.Name, Artifact: v.id, Created: s.run.Finished})
		}
	}
}

// nameable reports whether a value may get a name: the artifact of an earlier run may have been deleted with that run.
func (s *scheduler) nameable(v value) bool {
	if len(v.tasks) > 0 {
		return true
	}
	_, err := s.c.Metadata.Artifact(context.Background(), v.id)
	return err == nil
}
