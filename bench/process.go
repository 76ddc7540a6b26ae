package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// callEnv holds the socket that a child which otherwise does nothing calls twice.
const callEnv = "TENON_BENCH_CALL"

// plainProcesses starts the same program n times, one after the other; it ends at once.
func plainProcesses(n int, env ...string) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, _ string) (time.Duration, error) {
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		return timed(func() error {
			for range n {
				cmd := exec.CommandContext(ctx, self)
				cmd.Env = append(append(os.Environ(), childEnv+"=-"), env...)
				cmd.Stderr = os.Stderr
				if err := cmd.Run(); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// callingProcesses does the same with a program that makes two HTTP calls over a socket before it ends: the least that a worker can do
// which is told what to do and tells what came of it.
func callingProcesses(n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		path := filepath.Join(dir, "s")
		l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
		if err != nil {
			return 0, err
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "done") })}
		go server.Serve(l)
		defer server.Close()
		return plainProcesses(n, callEnv+"="+path)(ctx, dir)
	}
}

// call makes the calls, if the environment asks for them.
func call(ctx context.Context) error {
	path := os.Getenv(callEnv)
	if path == "" {
		return nil
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	for range 2 {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://socket/", strings.NewReader("do"))
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
	}
	return nil
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
