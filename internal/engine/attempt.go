package engine

import (
	"context"
	"errors"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

// shownAfter is how long an attempt runs before it is recorded as running: shorter ones cost one write.
const shownAfter = 100 * time.Millisecond

// enqueue lets a task wait for its turn.
func (s *scheduler) enqueue(t *task) {
	if s.stopping && !t.repairing {
		return // it is cancelled with the rest
	}
	if t.needSeq > s.committed {
		s.parked = append(s.parked, t)
		return
	}
	s.limits.push(t)
}

// dispatch starts what may start.
func (s *scheduler) dispatch() {
	if s.stopping {
		return
	}
	for s.commitsKeepUp() {
		t, wait := s.limits.next(time.Now())
		if t == nil {
			if wait > 0 {
				s.after(wait, func() {})
			}
			return
		}
		s.start(t)
	}
}

func (s *scheduler) start(t *task) {
	n := t.n
	t.attempts++
	t.state = metadata.StepRunning
	now := time.Now()
	if t.started.IsZero() {
		t.started = now
	}
	at := &attempt{t: t, stop: make(chan struct{}), started: now}
	at.a = orchestrator.Attempt{ID: newID(), Run: s.j.Run.ID, Step: n.name(), Index: t.index, Number: t.attempts, Resources: n.class.need}
	at.assign = worker.Assignment{
		Attempt: at.a.ID, Run: at.a.Run, Pipeline: s.j.Run.Pipeline, Node: n.i, Step: n.name(), Index: t.index, Number: t.attempts,
		Key: at.a.Run + "/" + n.name() + suffix(t.index), Inputs: t.inputs, Pins: pins(n.plan), Config: n.plan.Config,
		Stop: at.stop, Shared: n.shared,
	}
	ctx, force := context.WithCancel(context.WithoutCancel(s.ctx))
	at.force = force
	if timeout := n.plan.Config.Timeout; timeout > 0 { // the worker enforces it; this is for steps that ignore their context
		at.timeout = s.after(timeout+s.c.Grace, func() { at.force() })
	}
	s.host.add(at)
	s.running[at] = struct{}{}
	s.unshown = append(s.unshown, at)
	s.emitTask(t, "")
	go func() {
		exit, err := s.runner.Run(ctx, at.a)
		s.post(func() { s.ended(at, exit, err) })
	}()
}

// ended handles the end of an attempt.
func (s *scheduler) ended(at *attempt, exit orchestrator.Exit, err error) {
	at.force()
	if at.timeout != nil {
		at.timeout.Stop()
	}
	delete(s.running, at)
	s.host.remove(at)
	t := at.t
	if exit.Abandoned != nil {
		s.abandoned(at, exit.Abandoned)
	} else {
		s.limits.release(t)
	}
	report := at.report
	if report == nil {
		report = lost(at, exit, err)
	}
	s.record(at, report, exit)
	if report.Failure == nil {
		t.outputs = make([]metadata.Output, len(report.Outputs))
		for i, r := range report.Outputs {
			t.outputs[i] = metadata.Output{ID: newID(), Name: t.n.g.Outputs[i].Name, Record: r}
		}
		t.computed, t.origin = report.Finished, nil
		s.end(t, metadata.StepSucceeded, "")
		return
	}
	s.fail(at, report.Failure, exit.Abandoned)
}

// lost makes a report for an attempt that ended without one.
func lost(at *attempt, exit orchestrator.Exit, err error) *worker.Report {
	f := &worker.Failure{Kind: worker.KindError, Message: exit.Reason}
	switch {
	case err != nil:
		f.Message, f.Err = "the attempt was lost: "+err.Error(), err
		f.Permanent = !errors.Is(err, component.ErrUnavailable)
	case exit.Abandoned != nil && at.stopped:
		f.Kind, f.Message = worker.KindCancelled, "ignored its context and was abandoned; it still runs"
	case exit.Abandoned != nil:
		f.Kind, f.Message = worker.KindTimeout, "timed out, ignored its context and was abandoned; it still runs: return when ctx.Done() is closed"
	case exit.Reason == "":
		f.Message = "the attempt ended without a result"
	}
	return &worker.Report{Attempt: at.a.ID, Failure: f, Started: at.started, Finished: time.Now()}
}

// abandoned keeps the budget of an attempt that could not be forced until it returns.
func (s *scheduler) abandoned(at *attempt, returned <-chan struct{}) {
	s.c.Logger.Warn("a step ignores its context and was abandoned", "step", at.a.Step, "index", at.a.Index, "attempt", at.a.ID)
	go func() {
		select {
		case <-returned:
			s.post(func() { s.limits.release(at.t) })
		case <-s.over:
		}
	}()
}

// fail decides between another attempt, a repair of the inputs, and the end.
func (s *scheduler) fail(at *attempt, f *worker.Failure, abandoned <-chan struct{}) {
	t := at.t
	if f.Kind == worker.KindInput && damaged(f.Err) && s.repair(t, f.Message) {
		return
	}
	if f.Kind == worker.KindCancelled && (at.stopped || s.stopping) {
		reason := s.stopReason
		if abandoned != nil {
			reason += "; the step " + f.Message
		}
		s.end(t, metadata.StepCancelled, reason)
		return
	}
	message := f.Message
	if f.Kind == worker.KindPanic && f.Stack != "" {
		message += "\n" + f.Stack
	}
	if !f.Permanent && t.attempts < t.n.plan.Config.Retry.Attempts && !s.stopping {
		s.retry(t, f.Message, abandoned)
		return
	}
	if s.cause == nil {
		s.cause = f.Err
	}
	s.end(t, metadata.StepFailed, message)
}

func suffix(index int) string {
	if index < 0 {
		return ""
	}
	return "/" + itoa(index)
}

// stop asks every running attempt to stop, and forces those that do not within the grace.
func (s *scheduler) stopAttempts() {
	for at := range s.running {
		if at.stopped {
			continue
		}
		at.stopped = true
		close(at.stop)
		s.after(s.c.Grace, func() { at.force() })
	}
}

// show records attempts that have run for a while, so that others can see them.
func (s *scheduler) show() {
	now := time.Now()
	for len(s.unshown) > 0 {
		at := s.unshown[0]
		if _, running := s.running[at]; running {
			if wait := shownAfter - now.Sub(at.started); wait > 0 {
				if !s.showing {
					s.showing = true
					s.after(wait, func() { s.showing = false })
				}
				return
			}
			at.shown = true
			s.recordRunning(at)
		}
		s.unshown[0] = nil
		s.unshown = s.unshown[1:]
	}
}

// inside runs an attempt within this process.
func (s *scheduler) inside(ctx context.Context, a orchestrator.Attempt) orchestrator.Exit {
	return worker.Execute(ctx, s.host, s.j.Program, s.c.Artifacts, s.c.Worker, a.ID)
}
