package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// worker executes a step if this process was started as a worker.
func worker() { tenon.RunWorker(chain, mapped) }

// processes runs a chain of n steps, each in a process of its own.
func processes(n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		client, err := tenon.Open(ctx, tenon.Config{Home: dir})
		if err != nil {
			return 0, err
		}
		defer client.Close()
		if err := runOnce(ctx, client, mapped, 1); err != nil {
			return 0, err
		}
		return timed(func() error {
			return runOnce(ctx, client, chain, n, pipeline.RunConfig{Steps: step.Configs{"*": {Runner: "process"}}})
		})
	}
}

// plainProcesses starts the same program n times, one after the other; it ends at once.
func plainProcesses(n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, _ string) (time.Duration, error) {
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		return timed(func() error {
			for range n {
				cmd := exec.CommandContext(ctx, self)
				cmd.Env = append(os.Environ(), childEnv+"=-")
				if err := cmd.Run(); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// resumed stops a run of n independent steps when half of them are done, and measures how long it takes to resume it.
func resumed(n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		client, err := tenon.Open(ctx, tenon.Config{Home: dir})
		if err != nil {
			return 0, err
		}
		defer client.Close()
		stop, done := make(chan struct{}), 0
		run, err := wide.Run(ctx, client, size{N: n}, pipeline.RunConfig{Observer: func(e pipeline.Event) {
			if e.StepState == metadata.StepSucceeded {
				if done++; done == n/2 {
					close(stop)
				}
			}
		}})
		if err != nil {
			return 0, err
		}
		<-stop
		run.Cancel()
		if _, err := run.Result(ctx); err == nil {
			return 0, fmt.Errorf("the run of %d steps ended before it could be stopped", n)
		}
		return timed(func() error {
			again, err := wide.Resume(ctx, client, run.ID())
			if err != nil {
				return err
			}
			_, err = again.Result(ctx)
			return err
		})
	}
}
