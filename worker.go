package tenon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/procgroup"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/internal/source"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// RunWorker executes one step and exits, if this process was started as a worker, and returns at once otherwise. Steps that run outside the
// program that drives their run need it: they are executed by the same program, started again with the same arguments. A program that
// calls [Main] has it; one with a main of its own calls RunWorker with its pipelines, and the flavors and the [Config] that it opens clients
// with, once everything is there that its steps use, and before it does anything else: serves, reads stdin, opens a client.
//
// The worker's process belongs to its step. It ends at once, with all processes that the step started, when the engine that started it is
// gone.
func RunWorker(parts ...Part) {
	if os.Getenv(orchestrator.EnvWorker) == "" {
		return
	}
	if err := work(context.Background(), parts); err != nil {
		fmt.Fprintln(os.Stderr, orchestrator.WorkerFailed, err)
		os.Exit(1) //nolint:forbidigo // as Main, RunWorker is the end of a main function
	}
	os.Exit(0) //nolint:forbidigo // see above
}

// work executes the attempt that the environment names. What hinders the attempt is reported to the engine; an error says why that cannot be done.
func work(ctx context.Context, parts []Part) error {
	procgroup.LeaveTerminal()
	conn, err := workerrpc.Connect(ctx, os.Getenv)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the process ends
	// They are not for the programs that a step starts. The attempt stays: by it the runner finds those that left the worker's group.
	for _, name := range []string{orchestrator.EnvWorker, orchestrator.EnvRun, orchestrator.EnvToken} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	began := time.Now()
	a, err := conn.Claim(ctx, conn.Attempt())
	if err != nil {
		return err
	}
	go func() {
		<-conn.Lost() // nobody waits for this step any more
		procgroup.KillMarked(orchestrator.EnvAttempt + "=" + conn.Attempt())
		procgroup.KillOwn()
	}()
	host, _ := os.Hostname() // for people
	w, err := prepare(ctx, parts, conn.Job(), a)
	if err != nil {
		return conn.Finish(ctx, worker.Report{Attempt: a.Attempt, Started: began, Finished: time.Now(), Host: host, Failure: &worker.Failure{
			Kind: worker.KindProgram, Message: err.Error(), Permanent: !errors.Is(err, component.ErrUnavailable), Err: err,
		}})
	}
	defer w.store.Close() //nolint:errcheck // the process ends
	w.options.Host, w.options.Resources = host, scope.NewResources(ctx)
	defer func() {
		if err := w.options.Resources.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "tenon: the step's process ends:", err) // it is in the log of the attempt
		}
	}()
	succeeded, err := worker.Perform(ctx, conn, a, w.program, w.store, w.options)
	if !succeeded { // what a step starts and means to outlive it, it starts when all is well
		procgroup.KillMarked(orchestrator.EnvAttempt + "=" + conn.Attempt())
	}
	return err
}

// workbench is what a worker works with.
type workbench struct {
	program *graph.Program
	store   artifact.Store
	options worker.Options
}

// prepare builds the graph again, opens the artifact store, and checks that this is the program that made the plan.
func prepare(ctx context.Context, parts []Part, j workerrpc.Job, a worker.Assignment) (workbench, error) {
	s, err := sorted(parts)
	if err != nil {
		return workbench{}, err
	}
	if err := sameExecutable(ctx, j.Executable); err != nil {
		return workbench{}, err
	}
	if limit := a.Config.Resources.Memory; limit > 0 {
		if err := procgroup.LimitMemory(limit); err != nil {
			return workbench{}, err
		}
	}
	program, err := rebuild(s.pipelines, j)
	if err != nil {
		return workbench{}, err
	}
	if a.Node < 0 || a.Node >= len(program.Graph.Nodes) || program.Graph.Nodes[a.Node].Name != a.Step {
		return workbench{}, component.Errorf(component.Invalid, "the graph of pipeline %s has no step %s at its place", j.Pipeline, a.Step)
	}
	store, err := workerStore(ctx, s, j)
	if err != nil {
		return workbench{}, err
	}
	pinner := &source.Pinner{Store: store, MemoDir: memoDir(j.Home)}
	return workbench{program, store, worker.Options{
		TempDir: j.TempDir, PeakMemory: procgroup.PeakMemory,
		Sources: func(tempDir func() (string, error)) ref.Opener {
			return &source.Opener{Pinner: pinner, TempDir: tempDir}
		},
	}}, nil
}

// sameExecutable refuses a program that is not the one that made the plan. A file of the same size and time is taken for the same.
func sameExecutable(ctx context.Context, want workerrpc.Executable) error {
	path, err := os.Executable()
	if err != nil {
		return component.Errorf(component.FailedPrecondition, "find the running executable: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Size() == want.Size && info.ModTime().Equal(want.Modified) {
		return nil
	}
	digest, _, err := fingerprint.Running(ctx, "")
	if err != nil {
		return err
	}
	if artifact.Digest(digest) != want.Digest {
		return component.Errorf(component.FailedPrecondition, "the program was built again since the run began: start it again and resume the run")
	}
	return nil
}

// rebuild builds the graph of the run from its recorded parameters.
func rebuild(pipelines []pipeline.Definition, j workerrpc.Job) (*graph.Program, error) {
	i := slices.IndexFunc(pipelines, func(d pipeline.Definition) bool { return d.Name() == j.Pipeline })
	if i < 0 {
		return nil, component.Errorf(component.FailedPrecondition, "pipeline %s is not among those of this worker: pass it to tenon.RunWorker or tenon.Main", j.Pipeline)
	}
	params := pipelines[i].NewParams()
	if err := codec.DecodeInto(j.Params, params); err != nil {
		return nil, component.Errorf(component.FailedPrecondition, "pipeline %s: read the recorded parameters: %w", j.Pipeline, err)
	}
	program, err := pipelines[i].Build(params)
	if err != nil {
		return nil, err
	}
	digest, err := program.Graph.Digest()
	if err != nil {
		return nil, err
	}
	if digest != j.Graph {
		return nil, component.Errorf(component.FailedPrecondition, "pipeline %s builds another graph in this process than in the one that started the run: "+
			"its function must depend on nothing but its parameters, not on the environment, the clock, random numbers or the order of a map", j.Pipeline)
	}
	return program, nil
}

// workerStore opens the artifact store of the run.
func workerStore(ctx context.Context, s assorted, j workerrpc.Job) (artifact.Store, error) {
	if s.config.Stack != nil {
		return s.config.Stack.Artifacts(), nil
	}
	if len(j.Stack) == 0 {
		return nil, component.Errorf(component.FailedPrecondition, "stack %s was composed by the program: pass tenon.RunWorker the tenon.Config with that Stack", j.StackName)
	}
	spec, err := stack.Parse(j.Stack, "stack "+j.StackName)
	if err != nil {
		return nil, err
	}
	logger := s.config.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return stack.OpenArtifacts(ctx, spec, s.flavors, component.Env{Home: j.Home, Logger: logger})
}
