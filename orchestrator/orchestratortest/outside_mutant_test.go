package orchestratortest_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/orchestrator/orchestratortest"
)

// simple is a runner of processes that knows no more than package exec.
type simple struct {
	program orchestrator.Program
	fault   string
}

func (s simple) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	p := s.program
	if s.fault == "loses arguments" {
		p.Args = p.Args[:1]
	}
	cmd := exec.CommandContext(ctx, p.Path)
	cmd.Args, cmd.Dir, cmd.Stdout, cmd.Stderr = p.Args, p.Dir, a.Output, a.Output
	if s.fault == "loses output" {
		cmd.Stderr = nil
	}
	cmd.Env = append(cmd.Env, p.Env...)
	cmd.Env = append(cmd.Env, orchestrator.EnvAttempt+"="+a.ID)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	select {
	case <-a.Claimed:
	default:
		if ctx.Err() == nil {
			return orchestrator.Exit{}, component.Errorf(component.FailedPrecondition, "not claimed")
		}
	}
	if err != nil {
		return orchestrator.Exit{Reason: err.Error()}, nil //nolint:nilerr // how the worker ended is no error
	}
	return orchestrator.Exit{}, nil
}

func (simple) Close(context.Context) error { return nil }

// lets is a correct runner, but for what it does to Run.
type lets struct {
	orchestrator.Runner
	run func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error)
}

func (l lets) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	return l.run(ctx, l.Runner, a)
}

// outsiders are runners of processes with one fault each, and the subtest that finds it.
var outsiders = map[string]struct {
	finder string
	run    func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error)
}{
	"loses arguments":      {finder: "Program"},
	"loses output":         {finder: "Output"},
	"orphans children":     {finder: "Children"},
	"orphans more":         {finder: "ChildrenOfKilled"},
	"waits for the silent": {finder: "Mute"},
	"knows no reason": {"Died", func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error) {
		_, err := r.Run(ctx, a)
		return orchestrator.Exit{}, err
	}},
	"knows no failure": {"Failed", func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error) {
		_, err := r.Run(ctx, a)
		return orchestrator.Exit{}, err
	}},
	"knows no claim": {"Quits", func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error) {
		a.Claimed = nil
		return r.Run(ctx, a)
	}},
	"does not kill": {"Deaf", func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error) {
		go r.Run(context.WithoutCancel(ctx), a)
		<-ctx.Done()
		return orchestrator.Exit{Reason: "killed"}, nil
	}},
	"does not kill the silent": {"MuteIsKilled", func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error) {
		a.Output = io.Discard
		return r.Run(context.WithoutCancel(ctx), a)
	}},
	"starts twice": {"Attempt", func(ctx context.Context, r orchestrator.Runner, a orchestrator.Attempt) (orchestrator.Exit, error) {
		r.Run(ctx, a)
		return r.Run(ctx, a)
	}},
}

func TestSuiteFindsFaultsOutside(t *testing.T) {
	t.Parallel()
	for name, m := range outsiders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			find(t, "TestOutsider", name, m.finder)
		})
	}
}

// outsider is an orchestrator with the faulty runner of the given name.
type outsider struct {
	orchestrator.Orchestrator
	fault string
}

func (o outsider) Runner(ctx context.Context, run orchestrator.Run, inside orchestrator.Executor) (orchestrator.Runner, error) {
	m := outsiders[o.fault]
	if m.run == nil {
		return simple{run.Program, o.fault}, nil
	}
	r, err := o.Orchestrator.Runner(ctx, run, inside)
	return lets{r, m.run}, err
}

func TestOutsider(t *testing.T) {
	fault := os.Getenv(mutantEnv)
	if _, ok := outsiders[fault]; !ok {
		t.Skip("for TestSuiteFindsFaultsOutside")
	}
	orchestratortest.Run(t, orchestratortest.Harness{
		Runner: local.RunnerProcess, Patience: 3 * time.Second,
		Open: func(t *testing.T) orchestrator.Orchestrator { return outsider{open(t), fault} },
	})
}
