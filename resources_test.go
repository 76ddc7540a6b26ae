package tenon_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// meter is a resource that counts.
type meter struct{ opened, closed, used atomic.Int64 }

var meters = step.NewResource("meter", func(ctx context.Context) (*meter, error) {
	m, _ := ctx.Value(meterKey{}).(*meter)
	m.opened.Add(1)
	return m, nil
}, func(m *meter) error {
	m.closed.Add(1)
	return errors.New("the meter is stuck")
})

type meterKey struct{}

type useIn struct{ N int }

func use(ctx context.Context, in useIn) (artifact.Ref[int], error) {
	m, err := meters.Get(ctx)
	if err != nil {
		return artifact.Ref[int]{}, err
	}
	m.used.Add(1)
	return artifact.New(in.N), nil
}

var metered = pipeline.Define("metered", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
	pipeline.Step(p, "one", use, useIn{1}, step.Config{Cache: step.Never})
	return pipeline.Step(p, "two", use, useIn{2}, step.Config{Cache: step.Never})
})

// A client's steps share one resource, whatever run they belong to, and it is closed with the client.
func TestResourcesLiveAsLongAsTheClient(t *testing.T) {
	t.Parallel()
	var m, other meter
	client, err := tenon.Open(context.WithValue(t.Context(), meterKey{}, &m), tenon.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		result(t.Context(), t, client)
	}
	if m.opened.Load() != 1 || m.used.Load() != 6 || m.closed.Load() != 0 {
		t.Errorf("opened %d times, used %d times, closed %d times", m.opened.Load(), m.used.Load(), m.closed.Load())
	}
	result(meters.With(t.Context(), &other), t, client)
	if other.used.Load() != 2 || m.used.Load() != 6 {
		t.Errorf("a run with a resource of its own used it %d times", other.used.Load())
	}
	if err := client.Close(); err == nil || err.Error() != "close resource meter: the meter is stuck" {
		t.Errorf("Close: %v", err)
	}
	if m.closed.Load() != 1 || other.closed.Load() != 0 {
		t.Errorf("closed %d times, and what the test made %d times", m.closed.Load(), other.closed.Load())
	}
}

func result(ctx context.Context, t *testing.T, client *tenon.Client) {
	t.Helper()
	run, err := metered.Run(ctx, client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := run.Result(t.Context()); err != nil || n.Value() != 2 {
		t.Errorf("the result is %v, %v", n, err)
	}
}

// The steps of a whole pipeline can be tested with a resource of the test.
func TestResourceOfATest(t *testing.T) {
	t.Parallel()
	var m meter
	run, err := metered.Run(meters.With(t.Context(), &m), pipelinetest.Open(t), struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil || m.used.Load() != 2 || m.opened.Load() != 0 {
		t.Errorf("used %d times, opened %d times, %v", m.used.Load(), m.opened.Load(), err)
	}
}
