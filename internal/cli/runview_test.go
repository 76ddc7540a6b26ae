package cli

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/jsonfloat"
	"github.com/tenon-ml/tenon/metadata"
)

func TestGatheredMetrics(t *testing.T) {
	t.Parallel()
	nan := jsonfloat.Float(math.NaN())
	got := gathered([]metricView{
		{Step: "load", Index: -1, Name: "rows", Last: 7, Min: 7, Max: 7, Points: 1},
		{Step: "score", Index: 0, Name: "loss", Last: 3, Min: 2, Max: 4, Points: 5},
		{Step: "score", Index: 0, Name: "accuracy", Last: nan, Min: nan, Max: nan, Points: 1},
		{Step: "score", Index: 1, Name: "loss", Last: 6, Min: 1, Max: 6, Points: 2},
		{Step: "score", Index: 1, Name: "accuracy", Last: 0.5, Min: 0.5, Max: 0.5, Points: 1},
	})
	want := []metricView{
		{Step: "load", Index: -1, Name: "rows", Last: 7, Min: 7, Max: 7, Points: 1},
		{Step: "score", Index: -1, Name: "loss", Last: 6, Min: 1, Max: 6, Points: 7, elements: 2},
		{Step: "score", Index: -1, Name: "accuracy", Last: 0.5, Min: 0.5, Max: 0.5, Points: 2, elements: 2},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(metricView{}), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPendingSteps(t *testing.T) {
	t.Parallel()
	v := runView{
		Run:   metadata.Run{ID: runID, State: metadata.RunRunning},
		Steps: []stepView{{Step: recorded("train", -1, metadata.StepRunning, 1, 0)}, {Step: recorded("train", 0, metadata.StepRunning, 1, 0)}},
		graph: &graph.Graph{Nodes: nodes("load", "train*", "report")},
	}
	states := func() (all []string) {
		for _, s := range v.withPending() {
			all = append(all, elementName(s.StepKey.Step, s.Index)+" "+string(s.State))
		}
		return all
	}
	if diff := cmp.Diff([]string{"load pending", "train running", "train[0] running", "report pending"}, states()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	v.State = metadata.RunFailed // what is not recorded then will not come
	if diff := cmp.Diff([]string{"train running", "train[0] running"}, states()); diff != "" {
		t.Errorf("of a run that has ended, -want +got:\n%s", diff)
	}
}
