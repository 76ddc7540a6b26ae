package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

// childEnv makes the benchmark's own binary the program whose start is measured. It holds the state directory.
const childEnv = "TENON_BENCH_CHILD_HOME"

// hello is a pipeline whose one step tells when it runs.
var hello = pipeline.Define("hello", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int64] {
	return pipeline.Step(p, "hello", now, struct{}{})
})

func now(context.Context, struct{}) (artifact.Ref[int64], error) {
	return artifact.New(time.Now().UnixNano()), nil
}

// child is the program that is started. It prints when its step ran.
func child(ctx context.Context, home string) error {
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		return err
	}
	defer client.Close()
	run, err := hello.Run(ctx, client, struct{}{}, pipeline.RunConfig{NoCache: true})
	if err != nil {
		return err
	}
	ran, err := run.Result(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Println(ran.Value())
	return err
}

// start measures the time from the start of a program to its first step, in a home that has been used before.
func start(ctx context.Context, dir string) (time.Duration, error) {
	if _, err := startOnce(ctx, dir); err != nil {
		return 0, err
	}
	return startOnce(ctx, dir)
}

func startOnce(ctx context.Context, home string) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+home)
	cmd.Stderr = os.Stderr
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", self, err)
	}
	ran, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the started program printed %q: %w", out, err)
	}
	return time.Unix(0, ran).Sub(began), nil
}

// plainStart measures a start that does nothing of Tenon's: the same binary, which ends at once.
func plainStart(ctx context.Context, _ string) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"=-")
	return timed(cmd.Run)
}

// runChild is called first in main. It reports whether this process is a child, whose work is done.
func runChild() (is bool, err error) {
	if is, err := runTask(context.Background()); is {
		return true, err
	}
	switch home := os.Getenv(childEnv); home {
	case "":
		return false, nil
	case "-":
		return true, call(context.Background())
	default:
		return true, child(context.Background(), home)
	}
}
