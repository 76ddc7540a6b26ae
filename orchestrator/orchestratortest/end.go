package orchestratortest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
)

// contextEnds: an attempt that honours its context sees the end of the one that Run was given, and has no effect after Run returned.
func (s *suite) contextEnds() {
	started, returned := make(chan struct{}), make(chan struct{})
	r := s.runner(func(ctx context.Context, _ orchestrator.Attempt) orchestrator.Exit {
		close(started)
		<-ctx.Done()
		close(returned)
		return orchestrator.Exit{}
	})
	a := s.newAttempt("honours")
	ctx, cancel := context.WithCancel(s.Context())
	exit, done := s.goRun(ctx, r, a)
	s.await("the start of the attempt", started)
	cancel()
	s.await("the return of Run", done)
	if exit.Abandoned != nil {
		s.await("the end of the abandoned attempt", exit.Abandoned)
	}
	if s.engine != nil {
		s.await("the end of the worker", s.engine.task(a.ID).gone) // news of it may take a moment
		s.await("the end of its context", returned)
	}
	select {
	case <-returned:
	default:
		s.Error("Run returned and did not say that the attempt still runs")
	}
	s.close(r)
}

// contextHasEnded: Run returns, whatever the attempt does.
func (s *suite) contextHasEnded() {
	r := s.runner(func(ctx context.Context, _ orchestrator.Attempt) orchestrator.Exit {
		<-ctx.Done()
		return orchestrator.Exit{}
	})
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		_, _ = r.Run(ctx, s.newAttempt("late")) // it may refuse
	}()
	s.await("the return of Run", returned)
	s.close(r)
}

// deafAttempt starts an attempt that ignores its context, and ends that. It returns how Run ended, and what lets the attempt return;
// hasReturned is true from then on.
func (s *suite) deafAttempt() (r orchestrator.Runner, exit orchestrator.Exit, release func(), hasReturned *atomic.Bool) {
	started, released := make(chan struct{}), make(chan struct{})
	a := s.newAttempt("deaf")
	hasReturned = new(atomic.Bool)
	r = s.runner(func(context.Context, orchestrator.Attempt) orchestrator.Exit {
		close(started)
		<-released
		hasReturned.Store(true)
		return orchestrator.Exit{}
	})
	ctx, cancel := context.WithCancel(s.Context())
	e, done := s.goRun(ctx, r, a)
	s.await("the start of the attempt", started)
	cancel()
	s.await("the return of Run", done)
	release = sync.OnceFunc(func() { close(released) })
	s.Cleanup(release)
	if s.engine != nil && e.Abandoned == nil {
		s.await("the end of the worker", s.engine.task(a.ID).gone)
	}
	return r, *e, release, hasReturned
}

// deaf: an attempt that ignores its context is forced, or abandoned, and then its end is told.
func (s *suite) deaf() {
	r, exit, release, hasReturned := s.deafAttempt()
	if exit.Reason == "" {
		s.Error("an attempt that was forced, or abandoned, needs a reason")
	}
	if exit.Abandoned == nil {
		release()
		s.close(r)
		return // it was forced: it can do nothing any more
	}
	if tooEarly(exit.Abandoned) {
		s.Error("Abandoned is closed while the attempt still runs")
	}
	release()
	s.await("the end of the abandoned attempt", exit.Abandoned)
	if !hasReturned.Load() {
		s.Error("Abandoned was closed before the attempt returned")
	}
	s.close(r)
}

// closeWaits: Close returns after what was abandoned.
func (s *suite) closeWaits() {
	r, exit, release, hasReturned := s.deafAttempt()
	closed := make(chan struct{})
	var err error
	go func() {
		defer close(closed)
		err = r.Close(s.Context())
	}()
	early := exit.Abandoned != nil && tooEarly(closed)
	release()
	s.await("the return of Close", closed)
	if err != nil {
		s.Errorf("Close: %v", err)
	}
	if early || exit.Abandoned != nil && !hasReturned.Load() {
		s.Error("Close returned while an abandoned attempt ran")
	}
}

// closeGivesUp: Close returns when its context ends.
func (s *suite) closeGivesUp() {
	r, exit, release, _ := s.deafAttempt()
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	closed := make(chan struct{})
	var err error
	go func() {
		defer close(closed)
		err = r.Close(ctx)
	}()
	s.await("the return of Close", closed)
	if exit.Abandoned != nil && !errors.Is(err, component.ErrDeadlineExceeded) {
		s.Errorf("Close gave up with %v, want code DeadlineExceeded", err)
	}
	release()
	if exit.Abandoned != nil {
		s.await("the end of the abandoned attempt", exit.Abandoned)
	}
}
