package main

import (
	"flag"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

var _ = flag.Bool("update", false, "write the golden files") // pipelinetest.Golden reads it

func TestGraph(t *testing.T) {
	t.Parallel()
	pipelinetest.Golden(t, Penguins, Penguins.Params(), "testdata/graph.json")
}

func TestPenguins(t *testing.T) {
	t.Parallel()
	out := pipelinetest.Run(t, Penguins, Penguins.Params())
	if got := out.Accuracy.Value(); got < 0.95 {
		t.Errorf("accuracy is %.3f, want 0.95 or better", got)
	}
}

func TestSecondRunIsCached(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	first, second := run(t, client, Penguins.Params()), run(t, client, Penguins.Params())
	for name, step := range second {
		if step.State != metadata.StepCached {
			t.Errorf("step %s of the second run is %s, want cached", name, step.State)
		}
	}
	slower := Penguins.Params()
	slower.LR /= 2
	for name, step := range run(t, client, slower) {
		want := metadata.StepCached
		switch name {
		case "train", "evaluate", "plot", "report":
			want = metadata.StepSucceeded
		}
		if step.State != want {
			t.Errorf("with another learning rate step %s is %s, want %s", name, step.State, want)
		}
	}
	if len(first) != 7 {
		t.Errorf("the run has %d steps, want 7", len(first))
	}
}

// TestDeterministic compares runs in homes of their own, where nothing comes from the cache.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	params := Penguins.Params()
	first, second := digests(t, params), digests(t, params)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second run has other digests (-first +second):\n%s", diff)
	}
	params.Seed++
	if third := digests(t, params); third["split.Test"] == first["split.Test"] {
		t.Error("another seed gives the same split")
	}
}

// run runs the pipeline and returns its steps by name.
func run(t *testing.T, client *tenon.Client, params Params) map[string]metadata.Step {
	t.Helper()
	r, err := Penguins.Run(t.Context(), client, params)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: r.ID()})
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]metadata.Step{}
	for _, s := range page.Items {
		steps[s.Step] = s
	}
	return steps
}

// digests runs the pipeline in a new home and returns the digest of every output.
func digests(t *testing.T, params Params) map[string]artifact.Digest {
	t.Helper()
	all := map[string]artifact.Digest{}
	for name, step := range run(t, pipelinetest.Open(t), params) {
		for _, output := range step.Outputs {
			all[name+"."+output.Name] = output.Record.Digest
		}
	}
	return all
}

func TestParams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		want   string
		change func(*Params)
	}{
		{"", func(*Params) {}},
		{"csv: must name a file or an https URL", func(p *Params) { *p = Params{} }},
		{"test_share: must be greater than 0 and less than 1", func(p *Params) { p.TestShare = 1 }},
		{"test_share: must be greater than 0 and less than 1", func(p *Params) { p.TestShare = math.NaN() }},
		{"lr: must be positive", func(p *Params) { p.LR = 0 }},
		{"lr: must be positive", func(p *Params) { p.LR = math.NaN() }},
		{"epochs: must be 1 to 100000", func(p *Params) { p.Epochs = 0 }},
		{"l2: must not be negative", func(p *Params) { p.L2 = -1 }},
	} {
		p := Penguins.Params()
		test.change(&p)
		got := ""
		if err := p.Validate(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: error %q, want %q", p, got, test.want)
		}
	}
}
