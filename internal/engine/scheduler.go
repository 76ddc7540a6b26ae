package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

// scheduler owns the state of one run. All fields but inbox and host are used by its own goroutine alone.
type scheduler struct {
	c      Config
	j      Job
	ctx    context.Context // of everything beside the scheduler; ends when the run is over
	runner orchestrator.Runner
	host   *host
	quick  bool // attempts run in this process, so that they may start before their upstream is committed

	inbox  chan func()
	over   chan struct{} // closed when the scheduler has stopped
	beside sync.WaitGroup
	busy   int // goroutines of spawn that will report

	nodes   []*node
	byName  map[string]*node
	left    int // nodes that have not ended
	arrived []*node

	limits   *limits
	lookups  []*task
	parked   []*task // wait for a commit
	running  map[*attempt]struct{}
	unshown  []*attempt
	retrying int
	repairs  int

	lookingUp, committing, showing, checkedResults bool

	run        metadata.Run
	stopping   bool // nothing new starts
	stopReason string
	cancelled  bool
	timedOut   bool
	failure    string // what decided that the run failed
	cause      error  // the error of the step that failed first, if it ran in this process
	fatal      error // the run can no longer be recorded

	next          *metadata.Batch
	nextSince     time.Time
	inFlightSince time.Time
	pendingRows   int
	seq           int // of the batch that is being filled
	committed     int // the newest batch that is committed
}

func newScheduler(c Config, j Job) (*scheduler, error) {
	caps := c.Orchestrator.Capabilities()
	s := &scheduler{
		c: c, j: j, run: j.Run, quick: !caps.Remote,
		inbox: make(chan func(), 256), over: make(chan struct{}),
		limits: newLimits(caps.Limits, j.Plan.Options.Parallel), running: map[*attempt]struct{}{},
	}
	s.host = &host{s: s, attempts: map[string]*attempt{}}
	return s, s.build()
}

// create records the run.
func (s *scheduler) create(ctx context.Context) error {
	s.run.State, s.run.Epoch, s.run.Started = metadata.RunRunning, 1, time.Now()
	b := metadata.Batch{ID: newID(), Documents: s.j.Documents, Create: []metadata.Run{s.run}}
	if err := s.c.Metadata.Apply(ctx, b); err != nil {
		return fmt.Errorf("record run %s: %w", s.run.ID, err)
	}
	s.emit(Event{Kind: EventRun, RunState: metadata.RunRunning, Index: -1})
	return nil
}

// refuse ends a run that could not start.
func (s *scheduler) refuse(cause error) (Outcome, error) {
	s.run.State, s.run.Error, s.run.Finished = metadata.RunFailed, cause.Error(), time.Now()
	b := metadata.Batch{ID: newID(), Run: s.run.ID, Epoch: s.run.Epoch, Update: []metadata.Run{s.run}}
	return Outcome{Run: s.run}, errors.Join(cause, s.c.Metadata.Apply(context.Background(), b))
}

// loop runs the scheduler until the run has ended.
func (s *scheduler) loop(ctx context.Context) (Outcome, error) {
	beside, release := context.WithCancel(context.WithoutCancel(ctx))
	s.ctx = beside
	defer s.beside.Wait()
	defer release()
	defer close(s.over)
	if t := s.j.Plan.Options.Timeout; t > 0 {
		s.after(t, func() {
			s.timedOut = s.left > 0
			s.cancel(fmt.Sprintf("the run timed out after %v", t))
		})
	}
	for _, n := range s.nodes {
		if n.waits == 0 {
			s.arrived = append(s.arrived, n)
		}
	}
	cancelled := ctx.Done()
	for {
		s.advance()
		if s.idle() {
			break
		}
		select {
		case event := <-s.inbox:
			event()
			s.drain()
		case <-cancelled:
			cancelled = nil
			s.cancel("the run was cancelled")
		}
	}
	return s.conclude(ctx)
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
	for len(s.arrived) > 0 && !s.stopping {
		n := s.arrived[0]
		s.arrived = s.arrived[1:]
		s.arrive(n)
	}
	s.lookup()
	s.dispatch()
	s.show()
	s.flush()
	if s.left == 0 && s.quiet() && !s.checkedResults && s.failure == "" && !s.stopping {
		s.checkResults()
	}
}

// quiet reports whether nothing is on its way that could change the run, but commits.
func (s *scheduler) quiet() bool {
	return len(s.running) == 0 && s.retrying == 0 && s.repairs == 0 && !s.lookingUp
}

// idle reports whether the run is over.
func (s *scheduler) idle() bool {
	if len(s.running) > 0 || s.busy > 0 {
		return false
	}
	if s.stopping || s.fatal != nil {
		return s.next == nil || s.fatal != nil
	}
	return s.left == 0 && s.quiet() && s.next == nil
}

// conclude records the end of the run.
func (s *scheduler) conclude(ctx context.Context) (Outcome, error) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.c.Grace)
	defer cancel()
	if s.stopping || s.cancelled {
		closing, cancel = context.WithTimeout(closing, 0) // what ignored its context once is not waited for again
		defer cancel()
	}
	if err := s.runner.Close(closing); err != nil {
		s.c.Logger.Warn("close the runner", "run", s.run.ID, "err", err)
	}
	if s.fatal != nil {
		return Outcome{Run: s.run}, s.fatal
	}
	s.cancelRest()
	out := Outcome{}
	s.run.State, s.run.Error = s.finalState()
	s.run.Finished, s.run.Counts = time.Now(), s.counts()
	if s.run.State == metadata.RunSucceeded {
		s.results(&out)
	}
	s.recordRun()
	b := s.next
	s.next = nil
	if err := s.commit(b); err != nil {
		return Outcome{Run: s.run}, fmt.Errorf("run %s: record its end: %w", s.run.ID, err)
	}
	s.emit(Event{Kind: EventRun, RunState: s.run.State, Index: -1, Reason: s.run.Error})
	out.Run, out.Cause = s.run, s.cause
	return out, nil
}

// results collects the pipeline's results, and names their artifacts.
func (s *scheduler) results(out *Outcome) {
	results := s.j.Program.Graph.Results
	out.Outputs, out.Skipped = make([]artifact.Record, len(results)), make([]bool, len(results))
	s.run.Outputs = make(map[string]artifact.Record, len(results))
	for i, r := range results {
		v := s.resolve(r.From, -1, nil)
		if v.skipped != "" || v.blocked != "" {
			out.Skipped[i] = true
			continue
		}
		out.Outputs[i] = v.record
		s.run.Outputs[r.Name] = v.record
		if v.id != "" {
			b := s.batch()
			b.Versions = append(b.Versions, metadata.Version{Name: s.run.Pipeline + "/" + r.Name, Artifact: v.id, Created: s.run.Finished})
		}
	}
}

// spawn runs work beside the scheduler and handles its answer in the scheduler.
func (s *scheduler) spawn(work func() func()) {
	s.busy++
	s.beside.Go(func() {
		answer := work()
		s.post(func() {
			s.busy--
			answer()
		})
	})
}

// post hands an event to the scheduler. Events after its end are dropped.
func (s *scheduler) post(event func()) {
	select {
	case s.inbox <- event:
	case <-s.over:
	}
}

// after posts an event later.
func (s *scheduler) after(d time.Duration, event func()) *time.Timer {
	return time.AfterFunc(d, func() { s.post(event) })
}
