package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

// shownAfter is how long an attempt runs before it is recorded as running: shorter ones cost one write.
const shownAfter = 100 * time.Millisecond

// attempt is one try of a task while it runs.
type attempt struct {
	a         orchestrator.Attempt
	t         *task
	assign    worker.Assignment
	stop      chan struct{} // closed to ask it to stop
	stopped   bool
	force     func() // ends the context of Runner.Run
	noTimeout func() // takes back the timer of the timeout; nil without one
	report    *worker.Report
	started   time.Time
	timedOut  bool // it was forced because it ignored its timeout

	// Of an attempt outside this process: closed when it is claimed, guarded by the host's lock, and what its process prints.
	claimed chan struct{}
	printed *worker.Printed
}

// enqueue lets a task wait for its turn.
func (s *scheduler) enqueue(t *task) {
	if s.stopping {
		return // it is cancelled with the rest
	}
	if t.needSeq > s.committed {
		s.parked = append(s.parked, t)
		return
	}
	if t.n.g.Wait != nil {
		s.ask(t)
		return
	}
	s.limits.push(t, t.n.class)
}

// dispatch starts what may start.
func (s *scheduler) dispatch() {
	for !s.stopping && s.commitsKeepUp() {
		t, wait := s.limits.next(time.Now())
		if t == nil {
			s.pause(wait)
			return
		}
		s.start(t)
	}
}

// pause dispatches again when a rate limit lets something start.
func (s *scheduler) pause(wait time.Duration) {
	if wait == 0 || s.pausing {
		return
	}
	s.pausing = true
	s.after(wait, func() { s.pausing = false })
}

func (s *scheduler) start(t *task) {
	n := t.n
	t.attempts++
	t.state = metadata.StepRunning
	now := time.Now()
	if t.started.IsZero() {
		t.started = now
	}
	if n.state == metadata.StepReady {
		n.state = metadata.StepRunning
		s.emitNode(n)
	}
	at := &attempt{t: t, stop: make(chan struct{}), started: now}
	at.a = orchestrator.Attempt{ID: newID(), Run: s.run.ID, Step: n.name(), Index: t.index, Number: t.attempts, Runner: n.runner, Resources: n.class.need}
	at.assign = worker.Assignment{
		Attempt: at.a.ID, Run: at.a.Run, Pipeline: s.run.Pipeline, Node: n.i, Step: n.name(), Index: t.index, Number: t.attempts,
		Key: idempotencyKey(at.a), Inputs: t.inputs, Pins: n.pins, Config: n.plan.Config, Stop: at.stop, Shared: n.shared,
		Checkpoint: t.checkpoint,
	}
	if !n.inside {
		at.claimed = make(chan struct{})
		at.printed = worker.NewPrinted(at.assign, s.c.Artifacts, s.host)
		at.a.Claimed, at.a.Output = at.claimed, at.printed
	}
	ctx, force := context.WithCancel(s.life)
	at.force = force
	if timeout := n.plan.Config.Timeout; timeout > 0 { // the worker enforces it; this is for steps that ignore their context
		at.noTimeout = s.after(timeout+s.c.Grace, func() {
			at.timedOut = true
			force()
		})
	}
	s.host.add(at)
	s.running[at] = struct{}{}
	s.unshown = append(s.unshown, at)
	s.emitTask(t, "")
	s.spawn(func() func() {
		exit, err := s.runner.Run(ctx, at.a)
		return func() { s.ended(at, exit, err) }
	})
}

// idempotencyKey is the same for every attempt of a step or element. Step names hold no '#'.
func idempotencyKey(a orchestrator.Attempt) string {
	key := a.Run + "/" + a.Step
	if a.Index >= 0 {
		key += "#" + strconv.Itoa(a.Index)
	}
	return key
}

