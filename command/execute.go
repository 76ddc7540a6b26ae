package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/procgroup"
	"github.com/tenon-ml/tenon/step"
)

const (
	// grace is the time between asking a program to stop and killing it. It is shorter than that of the engine.
	grace = 5 * time.Second
	// drain is how long output is waited for after the end of the program, while something that it sent away has the output open.
	drain = time.Second
)

// execution is one execution of the program of a job.
type execution struct {
	*job
	cmd                *exec.Cmd
	report             reporter
	reports            *os.File
	onStdout, onStderr printed
	open               []*os.File // closed at its end
}

// execute runs the program to its end. The error says how it failed.
func (j *job) execute(ctx context.Context) error {
	logger := step.Logger(ctx)
	e := &execution{job: j, report: reporter{ctx: ctx, logger: logger}}
	e.onStdout = printed{log: logger.Info, report: &e.report}
	e.onStderr = printed{log: logger.Warn, report: &e.report}
	e.cmd = &exec.Cmd{Path: j.argv[0], Args: j.argv, Env: j.vars, Dir: j.path("work"), SysProcAttr: diesWithHost()}
	defer e.close()
	if err := e.connect(); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	state, err := e.run(ctx)
	if err != nil {
		return err
	}
	return e.explain(ctx, state)
}

func (e *execution) close() {
	for _, f := range e.open {
		f.Close()
	}
}

// connect opens what the program reads and writes: files, so that nothing but itself is waited for.
func (e *execution) connect() (err error) {
	file := func(path string, flags int) *os.File {
		f, openErr := os.OpenFile(path, flags, 0o600)
		err = errors.Join(err, openErr)
		e.open = append(e.open, f)
		return f
	}
	pipe := func(p *printed) *os.File {
		r, w, pipeErr := os.Pipe()
		err = errors.Join(err, pipeErr)
		e.open = append(e.open, r, w)
		p.from, p.to = r, w
		return w
	}
	e.reports = file(e.reportPath(), os.O_CREATE|os.O_EXCL|os.O_RDONLY)
	e.cmd.Stderr = pipe(&e.onStderr)
	if e.stdout != "" {
		e.cmd.Stdout = file(e.stdout, os.O_CREATE|os.O_EXCL|os.O_WRONLY)
	} else {
		e.cmd.Stdout = pipe(&e.onStdout)
	}
	if e.stdin != "" {
		e.cmd.Stdin = file(e.stdin, os.O_RDONLY)
	}
	return err
}

// run starts the program, and returns when it and all that belongs to it has ended and what it said was taken.
func (e *execution) run(ctx context.Context) (*os.ProcessState, error) {
	// What dies with its host dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	group, err := procgroup.Start(e.cmd, mark+"="+uuid.NewString())
	if err != nil {
		return nil, e.notStarted(err)
	}
	ended := make(chan struct{})
	var reading, watching sync.WaitGroup
	for _, p := range []*printed{&e.onStdout, &e.onStderr} {
		if p.from != nil {
			p.to.Close()
			reading.Go(p.read)
		}
	}
	watching.Go(func() { e.report.follow(e.reports, ended) })
	watching.Go(func() { stop(ctx, group, ended, grace) })
	state, err := group.Wait()
	for _, p := range []*printed{&e.onStdout, &e.onStderr} {
		if p.from != nil {
			_ = p.from.SetReadDeadline(time.Now().Add(drain)) // where pipes have none, nothing can be sent away
		}
	}
	reading.Wait()
	close(ended)
	watching.Wait()
	if err != nil {
		return nil, fmt.Errorf("wait for %s: %w", e.name, err)
	}
	return state, nil
}

// stop ends the program when ctx ends.
func stop(ctx context.Context, group *procgroup.Group, ended <-chan struct{}, grace time.Duration) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	group.Terminate()
	select {
	case <-ended:
	case <-time.After(grace):
		group.Kill()
	}
}

// notStarted says why a program did not start, which another attempt on this machine does not change for most reasons.
func (e *execution) notStarted(err error) error {
	code := component.FailedPrecondition
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = component.NotFound
	case errors.Is(err, fs.ErrPermission):
		code = component.PermissionDenied
	case tooLong(err):
		code, err = component.Invalid, fmt.Errorf("%w: give the program a file instead, such as {params}", err)
	default:
		return component.Errorf(code, "start %s: %w", e.name, err)
	}
	return step.Permanent(component.Errorf(code, "start %s: %w", e.name, err))
}

// explain returns the error of a program that failed, with what it printed last.
func (e *execution) explain(ctx context.Context, state *os.ProcessState) error {
	if state.Success() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s was stopped (%v): %w", e.name, state, err)
	}
	last := &e.onStderr.tail
	if last.n == 0 {
		last = &e.onStdout.tail
	}
	said := ", and printed nothing"
	if last.n > 0 {
		said = "; the last it printed:" + last.String()
	}
	return component.Errorf(component.FailedPrecondition, "%s failed (%v)%s", e.name, state, said)
}
