package orchestratortest

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/step"
)

// patience is how long the suite waits for what should happen soon.
const patience = time.Minute

// Run runs the conformance suite as subtests of t. Open returns a new orchestrator, which the suite closes; it may be called
// concurrently.
func Run(t *testing.T, open func(t *testing.T) orchestrator.Orchestrator) {
	for _, test := range []struct {
		name string
		run  func(s *suite)
	}{
		{"Capabilities", (*suite).capabilities},
		{"RunBlocks", (*suite).runBlocks},
		{"Attempt", (*suite).attempt},
		{"Concurrent", (*suite).concurrent},
		{"ContextEnds", (*suite).contextEnds},
		{"ContextHasEnded", (*suite).contextHasEnded},
		{"Deaf", (*suite).deaf},
		{"CloseWaits", (*suite).closeWaits},
		{"CloseGivesUp", (*suite).closeGivesUp},
		{"Runs", (*suite).runs},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			t.Cleanup(func() {
				if err := o.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			test.run(&suite{t, o})
		})
	}
}

// suite is one running test.
type suite struct {
	*testing.T
	o orchestrator.Orchestrator
}

// runner returns the runner of a new run.
func (s *suite) runner(inside orchestrator.Executor) orchestrator.Runner {
	s.Helper()
	r, err := s.o.Runner(s.Context(), orchestrator.Run{ID: newID(), Pipeline: "conformance"}, inside)
	if err != nil {
		s.Fatalf("Runner: %v", err)
	}
	return r
}

