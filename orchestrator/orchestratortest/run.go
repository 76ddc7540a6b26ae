package orchestratortest

import (
	"context"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/step"
)

// patience is how long the suite waits for what should happen soon.
const patience = time.Minute

// Harness is what the suite needs of an implementation. Its functions fail the test with t.Fatal when they cannot do their work, and may be
// called concurrently.
type Harness struct {
	// Open returns a new orchestrator. The suite closes it before the test's cleanup functions run. Required.
	Open func(t *testing.T) orchestrator.Orchestrator
}

// Run runs the conformance suite as subtests of t.
func Run(t *testing.T, h Harness) {
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
			o := h.Open(t)
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

// tooEarly reports a signal that must not come yet. It waits a moment for it: a fault may be missed on a busy machine, but nothing that is
// right is ever refused.
func tooEarly(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
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
	if tooEarly(done) {
		s.Error("Run returned before the attempt did")
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
