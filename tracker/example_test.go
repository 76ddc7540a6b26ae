package tracker_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/tracker"
)

// memory keeps what it is told. What identifies an entry is its key, which makes repeated calls harmless.
type memory struct {
	mu   sync.Mutex
	runs map[string]*shown
}

type shown struct {
	run     tracker.Run
	metrics map[tracker.Metric]float64 // by step, index, name and seq
	outcome *tracker.Outcome
}

func (*memory) Capabilities() tracker.Capabilities { return tracker.Capabilities{} }

func (m *memory) Start(_ context.Context, run tracker.Run) (tracker.Link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs[run.ID] == nil {
		m.runs[run.ID] = &shown{run: run, metrics: map[tracker.Metric]float64{}}
	}
	return tracker.Link{}, nil
}

func (m *memory) Log(_ context.Context, id string, batch tracker.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	if r == nil {
		return component.Errorf(component.NotFound, "run %s was not started", id)
	}
	for _, metric := range batch.Metrics {
		r.metrics[tracker.Metric{Step: metric.Step, Index: metric.Index, Name: metric.Name, Seq: metric.Seq}] = metric.Value
	}
	return nil
}

func (m *memory) End(_ context.Context, id string, outcome tracker.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	if r == nil {
		return component.Errorf(component.NotFound, "run %s was not started", id)
	}
	r.outcome = &outcome
	return nil
}

func (*memory) Close() error { return nil }

// An implementation of the kind, made into a flavor.
func ExampleTracker() {
	m := &memory{runs: map[string]*shown{}}
	flavor := component.New("memory", tracker.Kind, struct{}{},
		func(context.Context, struct{}, component.Env) (tracker.Tracker, error) { return m, nil })

	ctx := context.Background()
	t, err := component.Open(ctx, flavor, tracker.Kind, flavor.Config(), component.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	loss := tracker.Batch{Metrics: []tracker.Metric{
		{Step: "train", Index: -1, Name: "loss", Seq: 0, Value: 0.5},
		{Step: "train", Index: -1, Name: "loss", Seq: 1, Value: 0.25},
	}}
	for range 2 { // a resumed run repeats itself
		if _, err := t.Start(ctx, tracker.Run{ID: "r1", Pipeline: "penguins"}); err != nil {
			fmt.Println(err)
		}
		if err := t.Log(ctx, "r1", loss); err != nil {
			fmt.Println(err)
		}
	}
	if err := t.End(ctx, "r1", tracker.Outcome{State: tracker.Succeeded}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(m.runs["r1"].run.Pipeline, len(m.runs["r1"].metrics), m.runs["r1"].outcome.State)
	fmt.Println(t.Log(ctx, "r2", loss))
	// Output:
	// penguins 2 succeeded
	// run r2 was not started
}
