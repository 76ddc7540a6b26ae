package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/procgroup"
	"github.com/tenon-ml/tenon/orchestrator"
)

// timing says how long processes are waited for.
type timing struct {
	claim time.Duration // until a worker that was started has claimed its attempt
	death time.Duration // until a process that was killed is gone
}

var usualTiming = timing{claim: 10 * time.Second, death: 10 * time.Second}

// processes runs each attempt in a process of its own.
type processes struct {
	program   orchestrator.Program
	timing    timing
	oom       *oomKills
	abandoned *abandoned
}

// process is a worker that was started.
type process struct {
	group   *procgroup.Group
	output  *output
	oomed   int64 // processes that the kernel had killed for want of memory before
	ended   chan struct{}
	state   *os.ProcessState // of the worker, when ended is closed
	waitErr error
}

// fate is why a process is not waited for any longer.
type fate int

const (
	endedItself fate = iota
	mute             // it did not claim its attempt in time
	forced           // the context ended
)

// Run runs one attempt.
func (p *processes) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	if ctx.Err() != nil {
		return orchestrator.Exit{Reason: "not started: it had to end before"}, nil //nolint:nilerr // an attempt that is forced to end is no error
	}
	w, err := p.start(a)
	if err != nil {
		return orchestrator.Exit{}, err
	}
	f := p.attend(ctx, w, a.Claimed)
	if f != endedItself {
		w.group.Kill()
		select {
		case <-w.ended:
		case <-time.After(p.timing.death):
			p.abandoned.add(w.ended)
			return orchestrator.Exit{Reason: "killed, but the system does not end it: it waits for a device or a network file system", Abandoned: w.ended}, nil
		}
	}
	if w.state == nil {
		return orchestrator.Exit{}, component.Errorf(component.Unavailable, "wait for the process of the attempt: %w", w.waitErr)
	}
	exit := orchestrator.Exit{Usage: orchestrator.Usage{
		CPU: w.state.UserTime() + w.state.SystemTime(), PeakMemory: w.group.PeakMemory(),
	}}
	end := p.ending(w, a)
	switch {
	case f == mute:
		return exit, unclaimed("did not claim its attempt within "+p.timing.claim.String(), end)
	case f == forced && end.code != 0:
		exit.Reason = "killed: it still ran when it had to end"
	case f == endedItself && !isClosed(a.Claimed) && !end.sigkill && end.workerFailed() == "": // who was killed may have been about to
		return exit, unclaimed("ended before it claimed its attempt: "+end.status(), end)
	default:
		exit.Reason = end.reason()
	}
	return exit, nil
}

// start starts the worker of an attempt.
func (p *processes) start(a orchestrator.Attempt) (*process, error) {
	if p.program.Path == "" {
		return nil, component.Errorf(component.Invalid, "orchestrator local: the run does not say how its program is started as a worker")
	}
	out, printed, err := newOutput(a.Output)
	if err != nil {
		return nil, p.cannotStart(err)
	}
	defer printed.Close()
	w := &process{output: out, oomed: p.oom.recent(), ended: make(chan struct{})}
	w.group, err = procgroup.Start(p.command(printed), orchestrator.EnvAttempt+"="+a.ID)
	if err != nil {
		out.discard()
		return nil, p.cannotStart(err)
	}
	out.start()
	go func() {
		defer close(w.ended)
		w.state, w.waitErr = w.group.Wait()
		out.finish()
	}()
	return w, nil
}

func (p *processes) cannotStart(err error) error {
	if _, dirErr := os.Stat(p.program.Dir); p.program.Dir != "" && dirErr != nil {
		err = fmt.Errorf("working directory: %w", dirErr) // the system does not say what it is that does not exist
	}
	return component.Errorf(component.Unavailable, "start %s as a worker: %w", p.program.Path, err)
}

// command starts the program. Both of its streams are one file, so that what it prints stays in order. Its standard input is empty.
func (p *processes) command(printed *os.File) *exec.Cmd {
	return &exec.Cmd{
		Path: image(p.program.Path), Args: p.program.Args, Dir: p.program.Dir,
		Env:    append([]string{}, p.program.Env...), // nil would be the environment of this process
		Stdout: printed, Stderr: printed,
	}
}

// image is what is executed to start the program with the given path. On Linux it is the very image that runs, if the path is this
// program's own: the file may have been rebuilt, or removed, as "go run" does it. The worker then takes the path for its own, as this process
// does.
func image(path string) string {
	const self = "/proc/self/exe" // of the child, which shares the image until it executes another
	if runtime.GOOS != "linux" {
		return path
	}
	if own, err := os.Executable(); err != nil || own != path {
		return path
	}
	return self
}

// attend returns when the process has ended, or must be ended. The time to claim is counted in ticks, of which one is due at most: while this
// process is suspended no worker can claim anything.
func (p *processes) attend(ctx context.Context, w *process, claimed <-chan struct{}) fate {
	const ticks = 20
	tick := time.NewTicker(max(1, p.timing.claim/ticks))
	defer tick.Stop()
	for passed := 0; !isClosed(claimed); {
		select {
		case <-claimed:
		case <-w.ended:
			return endedItself
		case <-ctx.Done():
			return forced
		case <-tick.C:
			if passed++; passed == ticks {
				return mute
			}
		}
	}
	tick.Stop()
	select {
	case <-w.ended:
		return endedItself
	case <-ctx.Done():
		return forced
	}
}

// ending gathers what is known of the end of a process.
func (p *processes) ending(w *process, a orchestrator.Attempt) ending {
	e := ending{code: w.state.ExitCode(), memory: a.Resources.Memory, words: &w.output.words}
	if status, ok := w.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal().String()
		e.sigkill = status.Signal() == syscall.SIGKILL
	}
	if e.sigkill {
		now := p.oom.count()
		e.oomKilled = w.oomed >= 0 && now > w.oomed
	}
	return e
}

// unclaimed is the error of a worker that did not claim its attempt.
func unclaimed(how string, e ending) error {
	return component.Errorf(component.FailedPrecondition,
		"the program, started as a worker, %s: it must get to tenon.RunWorker. Call tenon.RunWorker(pipelines...) in main when "+
			"its dependencies are built, or tenon.Main; in tests, call pipelinetest.Main in TestMain%s", how, e.said())
}

// isClosed reports whether c is closed, or nil: where nobody tells of a claim it is taken for granted.
func isClosed(c <-chan struct{}) bool {
	if c == nil {
		return true
	}
	select {
	case <-c:
		return true
	default:
		return false
	}
}
