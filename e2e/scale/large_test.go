package scale_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// wantCounts compares what the run says of its steps with its rows.
func wantCounts(t *testing.T, client *tenon.Client, r metadata.Run, state metadata.StepState, n int) {
	t.Helper()
	want := map[metadata.StepState]int{state: n}
	if diff := cmp.Diff(want, r.Counts); diff != "" {
		t.Errorf("counts of the run (-want +got):\n%s", diff)
	}
	rows, err := client.Metadata().CountSteps(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows of the run (-want +got):\n%s", diff)
	}
}

func TestLongChain(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{})
	for _, state := range []metadata.StepState{metadata.StepSucceeded, metadata.StepCached} {
		out, r := finish(t, client, chain, 5000)
		if out.Value() != 4999 {
			t.Errorf("the last link says %d", out.Value())
		}
		wantCounts(t, client, r, state, 5000)
	}
}

func TestManyElements(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{})
	for _, state := range []metadata.StepState{metadata.StepSucceeded, metadata.StepCached} {
		out, r := finish(t, client, summed, 10_000)
		if want := 10_000 * 10_001 / 2; out.Value() != want {
			t.Errorf("the sum is %d, want %d", out.Value(), want)
		}
		wantCounts(t, client, r, state, 10_002)
	}
}

func TestLargeGraph(t *testing.T) {
	if testing.Short() {
		t.Skip("runs 100,000 steps")
	}
	t.Parallel()
	client := open(t, tenon.Config{})
	n := 100_000
	if raceEnabled {
		n = 10_000
	}
	out, r := finish(t, client, wide, n)
	if got := out.Value(); len(got) != 10 || got[9] != n-1 {
		t.Errorf("the last step was given %v", got)
	}
	wantCounts(t, client, r, metadata.StepSucceeded, n+1)
}

// gate lets those who wait for each other pass together.
type gate struct {
	mu    sync.Mutex
	waits int // who is still to come
	open  chan struct{}
}

func (g *gate) pass(ctx context.Context) error {
	g.mu.Lock()
	if g.waits--; g.waits == 0 {
		close(g.open)
	}
	g.mu.Unlock()
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Steps of many goroutines end in the same instant, again and again: each has its own result, all are recorded, and what follows them starts once.
func TestManyEndAtOnce(t *testing.T) {
	t.Parallel()
	const together, rounds = 32, 20
	client := open(t, tenon.Config{})
	gates := make([]*gate, rounds)
	for i := range gates {
		gates[i] = &gate{waits: together, open: make(chan struct{})}
	}
	type meetIn struct {
		Round, I int
		After    []artifact.Ref[int]
	}
	meet := func(ctx context.Context, in meetIn) (artifact.Ref[int], error) {
		return artifact.New(in.Round*together + in.I), gates[in.Round].pass(ctx)
	}
	p := pipeline.Define("meeting", func(p *pipeline.Builder, _ size) artifact.Ref[[]int] {
		var before, all []artifact.Ref[int]
		for round := range rounds {
			var now []artifact.Ref[int]
			for i := range together {
				now = append(now, pipeline.Step(p, fmt.Sprintf("meet-%d-%d", round, i), meet, meetIn{round, i, before}, step.Config{Resources: step.Resources{CPU: 0.01}}))
			}
			before, all = now, append(all, now...)
		}
		return pipeline.Step(p, "collect", collect, collectIn{all})
	})
	run, err := p.Run(t.Context(), client, size{}, pipeline.RunConfig{Parallel: together})
	if err != nil {
		t.Fatal(err)
	}
	out, err := run.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range out.Value() {
		if v != i {
			t.Fatalf("result %d is %d", i, v)
		}
	}
	r, err := client.Metadata().Run(t.Context(), run.ID())
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, client, r, metadata.StepSucceeded, together*rounds+1)
}
