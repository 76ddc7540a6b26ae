package local

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
)

// The runners: the ways to run an attempt.
const (
	RunnerGoroutine = "goroutine" // as a goroutine of the program
	RunnerProcess   = "process"   // in a process of its own, which is the program started again as a worker
)

// runnerInfos are all runners, the default of New first.
var runnerInfos = []orchestrator.RunnerInfo{{Name: RunnerGoroutine, Inside: true}, {Name: RunnerProcess}}

// runner runs the attempts of one run, each by the runner that it names.
type runner struct {
	byDefault  string
	goroutines goroutines
	processes  processes
	abandoned  *abandoned // of both
}

func (l *local) Runner(_ context.Context, run orchestrator.Run, inside orchestrator.Executor) (orchestrator.Runner, error) {
	left := &abandoned{}
	return &runner{
		byDefault:  l.c.Runner,
		goroutines: goroutines{inside, left},
		processes:  processes{program: run.Program, timing: l.timing, oom: l.oomKills(), abandoned: left},
		abandoned:  left,
	}, nil
}

// Run implements [orchestrator.Runner].
func (r *runner) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	name := a.Runner
	if name == "" {
		name = r.byDefault
	}
	switch name {
	case RunnerGoroutine:
		return r.goroutines.Run(ctx, a)
	case RunnerProcess:
		return r.processes.Run(ctx, a)
	}
	return orchestrator.Exit{}, component.Errorf(component.Invalid, "orchestrator local: runner %s", unknownRunner(name))
}

// Close implements [orchestrator.Runner].
func (r *runner) Close(ctx context.Context) error { return r.abandoned.wait(ctx) }

func unknownRunner(name string) string {
	return fmt.Sprintf("%q is not known, want %s or %s", name, RunnerGoroutine, RunnerProcess)
}
