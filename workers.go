package tenon

import (
	"context"
	"os"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/scratch"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/stack"
)

// serveWorkers lets steps of a run execute in processes of their own, which are this program started again.
func (c *Client) serveWorkers(ctx context.Context, h worker.Host, job engine.Job, st stack.Stack, temps *scratch.Dir) (orchestrator.Program, func() error, error) {
	program, err := thisProgram()
	if err != nil {
		return orchestrator.Program{}, nil, err
	}
	digest, info, err := fingerprint.Running(ctx, c.memoDir())
	if err != nil {
		return orchestrator.Program{}, nil, err
	}
	j := workerrpc.Job{
		Pipeline: job.Run.Pipeline, Params: job.Plan.Params, Graph: job.Plan.Graph,
		Executable: workerrpc.Executable{Digest: artifact.Digest(digest), Size: info.Size(), Modified: info.ModTime()},
		Home:       c.config.Home, TempDir: temps.Path(), StackName: st.Name(), Stack: c.spec(st),
	}
	server, err := workerrpc.Serve(ctx, workerrpc.Config{Host: h, Run: job.Run.ID, Job: j, Dir: temps.Path(), Logger: c.logger})
	if err != nil {
		return orchestrator.Program{}, nil, err
	}
	program.Env = slices.Clip(append(program.Env, server.Env()...)) // attempts append to it at the same time
	return program, server.Close, nil
}

// spec returns the specification of a stack as YAML; nil for one that the program composed.
func (c *Client) spec(st stack.Stack) []byte {
	if st == c.config.Stack {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.specs[st.Name()]
}

// thisProgram is how this program was started.
func thisProgram() (orchestrator.Program, error) {
	path, err := os.Executable()
	if err != nil {
		return orchestrator.Program{}, component.Errorf(component.FailedPrecondition, "find the running executable: %w", err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return orchestrator.Program{}, component.Errorf(component.FailedPrecondition, "find the working directory: %w", err)
	}
	return orchestrator.Program{Path: path, Args: slices.Clone(os.Args), Dir: dir, Env: os.Environ()}, nil
}