func (s *suite) close(r orchestrator.Runner) {
	s.Helper()
	if err := r.Close(s.Context()); err != nil {
		s.Errorf("Runner.Close: %v", err)
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func newAttempt(step string) orchestrator.Attempt {
	return orchestrator.Attempt{ID: newID(), Run: newID(), Step: step, Index: -1, Number: 1}
}

// await waits for a signal of what should happen soon.
func (s *suite) await(what string, c <-chan struct{}) {
	s.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		s.Fatalf("%s did not happen within %v", what, patience)
	}
}

// goRun calls Run beside the test. Done is closed when it has returned.
func (s *suite) goRun(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (exit *orchestrator.Exit, done <-chan struct{}) {
	exit = new(orchestrator.Exit)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var err error
		if *exit, err = r.Run(ctx, a); err != nil {
			s.Errorf("Run: %v", err)
		}
	}()
	return exit, ended
}

func (s *suite) capabilities() {
	first, second := s.o.Capabilities(), s.o.Capabilities()
	if !reflect.DeepEqual(first, second) {
		s.Errorf("Capabilities changed from %+v to %+v", first, second)
	}
	l := first.Limits
	if l.Parallel < 0 || l.CPU < 0 || l.Memory < 0 || l.GPU < 0 {
		s.Errorf("a limit is negative: %+v", l)
	}
	if err := first.StepDefaults.Validate(); err != nil {
		s.Errorf("StepDefaults: %v", err)
	}
}

// runBlocks: Run returns after the attempt, and what the attempt says of its end.
func (s *suite) runBlocks() {
	started, release := make(chan struct{}), make(chan struct{})
	var returned atomic.Bool
	r := s.runner(func(context.Context, orchestrator.Attempt) orchestrator.Exit {
		close(started)
		<-release
		returned.Store(true)
		return orchestrator.Exit{Reason: "because"}
	})
	defer s.close(r)
	exit, done := s.goRun(s.Context(), r, newAttempt("waits"))
	s.await("the start of the attempt", started)
	yieldOften()
	select {
	case <-done:
		s.Error("Run returned before the attempt did")
	default:
	}
	close(release)
	s.await("the return of Run", done)
	if !returned.Load() || exit.Reason != "because" || exit.Abandoned != nil {
		s.Errorf("the attempt returned: %t; Exit is %+v", returned.Load(), *exit)
	}
}

// attempt: the attempt arrives as it was given, exactly once.
func (s *suite) attempt() {
	want := orchestrator.Attempt{
		ID: newID(), Run: newID(), Step: "a/b.c-d_e", Index: 41, Number: 3,
		Resources: step.Resources{CPU: 0.5, Memory: 1 << 40, GPU: 2},
	}
	var calls atomic.Int64
	r := s.runner(func(_ context.Context, got orchestrator.Attempt) orchestrator.Exit {
		calls.Add(1)
		if got != want {
			s.Errorf("the attempt is %+v, want %+v", got, want)
		}
		return orchestrator.Exit{}
	})
	defer s.close(r)
	if exit, err := r.Run(s.Context(), want); err != nil || exit.Reason != "" || exit.Abandoned != nil {
		s.Errorf("Run: %+v, %v", exit, err)
	}
	if n := calls.Load(); n != 1 {
		s.Errorf("the attempt was executed %d times", n)
	}
}

// concurrent: many attempts run at once; each needs the others to go on.
func (s *suite) concurrent() {
	const n = 16
	arrived, together := make(chan struct{}, n), make(chan struct{})
	r := s.runner(func(_ context.Context, a orchestrator.Attempt) orchestrator.Exit {
		arrived <- struct{}{}
		<-together
		return orchestrator.Exit{Reason: a.Step}
	})
	defer s.close(r)
	exits, done := make([]*orchestrator.Exit, n), make([]<-chan struct{}, n)
	for i := range n {
		exits[i], done[i] = s.goRun(s.Context(), r, newAttempt(strconv.Itoa(i)))
	}
	for range n {
		s.await("the start of all attempts", arrived)
	}
	close(together)
	for i := range n {
		s.await("the return of Run", done[i])
		if exits[i].Reason != strconv.Itoa(i) {
			s.Errorf("Run %d returned the exit of attempt %s", i, exits[i].Reason)
		}
	}
}

// contextEnds: an attempt that honours its context sees the end of the one that Run was given, and has no effect after Run returned.
func (s *suite) contextEnds() {
	started := make(chan struct{})
	var returned atomic.Bool
	r := s.runner(func(ctx context.Context, _ orchestrator.Attempt) orchestrator.Exit {
		close(started)
		<-ctx.Done()
		returned.Store(true)
		return orchestrator.Exit{}
	})
	ctx, cancel := context.WithCancel(s.Context())
	exit, done := s.goRun(ctx, r, newAttempt("honours"))
	s.await("the start of the attempt", started)
	cancel()
	s.await("the return of Run", done)
	if exit.Abandoned != nil {
		s.await("the end of the abandoned attempt", exit.Abandoned)
	}
	if !returned.Load() {
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
		_, _ = r.Run(ctx, newAttempt("late")) // it may refuse
	}()
	s.await("the return of Run", returned)
	s.close(r)
}

// deafAttempt starts an attempt that ignores its context, and ends that. It returns how Run ended, and what lets the attempt return;
// hasReturned is true from then on.
func (s *suite) deafAttempt() (r orchestrator.Runner, exit orchestrator.Exit, release func(), hasReturned *atomic.Bool) {
	started, released := make(chan struct{}), make(chan struct{})
	hasReturned = new(atomic.Bool)
	r = s.runner(func(context.Context, orchestrator.Attempt) orchestrator.Exit {
		close(started)
		<-released
		hasReturned.Store(true)
		return orchestrator.Exit{}
	})
	ctx, cancel := context.WithCancel(s.Context())
	e, done := s.goRun(ctx, r, newAttempt("deaf"))
	s.await("the start of the attempt", started)
	cancel()
	s.await("the return of Run", done)
	return r, *e, func() { close(released) }, hasReturned
}

// deaf: an attempt that ignores its context is forced, or abandoned, and then its end is told.
func (s *suite) deaf() {
	r, exit, release, hasReturned := s.deafAttempt()
	if exit.Abandoned == nil {
		release()
		s.close(r)
		return // it was forced: it can do nothing any more
	}
	yieldOften()
	select {
	case <-exit.Abandoned:
		s.Error("Abandoned is closed while the attempt still runs")
	default:
	}
	if exit.Reason == "" {
		s.Error("an abandoned attempt needs a reason")
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
	yieldOften()
	early := false
	select {
	case <-closed:
		early = exit.Abandoned != nil
	default:
	}
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

// runs: the runners of two runs do not disturb each other.
func (s *suite) runs() {
	name := func(name string) orchestrator.Executor {
		return func(context.Context, orchestrator.Attempt) orchestrator.Exit { return orchestrator.Exit{Reason: name} }
	}
	a, b := s.runner(name("a")), s.runner(name("b"))
	for range 2 {
		if exit, err := a.Run(s.Context(), newAttempt("x")); err != nil || exit.Reason != "a" {
			s.Errorf("the first runner ran %+v, %v", exit, err)
		}
		if exit, err := b.Run(s.Context(), newAttempt("x")); err != nil || exit.Reason != "b" {
			s.Errorf("the second runner ran %+v, %v", exit, err)
		}
	}
	s.close(a)
	if exit, err := b.Run(s.Context(), newAttempt("x")); err != nil || exit.Reason != "b" {
		s.Errorf("after the first was closed, the second runner ran %+v, %v", exit, err)
	}
	s.close(b)
}

// yieldOften lets others go on, so that what happens too early has happened. It never fails a correct implementation.
func yieldOften() {
	for range 1000 {
		runtime.Gosched()
	}
}
