package orchestratortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
)

// outside completes attempts that are not inside for their runner, as the engine does it.
type outside struct {
	orchestrator.Runner
	engine *engine
	inside orchestrator.Executor
}

func (o outside) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	a = o.engine.add(a, o.inside)
	if a.Output == nil {
		a.Output = io.Discard
	}
	return o.Runner.Run(ctx, a)
}

// recorder keeps what a process prints.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// lines returns those that begin with prefix.
func (r *recorder) lines(prefix string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for line := range strings.Lines(r.text.String()) {
		if strings.HasPrefix(line, prefix) {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	return lines
}

// extraArgs are given to workers, to see that they arrive.
var extraArgs = []string{"--name=a b", "", "ü\"'$HOME"}

const checkValue = "a=b c\td"

// workerProgram is how a worker with the given role is started.
func (s *suite) workerProgram(run, role string) orchestrator.Program {
	s.Helper()
	program := testBinary(s)
	if s.h.Program != nil {
		program = s.h.Program(s.T)
	}
	program.Args = append(slices.Clone(program.Args), extraArgs...)
	program.Env = append(slices.Clone(program.Env),
		orchestrator.EnvWorker+"="+s.engine.address, orchestrator.EnvRun+"="+run, envRole+"="+role, envCheck+"="+checkValue)
	return program
}

// program: the worker is started as Run.Program says.
func (s *suite) program() {
	var got hello
	r := s.runner(func(ctx context.Context, _ orchestrator.Attempt) orchestrator.Exit {
		got = remoteOf(ctx).hello
		return orchestrator.Exit{}
	})
	defer s.close(r)
	a := s.newAttempt("program")
	if exit, err := r.Run(s.Context(), a); err != nil || exit.Reason != "" {
		s.Fatalf("Run: %+v, %v", exit, err)
	}
	want := s.workerProgram("", roleWorker)
	if args := want.Args[1:]; !slices.Equal(got.Args, args) {
		s.Errorf("the arguments are %q, want %q", got.Args, args)
	}
	if got.Check != checkValue || got.Attempt != a.ID {
		s.Errorf("the environment has %q and attempt %s, want %q and %s", got.Check, got.Attempt, checkValue, a.ID)
	}
	if gotDir, wantDir := realPath(got.Dir), realPath(want.Dir); gotDir != wantDir {
		s.Errorf("the working directory is %s, want %s", gotDir, wantDir)
	}
}

func realPath(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return path
}

// ends runs an attempt that does work, and returns how it ended.
func (s *suite) ends(a orchestrator.Attempt, work func(r *remote) (reason string)) orchestrator.Exit {
	s.Helper()
	r := s.runner(func(ctx context.Context, _ orchestrator.Attempt) orchestrator.Exit {
		return orchestrator.Exit{Reason: work(remoteOf(ctx))}
	})
	defer s.close(r)
	exit, err := r.Run(s.Context(), a)
	if err != nil {
		s.Fatalf("Run: %v", err)
	}
	if exit.Abandoned != nil || exit.Usage.CPU < 0 || exit.Usage.PeakMemory < 0 {
		s.Errorf("Exit is %+v", exit)
	}
	return exit
}

// failed: a worker that ends with a status other than 0 has a reason, and is no error of Run.
func (s *suite) failed() {
	if exit := s.ends(s.newAttempt("fails"), func(*remote) string { return "I give up" }); exit.Reason == "" {
		s.Error("Exit has no reason")
	}
}

// died: a worker that dies at once has a reason.
func (s *suite) died() {
	exit := s.ends(s.newAttempt("dies"), func(r *remote) string {
		r.do(order{Do: doDie})
		return ""
	})
	if exit.Reason == "" {
		s.Error("Exit has no reason")
	}
}

// output: what a worker prints has arrived when Run returns, each stream in its order.
func (s *suite) output() {
	const n = 20_000
	var printed recorder
	a := s.newAttempt("prints")
	a.Output = &printed
	if exit := s.ends(a, func(r *remote) string {
		r.do(order{Do: doPrint, Lines: n})
		return ""
	}); exit.Reason != "" {
		s.Errorf("the reason is %q", exit.Reason)
	}
	for _, stream := range []string{"out", "err"} {
		lines := printed.lines(stream)
		if len(lines) != n {
			s.Errorf("%d lines of %s arrived, want %d", len(lines), stream, n)
			continue
		}
		for i, line := range lines {
			if want := fmt.Sprintf("%s %d", stream, i); line != want {
				s.Errorf("line %d is %q, want %q", i, line, want)
				break
			}
		}
	}
}

// forks lets a worker start a child, and returns what is closed when that has ended.
func (s *suite) forks(r *remote) <-chan struct{} {
	r.do(order{Do: doFork})
	select {
	case gone := <-r.task.child:
		return gone
	case <-time.After(s.h.Patience):
		s.Error("the worker's child did not come")
		return nil
	}
}

// children: what a worker started ends with it.
func (s *suite) children() {
	var child <-chan struct{}
	s.ends(s.newAttempt("forks"), func(r *remote) string {
		child = s.forks(r)
		return ""
	})
	s.await("the end of the worker's child", child)
}

// childrenOfKilled: what a worker started ends with it also when it is forced to.
func (s *suite) childrenOfKilled() {
	started := make(chan struct{})
	var child <-chan struct{}
	r := s.runner(func(ctx context.Context, _ orchestrator.Attempt) orchestrator.Exit {
		child = s.forks(remoteOf(ctx))
		close(started)
		<-ctx.Done()
		return orchestrator.Exit{}
	})
	defer s.close(r)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	_, done := s.goRun(ctx, r, s.newAttempt("forks"))
	s.await("the start of the attempt", started)
	cancel()
	s.await("the return of Run", done)
	s.await("the end of the worker's child", child)
}

func (s *suite) refuse(context.Context, orchestrator.Attempt) orchestrator.Exit {
	s.Error("a worker came that should not")
	return orchestrator.Exit{}
}

// unclaimed runs a worker that does not claim its attempt.
func (s *suite) unclaimed(role string) {
	r := s.runnerOf(role, s.refuse)
	defer s.close(r)
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err = r.Run(s.Context(), s.newAttempt(role))
	}()
	s.await("the return of Run", done)
	if !errors.Is(err, component.ErrFailedPrecondition) {
		s.Errorf("the error is %v, want code FailedPrecondition", err)
	}
}

// quits: a worker that ends without having claimed its attempt will not do better another time.
func (s *suite) quits() { s.unclaimed(roleQuits) }

// mute: nor will one that does not claim it.
func (s *suite) mute() {
	if testing.Short() {
		s.Skip("a worker has some time to claim its attempt")
	}
	s.unclaimed(roleMute)
}

// muteIsKilled: an attempt can be forced to end before it is claimed.
func (s *suite) muteIsKilled() {
	r := s.runnerOf(roleMute, s.refuse)
	ctx, cancel := context.WithCancel(s.Context())
	exit, done := s.goRun(ctx, r, s.newAttempt("mute"))
	if tooEarly(done) {
		s.Error("Run returned before the worker had time to claim its attempt")
	}
	cancel()
	s.await("the return of Run", done)
	if exit.Reason == "" {
		s.Error("Exit has no reason")
	}
	s.close(r)
}
