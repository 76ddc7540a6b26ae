// Acts is a program whose steps wait, hang, and start processes that they leave behind.
package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// edition tells one build of the program from another.
var edition = "first edition"

// TellIn is the input of Tell.
type TellIn struct {
	Gate     string // name of a file beside the journal that it waits for; empty for none
	Failures int    // attempts that fail, once the gate is open
	Before   []artifact.Ref[string]
}

// Tell returns the edition of the program that it runs in.
func Tell(ctx context.Context, in TellIn) (artifact.Ref[string], error) {
	if err := journal.Note(ctx, "begin"); err != nil {
		return artifact.Ref[string]{}, err
	}
	if err := pass(ctx, in.Gate); err != nil {
		return artifact.Ref[string]{}, err
	}
	if at, _ := step.Info(ctx); at.Number <= in.Failures {
		return artifact.Ref[string]{}, errors.Join(errors.New("it fails at first"), journal.Note(ctx, "fails"))
	}
	return artifact.New(edition), journal.Note(ctx, "done")
}

// pass waits until a gate is open.
func pass(ctx context.Context, gate string) error {
	if gate == "" {
		return nil
	}
	path := filepath.Join(filepath.Dir(os.Getenv(journal.Env)), gate)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// LargeIn is the input of Large.
type LargeIn struct{ Before artifact.Ref[string] }

// Large returns what is not in a record.
func Large(ctx context.Context, _ LargeIn) (artifact.Ref[[]byte], error) {
	return artifact.New(make([]byte, 1<<20)), journal.Note(ctx, "begin")
}

// Results are which edition executed each step, and bytes.
type Results struct {
	First, Second, Third artifact.Ref[string]
	Large                artifact.Ref[[]byte]
}

// Gated has a step that waits for its gate and fails once, between others.
var Gated = pipeline.Define("gated", func(p *pipeline.Builder, _ struct{}) Results {
	first := pipeline.Step(p, "first", Tell, TellIn{})
	second := pipeline.Step(p, "second", Tell, TellIn{Gate: "gate", Failures: 1, Before: []artifact.Ref[string]{first}})
	third := pipeline.Step(p, "third", Tell, TellIn{Before: []artifact.Ref[string]{second}})
	return Results{first, second, third, pipeline.Step(p, "large", Large, LargeIn{third})}
}, pipeline.StepDefaults(step.Config{Retry: step.Retry{Attempts: 3, Backoff: time.Millisecond}}))

// Hang does not listen when it is asked to stop.
func Hang(ctx context.Context, _ struct{}) (artifact.Ref[int], error) {
	if err := journal.Note(ctx, "begin"); err != nil {
		return artifact.Ref[int]{}, err
	}
	select {}
}

// Hangs has two steps that hang.
var Hangs = pipeline.Define("hangs", func(p *pipeline.Builder, _ struct{}) struct{ One, Other artifact.Ref[int] } {
	return struct{ One, Other artifact.Ref[int] }{pipeline.Step(p, "one", Hang, struct{}{}), pipeline.Step(p, "other", Hang, struct{}{})}
})

// slowEnv names a variable that makes workers slow to start.
const slowEnv = "ACTS_SLOW"

func main() {
	if slow, err := time.ParseDuration(os.Getenv(slowEnv)); err == nil && os.Getenv(orchestrator.EnvWorker) != "" {
		<-time.After(slow)
	}
	tenon.Main(Gated, Hangs, Forks)
}
