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

// patience is how long the suite waits for what should happen soon, unless the harness says otherwise.
const patience = time.Minute

// Harness is what the suite needs of an implementation. Its functions fail the test with t.Fatal when they cannot do their work, and may be
// called concurrently.
type Harness struct {
	// Open returns a new orchestrator. The suite closes it before the test's cleanup functions run. Required.
	Open func(t *testing.T) orchestrator.Orchestrator
	// Runner names the way to run attempts that is tested, one of Capabilities.Runners; empty for the default.
	Runner string
	// Program, for a runner whose attempts are not inside, returns how to start a program that calls [Work] first of all. The suite adds to its
	// arguments and its environment. Nil: the test's own binary, whose TestMain calls Work.
	Program func(t *testing.T) orchestrator.Program
	// Patience is how long the suite waits for what should happen soon; 0 is a minute.
	Patience time.Duration
}

// Run runs the conformance suite as subtests of t.
func Run(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = patience
	}
	for _, test := range []struct {
		name    string
		run     func(s *suite)
		outside bool // for attempts that are not inside
	}{
		{"Capabilities", (*suite).capabilities, false},
		{"RunBlocks", (*suite).runBlocks, false},
		{"Attempt", (*suite).attempt, false},
		{"Concurrent", (*suite).concurrent, false},
		{"ContextEnds", (*suite).contextEnds, false},
		{"ContextHasEnded", (*suite).contextHasEnded, false},
		{"Deaf", (*suite).deaf, false},
		{"CloseWaits", (*suite).closeWaits, false},
		{"CloseGivesUp", (*suite).closeGivesUp, false},
		{"Runs", (*suite).runs, false},
		{"Program", (*suite).program, true},
		{"Failed", (*suite).failed, true},
		{"Died", (*suite).died, true},
		{"Output", (*suite).output, true},
		{"Children", (*suite).children, true},
		{"ChildrenOfKilled", (*suite).childrenOfKilled, true},
		{"Quits", (*suite).quits, true},
		{"Mute", (*suite).mute, true},
		{"MuteIsKilled", (*suite).muteIsKilled, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := h.Open(t)
			t.Cleanup(func() {
				if err := o.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			s := &suite{T: t, h: h, o: o}
			switch info, ok := o.Capabilities().Runner(h.Runner); {
			case !ok:
				t.Fatalf("Capabilities has no runner %q", h.Runner)
			case !info.Inside:
				s.engine = serve(s)
			case test.outside:
				t.Skip("attempts are inside")
			}
			test.run(s)
		})
	}
}

// suite is one running test.
type suite struct {
	*testing.T
	h      Harness
	o      orchestrator.Orchestrator
	engine *engine // of attempts that are not inside; nil otherwise
}

// runner returns the runner of a new run.
func (s *suite) runner(inside orchestrator.Executor) orchestrator.Runner {
	s.Helper()
	return s.runnerOf(roleWorker, inside)
}

// runnerOf returns the runner of a new run whose workers, if they are not inside, have the given role.
func (s *suite) runnerOf(role string, inside orchestrator.Executor) orchestrator.Runner {
	s.Helper()
	run := orchestrator.Run{ID: newID(), Pipeline: "conformance"}
	if s.engine != nil {
		run.Program = s.workerProgram(run.ID, role)
	}
	r, err := s.o.Runner(s.Context(), run, inside)
	if err != nil {
		s.Fatalf("Runner: %v", err)
	}
	if s.engine == nil {
		return r
	}
	return outside{r, s.engine, inside}
}

func (s *suite) close(r orchestrator.Runner) {
	s.Helper()
	if err := r.Close(s.Context()); err != nil {
		s.Errorf("Runner.Close: %v", err)
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func (s *suite) newAttempt(step string) orchestrator.Attempt {
	return orchestrator.Attempt{ID: newID(), Run: newID(), Step: step, Index: -1, Number: 1, Runner: s.h.Runner}
}

// await waits for a signal of what should happen soon.
func (s *suite) await(what string, c <-chan struct{}) {
	s.Helper()
	select {
	case <-c:
	case <-time.After(s.h.Patience):
		s.Fatalf("%s did not happen within %v", what, s.h.Patience)
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
	names := map[string]bool{"": true}
	for _, r := range first.Runners {
		if names[r.Name] {
			s.Errorf("Runners has %q twice, or without a name", r.Name)
		}
		if r.Inside && first.Remote {
			s.Errorf("runner %q is inside this process, and the orchestrator remote", r.Name)
		}
		names[r.Name] = true
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
	exit, done := s.goRun(s.Context(), r, s.newAttempt("waits"))
	s.await("the start of the attempt", started)
	if tooEarly(done) {
		s.Error("Run returned before the attempt did")
	}
	close(release)
	s.await("the return of Run", done)
	if !returned.Load() || !s.isReason(exit.Reason, "because") || exit.Abandoned != nil {
		s.Errorf("the attempt returned: %t; Exit is %+v", returned.Load(), *exit)
	}
}

// attempt: the attempt arrives as it was given, exactly once.
func (s *suite) attempt() {
	want := orchestrator.Attempt{
		ID: newID(), Run: newID(), Step: "a/b.c-d_e", Index: 41, Number: 3,
		Runner: s.h.Runner, Resources: step.Resources{CPU: 0.5, Memory: 1 << 40, GPU: 2},
	}
	if s.engine != nil {
		want.Resources = step.Resources{CPU: 0.5, Memory: 1 << 30} // more may not be had
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
		exits[i], done[i] = s.goRun(s.Context(), r, s.newAttempt(strconv.Itoa(i)))
	}
	for range n {
		s.await("the start of all attempts", arrived)
	}
	close(together)
	for i := range n {
		s.await("the return of Run", done[i])
		if !s.isReason(exits[i].Reason, strconv.Itoa(i)) {
			s.Errorf("Run %d returned an exit with the reason %q", i, exits[i].Reason)
		}
	}
}

// isReason reports whether a runner's reason is that of an executor, as far as a runner knows it: one whose attempts are outside sees that the
// process failed.
func (s *suite) isReason(got, want string) bool {
	if s.engine == nil {
		return got == want
	}
	return got != ""
}

// runs: the runners of two runs do not disturb each other.
func (s *suite) runs() {
	var executed [2]atomic.Int64
	executor := func(i int) orchestrator.Executor {
		return func(context.Context, orchestrator.Attempt) orchestrator.Exit {
			executed[i].Add(1)
			return orchestrator.Exit{}
		}
	}
	runners := [2]orchestrator.Runner{s.runner(executor(0)), s.runner(executor(1))}
	run := func(i int) {
		before := executed[i].Load()
		exit, err := runners[i].Run(s.Context(), s.newAttempt("x"))
		if err != nil || exit.Reason != "" || executed[i].Load() != before+1 {
			s.Errorf("runner %d executed %d attempts: %+v, %v", i, executed[i].Load()-before, exit, err)
		}
	}
	for range 2 {
		run(0)
		run(1)
	}
	s.close(runners[0])
	run(1)
	s.close(runners[1])
}
