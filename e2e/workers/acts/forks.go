package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/pipeline"
)

// ways are those of shells to start a process that outlives them.
var ways = []string{
	"sleep 1000 &",                                  // a child
	"(sleep 1000 &) &",                              // whose parent is gone
	"setsid sleep 1000 &",                           // in a session of its own
	"setsid sh -c 'setsid sleep 1000 & :' &",        // again, with a parent that is gone
	"(trap '' TERM HUP INT; exec sleep 1000) &",     // which is deaf
	"set -m; sleep 1000 &",                          // in a group of its own
	"setsid nohup sh -c 'sleep 1000; sleep 1000' &", // with a child
}

// ForkIn says how a worker ends.
type ForkIn struct {
	End string `doc:"exit, kill, segv, panic, error, or wait"`
}

// Fork starts processes in all ways and ends.
func Fork(ctx context.Context, in ForkIn) (artifact.Ref[int], error) {
	for _, way := range ways {
		// The shell ends when it has started the process. Its output stays open, so that the process has begun when there is a line.
		cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", way+" echo started")
		out, err := cmd.StdoutPipe()
		if err != nil {
			return artifact.Ref[int]{}, err
		}
		if err := cmd.Start(); err != nil {
			return artifact.Ref[int]{}, err
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			return artifact.Ref[int]{}, err
		}
	}
	if err := journal.Note(ctx, "forked"); err != nil {
		return artifact.Ref[int]{}, err
	}
	switch in.End {
	case "exit":
		os.Exit(3) //nolint:forbidigo // as a library may
	case "kill":
		self, err := os.FindProcess(os.Getpid())
		return artifact.Ref[int]{}, errors.Join(err, self.Kill())
	case "segv":
		var nowhere *int
		go func() { fmt.Println(*nowhere) }() // nobody recovers it
	case "panic":
		panic("the step does, and its worker reports it")
	case "error":
		return artifact.Ref[int]{}, errors.New("it does not work")
	}
	select {}
}

// Forks has one step, whose worker leaves processes behind.
var Forks = pipeline.Define("forks", func(p *pipeline.Builder, in ForkIn) artifact.Ref[int] {
	return pipeline.Step(p, "fork", Fork, in)
})
