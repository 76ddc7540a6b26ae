package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/pipeline"
)

// Run runs a pipeline to its end, with everything it stores in a temporary directory of the test, and returns its results. It
// fails the test if the run does. Parts are flavors and at most one tenon.Config, as tenon.Open takes them, and answers to the steps that
// wait for a person: see [Approve]. Hooks are not called. A skipped result is a Ref without a value.
func Run[P, Out any](tb testing.TB, p *pipeline.Pipeline[P, Out], params P, parts ...tenon.Part) Out {
	tb.Helper()
	out, err := Try(tb, p, params, parts...)
	if err != nil && !errors.Is(err, pipeline.ErrSkipped) {
		tb.Fatalf("run pipeline %s: %v", p.Name(), err)
	}
	return out
}

// Try is [Run] for a pipeline that may fail: it returns the error of the run. That of a skipped result wraps pipeline.ErrSkipped.
func Try[P, Out any](tb testing.TB, p *pipeline.Pipeline[P, Out], params P, parts ...tenon.Part) (Out, error) {
	tb.Helper()
	var zero Out
	program, err := p.Build(&params)
	if err != nil {
		return zero, err
	}
	answers, parts := split(parts)
	answers.check(tb, program.Graph)
	client := Open(tb, parts...)
	ctx, end := context.WithCancelCause(tb.Context())
	defer end(nil)
	run, err := p.Run(ctx, client, params, pipeline.RunConfig{NoHooks: true, Observer: answers.unanswered(end)})
	if err != nil {
		return zero, err
	}
	if err := answers.send(tb.Context(), client.Metadata(), run.ID(), time.Now()); err != nil {
		return zero, fmt.Errorf("answer run %s: %w", run.ID(), err)
	}
	return run.Result(tb.Context())
}

// Open opens a client on a temporary home, unless a part is a tenon.Config with a Home of its own. The test closes it. Run a pipeline
// twice with one client to test what it caches.
func Open(tb testing.TB, parts ...tenon.Part) *tenon.Client {
	tb.Helper()
	var config tenon.Config
	all := make([]tenon.Part, 0, len(parts)+1)
	for _, part := range parts {
		if c, ok := part.(tenon.Config); ok {
			config = c
			continue
		}
		all = append(all, part)
	}
	if config.Home == "" { // a test must not touch the home of who runs it
		config.Home = tb.TempDir()
	}
	client, err := tenon.Open(tb.Context(), append(all, config)...)
	if err != nil {
		tb.Fatalf("open a client: %v", err)
	}
	tb.Cleanup(func() {
		if err := client.Close(); err != nil {
			tb.Errorf("close the client: %v", err)
		}
	})
	return client
}
