package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

// scheduler owns the state of one run. All fields but inbox, over and host are used by its own goroutine alone.
type scheduler struct {
	c      Config
	j      Job
	caps   orchestrator.Capabilities
	runner orchestrator.Runner
	host   *host

	endWorkers func() error // ends the service for workers outside; nil if there is none

	life       context.Context    //nolint:containedctx // a scheduler is one call of Run: ends when the run is over
	preparing  context.Context    //nolint:containedctx // of what only prepares further tasks: ends also when the run stops
	endLife    context.CancelFunc // ends life
	endPrepare context.CancelFunc // ends preparing

	inbox  chan func()
	over   chan struct{}      // closed when the scheduler has stopped
	work   chan func() func() // for idle helpers
	beside sync.WaitGroup     // the helpers
	busy   int                // helpers that will report
	timers map[*time.Timer]struct{}

	buildSettings string // for cache keys

	nodes   []*node
	left    int // nodes that have not ended
	arrived []*node
	byName  map[string]*node

	limits   *limits
	lookups  []*task
	parked   []*task // wait for a commit
	running  map[*attempt]struct{}
	unshown  []*attempt
	retrying int
	waiting  map[string]*task           // for a person, by name
	answers  map[string]metadata.Signal // of persons, by name of the step
	pledges  []pledge                   // of what is not committed yet, in order

	asked     chan struct{}            // somebody is asked; has room for one
	approving int                      // tasks whose approval is being stored
	repairs   int                      // tasks that compute damaged content again
	healed    map[artifact.Digest]bool // content that was computed again

	lookingUp, committing, showing, pausing, checkedResults bool

	history    history // results from before
	remembered []*task // whose results are there

	run        metadata.Run
	stopping   bool // nothing new starts
	stopReason string
	cancelled  bool
	timedOut   bool
	failure    string // what decided that the run failed
	cause      error  // the error that it came from, if the step ran in this process
	fatal      error  // the run can no longer be recorded

	next          *metadata.Batch
	nextSince     time.Time
	inFlightSince time.Time
	pendingRows   int
	seq           int // of the batch that is being filled
	committed     int // the newest batch that is committed
}

func newScheduler(ctx context.Context, c Config, j Job) (*scheduler, error) {
	caps := c.Orchestrator.Capabilities()
	s := &scheduler{
		c: c, j: j, run: j.Run, caps: caps,
		inbox: make(chan func(), 256), over: make(chan struct{}), work: make(chan func() func()), timers: map[*time.Timer]struct{}{},
		buildSettings: strings.Join(j.Plan.Build, "\n"),
		limits:        newLimits(caps.Limits, j.Plan.Options.Parallel), running: map[*attempt]struct{}{}, healed: map[artifact.Digest]bool{},
		waiting: map[string]*task{}, answers: map[string]metadata.Signal{}, asked: make(chan struct{}, 1),
	}
	s.host = &host{s: s, attempts: map[string]*attempt{}}
	if err := s.build(); err != nil {
		return nil, err
	}
	s.life, s.endLife = context.WithCancel(context.WithoutCancel(ctx))
	s.preparing, s.endPrepare = context.WithCancel(s.life)
	return s, nil
}

// loop runs the scheduler until the run has ended.
func (s *scheduler) loop(ctx context.Context) (Outcome, error) {
	if t := s.j.Plan.Options.Timeout; t > 0 {
		s.after(t, func() {
			s.timedOut = s.left > 0 && !s.cancelled
			s.cancel(fmt.Sprintf("the run timed out after %v", t))
		})
	}
	for _, n := range s.nodes {
		if n.waits == 0 {
			s.arrived = append(s.arrived, n)
		}
	}
	s.listen()
	s.renew()
	cancelled := ctx.Done()
	for {
		s.advance()
		if s.idle() {
			return s.conclude(ctx)
		}
		select {
		case event := <-s.inbox:
			event()
			s.drain()
		case <-cancelled:
			cancelled = nil
			s.run.Lost = !s.cancelled && errors.Is(context.Cause(ctx), ErrLeft)
			s.cancel(cancelReason(ctx))
		}
	}
}

func cancelReason(ctx context.Context) string {
	const reason = "the run was cancelled"
	if cause := context.Cause(ctx); cause != context.Canceled { //nolint:errorlint // a cause that wraps it says more than it does
		return reason + ": " + cause.Error()
	}
	return reason
}

// drain handles what has already arrived, so that commits and lookups group.
func (s *scheduler) drain() {
	for range cap(s.inbox) {
		select {
		case event := <-s.inbox:
			event()
		default:
			return
		}
	}
}

// advance does everything that can be done now.
func (s *scheduler) advance() {
	for len(s.arrived)+len(s.remembered) > 0 && !s.stopping {
		s.recall()
		s.arriveAll()
	}
	s.lookup()
	s.dispatch()
	s.show()
	if s.left == 0 && s.quiet() && !s.checkedResults && s.failure == "" && !s.stopping {
		s.checkResults()
	}
	s.flush()
}

func (s *scheduler) arriveAll() {
	for len(s.arrived) > 0 && !s.stopping {
		n := s.arrived[0]
		s.arrived = s.arrived[1:]
		s.arrive(n)
	}
}

// quiet reports whether nothing is on its way that could change the run, but commits.
func (s *scheduler) quiet() bool {
	return len(s.running) == 0 && s.retrying == 0 && s.repairs == 0 && len(s.waiting) == 0 && s.approving == 0 && !s.lookingUp
}

// idle reports whether the run is over. Everything that has been started has ended by then, or was abandoned.
func (s *scheduler) idle() bool {
	if len(s.running) > 0 || s.busy > 0 {
		return false
	}
	if s.fatal != nil {
		return true
	}
	return s.next == nil && (s.stopping || s.left == 0 && s.quiet())
}

// shutdown releases everything beside the scheduler.
func (s *scheduler) shutdown() {
	close(s.over)
	s.endLife()
	for t := range s.timers {
		t.Stop()
	}
	s.beside.Wait()
	if s.endWorkers == nil {
		return
	}
	if err := s.endWorkers(); err != nil {
		s.c.Logger.Warn("end the service for workers", "run", s.run.ID, "err", err)
	}
}

// halt starts nothing new.
func (s *scheduler) halt(reason string) {
	if s.stopping {
		return
	}
	s.stopping, s.stopReason = true, reason
	s.endPrepare()
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

// broken ends a run that can no longer be recorded.
func (s *scheduler) broken(err error) {
	s.fatal = component.Errorf(component.CodeOf(err), "run %s: record what happened: %w: when it can be recorded again, resume the run", s.run.ID, err)
	s.c.Logger.Error("the run cannot be recorded and stops", "run", s.run.ID, "err", err)
	s.redeem(s.fatal)
	s.halt("the run cannot be recorded")
	s.stopAttempts()
}