// ended handles the end of an attempt.
func (s *scheduler) ended(at *attempt, exit orchestrator.Exit, err error) {
	at.force()
	if at.noTimeout != nil {
		at.noTimeout()
	}
	delete(s.running, at)
	s.host.remove(at)
	t := at.t
	var printed []metadata.LogChunk
	if at.printed != nil {
		printed = at.printed.Close()
	}
	if exit.Abandoned != nil {
		s.abandoned(at, exit.Abandoned)
	} else {
		s.limits.release(t.n.class)
	}
	report := at.report
	if report == nil {
		report = lost(at, exit, err)
	}
	if f := report.Failure; f != nil {
		f.Message, f.Stack = clip(f.Message), clip(f.Stack)
	} else if len(report.Outputs) != len(t.n.g.Outputs) {
		report.Failure = &worker.Failure{
			Kind: worker.KindOutput, Permanent: true, Message: fmt.Sprintf("the attempt reported %d outputs, want %d", len(report.Outputs), len(t.n.g.Outputs)),
		}
	}
	s.record(at, report, exit, printed)
	if report.Failure != nil {
		s.fail(at, report.Failure, exit.Abandoned)
		return
	}
	t.outputs = make([]metadata.Output, len(report.Outputs))
	for i, r := range report.Outputs {
		t.outputs[i] = metadata.Output{ID: newID(), Name: t.n.g.Outputs[i].Name, Record: r}
	}
	t.computed, t.origin = report.Finished, nil
	s.end(t, metadata.StepSucceeded, "")
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
	case at.stopped:
		f.Kind, f.Message = worker.KindCancelled, "ignored the request to stop, and was killed"
	case at.timedOut && exit.Abandoned == nil:
		f.Kind = worker.KindTimeout
		f.Message = fmt.Sprintf("timed out after %v, ignored its context and was killed: return when ctx.Done() is closed", at.assign.Config.Timeout)
		f.Err = component.Errorf(component.DeadlineExceeded, "%s", f.Message)
	case exit.Abandoned != nil:
		f.Kind = worker.KindTimeout
		f.Message = fmt.Sprintf("timed out after %v, ignored its context and was abandoned; it still runs: return when ctx.Done() is closed", at.assign.Config.Timeout)
		f.Err = component.Errorf(component.DeadlineExceeded, "%s", f.Message)
	case at.claimed != nil:
		f.Kind = worker.KindCrash
		f.Message = cmp.Or(exit.Reason, "its process ended before the step did, with exit status 0: os.Exit(0) was called")
	case exit.Reason == "":
		f.Message = "the attempt ended without a result"
	}
	return &worker.Report{Attempt: at.a.ID, Failure: f, Started: at.started, Finished: time.Now()}
}

// abandoned keeps the budget of an attempt that could not be forced until it returns.
func (s *scheduler) abandoned(at *attempt, returned <-chan struct{}) {
	s.c.Logger.Warn("a step ignores its context and was abandoned", "step", at.a.Step, "index", at.a.Index, "attempt", at.a.ID)
	s.whenClosed(returned, func() { s.limits.release(at.t.n.class) })
}

// whenClosed lets an event happen when c is closed, if that is before the end of the run.
func (s *scheduler) whenClosed(c <-chan struct{}, event func()) {
	go func() {
		select {
		case <-c:
			s.post(event)
		case <-s.over:
		}
	}()
}

// fail decides between another attempt, a repair of the inputs, and the end.
func (s *scheduler) fail(at *attempt, f *worker.Failure, abandoned <-chan struct{}) {
	t := at.t
	if suspicious(f) && s.startRepair(t, f) {
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
	s.decide(t, f, abandoned)
}

// decide ends a task that failed, or lets it try again.
func (s *scheduler) decide(t *task, f *worker.Failure, abandoned <-chan struct{}) {
	t.failures++
	switch {
	case f.Permanent || t.failures >= t.n.plan.Config.Retry.Attempts:
		s.endFailed(t, f)
	case s.stopping: // as a task that waits for its next attempt
		s.end(t, metadata.StepCancelled, s.stopReason+"; its last attempt failed: "+f.Message)
	default:
		s.retry(t, f.Message, abandoned)
	}
}

// endFailed ends a task with a failure.
func (s *scheduler) endFailed(t *task, f *worker.Failure) {
	if t.n.cause == nil {
		t.n.cause = f.Err
	}
	message := f.Message
	if f.Stack != "" {
		message += "\n" + f.Stack
	}
	s.end(t, metadata.StepFailed, message)
}

// stopAttempts asks every running attempt to stop, and forces those that do not within the grace.
func (s *scheduler) stopAttempts() {
	for at := range s.running {
		if at.stopped {
			continue
		}
		at.stopped = true
		close(at.stop)
		s.after(s.c.Grace, at.force)
	}
}

// show records attempts that have run for a while, so that others can see them.
func (s *scheduler) show() {
	now := time.Now()
	for len(s.unshown) > 0 {
		at := s.unshown[0]
		if _, running := s.running[at]; running {
			if wait := shownAfter - now.Sub(at.started); wait > 0 {
				s.showLater(wait)
				return
			}
			s.recordRunning(at)
		}
		s.unshown[0] = nil
		s.unshown = s.unshown[1:]
	}
}

func (s *scheduler) showLater(wait time.Duration) {
	if s.showing {
		return
	}
	s.showing = true
	s.after(wait, func() { s.showing = false })
}

// inside runs an attempt within this process.
func (s *scheduler) inside(ctx context.Context, a orchestrator.Attempt) orchestrator.Exit {
	return worker.Execute(ctx, s.host, s.j.Program, s.c.Artifacts, s.c.Worker, a.ID)
}
