package pipelinetest

import (
	"errors"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/pipeline"
)

// Run runs a pipeline to its end, with everything it stores in a temporary directory of the test, and returns its results. It
// fails the test if the run does. Parts are flavors and at most one tenon.Config, as tenon.Open takes them. A skipped result
// is a Ref without a value.
func Run[P, Out any](t testing.TB, p *pipeline.Pipeline[P, Out], params P, parts ...tenon.Part) Out {
	t.Helper()
	out, err := Try(t, p, params, parts...)
	if err != nil && !errors.Is(err, pipeline.ErrSkipped) {
		t.Fatalf("run pipeline %s: %v", p.Name(), err)
	}
	return out
}

// Try is [Run] for a pipeline that may fail: it returns the error of the run. That of a skipped result wraps pipeline.ErrSkipped.
func Try[P, Out any](t testing.TB, p *pipeline.Pipeline[P, Out], params P, parts ...tenon.Part) (Out, error) {
	t.Helper()
	client := Open(t, parts...)
	var zero Out
	run, err := p.Run(t.Context(), client, params)
	if err != nil {
		return zero, err
	}
	return run.Result(t.Context())
}

// Open opens a client on a temporary home, unless a part is a tenon.Config with a Home of its own. The test closes it. Run a pipeline
// twice with one client to test what it caches.
func Open(t testing.TB, parts ...tenon.Part) *tenon.Client {
	t.Helper()
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
		config.Home = t.TempDir()
	}
	client, err := tenon.Open(t.Context(), append(all, config)...)
	if err != nil {
		t.Fatalf("open a client: %v", err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return client
}
