package main

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

var _ = flag.Bool("update", false, "write the golden files") // pipelinetest.Golden reads it

// small returns a grid that takes no time.
func small() Params {
	p := Sweep.Params()
	p.Degrees, p.Penalties, p.Folds = []int{1, 2}, []float64{1e-3, 1e-1}, 3
	return p
}

func TestGraph(t *testing.T) {
	t.Parallel()
	pipelinetest.Golden(t, Sweep, Sweep.Params(), "testdata/graph.json")
}

// TestPromoted is one of the two ways that a run may go: the best setting is good enough.
func TestPromoted(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	out, steps := run(t, client, small())
	best, model := out.Best.Value(), out.Promoted.Value()
	if best.Accuracy < 0.98 || model.Setting != (Setting{best.Degree, best.Penalty}) {
		t.Errorf("the best is %+v, the promoted model is of %+v", best, model.Setting)
	}
	penguins, _, err := readPenguins(strings.NewReader(string(penguinsCSV)))
	if err != nil {
		t.Fatal(err)
	}
	if right := recognised(model, penguins); float64(right) < 0.98*float64(len(penguins)) {
		t.Errorf("the promoted model recognises %d of %d penguins", right, len(penguins))
	}
	want := map[string]map[metadata.StepState]int{
		"load": {succeeded: 1}, "deal": {succeeded: 1}, "grid": {succeeded: 1}, "train": {succeeded: 1 + 4}, "score": {succeeded: 1 + 4},
		"best": {succeeded: 1}, "promote": {succeeded: 1}, "plot": {succeeded: 1}, "report": {succeeded: 1},
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("states of the steps and their elements (-want +got):\n%s", diff)
	}
}

// TestNotGoodEnough is the other way: what would promote is skipped, and the run succeeds without it.
func TestNotGoodEnough(t *testing.T) {
	t.Parallel()
	client, params := pipelinetest.Open(t), small()
	run(t, client, params)
	params.Bar = 1
	out, steps := run(t, client, params)
	want := map[string]map[metadata.StepState]int{
		"load": {cached: 1}, "deal": {cached: 1}, "grid": {cached: 1}, "train": {cached: 1 + 4}, "score": {cached: 1 + 4},
		"best": {succeeded: 1}, "promote": {skipped: 1}, "plot": {cached: 1}, "report": {succeeded: 1},
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("states of the steps and their elements (-want +got):\n%s", diff)
	}
	page, err := os.ReadFile(string(out.Report.Value()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "less than the 100.0 % that were asked for: nothing was promoted") {
		t.Error("the report does not say that nothing was promoted")
	}
}

// TestLargerGrid adds one penalty in the middle of the grid, which moves the settings behind it to other places.
func TestLargerGrid(t *testing.T) {
	t.Parallel()
	client, params := pipelinetest.Open(t), small()
	run(t, client, params)
	params.Penalties = []float64{1e-3, 1e-2, 1e-1}
	_, steps := run(t, client, params)
	for _, name := range []string{"train", "score"} {
		// The step itself, and one element for each degree with the new penalty.
		if diff := cmp.Diff(map[metadata.StepState]int{succeeded: 1 + 2, cached: 4}, steps[name]); diff != "" {
			t.Errorf("states of %s and its elements (-want +got):\n%s", name, diff)
		}
	}
	for _, name := range []string{"load", "deal"} {
		if steps[name][cached] != 1 {
			t.Errorf("%s is computed again", name)
		}
	}
	_, steps = run(t, client, params)
	want := map[string]map[metadata.StepState]int{
		"load": {cached: 1}, "deal": {cached: 1}, "grid": {cached: 1}, "train": {cached: 1 + 6}, "score": {cached: 1 + 6},
		"best": {cached: 1}, "promote": {cached: 1}, "plot": {cached: 1}, "report": {cached: 1},
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("states of the steps of the same run again (-want +got):\n%s", diff)
	}
}

const (
	succeeded = metadata.StepSucceeded
	cached    = metadata.StepCached
	skipped   = metadata.StepSkipped
)

// run runs the pipeline and returns, by step, how many of its records are in which state: one of its own, and one for each element.
func run(t *testing.T, client *tenon.Client, params Params) (Results, map[string]map[metadata.StepState]int) {
	t.Helper()
	r, err := Sweep.Run(t.Context(), client, params)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Result(t.Context())
	if err != nil && !errors.Is(err, tenon.ErrSkipped) {
		t.Fatal(err)
	}
	steps := map[string]map[metadata.StepState]int{}
	page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: r.ID()})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range page.Items {
		if steps[s.Step] == nil {
			steps[s.Step] = map[metadata.StepState]int{}
		}
		steps[s.Step][s.State]++
	}
	return out, steps
}
