package fullhome_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/fullhome"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

const run = "0192e5c4-77aa-7bcd-8123-0123456789ab"

// recorded is a store that holds one run: a step with a stored output, one that takes it, and a version that names it.
func recorded(t *testing.T, state metadata.RunState) metadata.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tenon.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	const out, digest = "0192e5c4-77ab-7000-8000-000000000001", artifact.Digest("sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9")
	made := metadata.StepKey{Run: run, Step: "made", Index: -1}
	taken := metadata.StepKey{Run: run, Step: "taken", Index: -1}
	err = store.Apply(t.Context(), metadata.Batch{
		Create: []metadata.Run{{ID: run, Name: "nightly", Pipeline: "penguins", State: state, Stack: "default", Epoch: 1}},
		Steps: []metadata.Step{
			{StepKey: made, State: metadata.StepSucceeded, CacheKey: "key", Outputs: []metadata.Output{{ID: out, Name: "output", Record: artifact.Record{Digest: digest, Size: 1}}}},
			{StepKey: taken, State: metadata.StepSucceeded, Inputs: []metadata.Input{{Name: "In", Artifact: out, Digest: digest}}},
		},
		Attempts: []metadata.Attempt{
			{ID: "0192e5c4-77ab-7000-8000-000000000002", StepKey: made, Number: 1, State: metadata.StepSucceeded},
			{ID: "0192e5c4-77ab-7000-8000-000000000003", StepKey: taken, Number: 1, State: metadata.StepSucceeded},
		},
		Metrics:  []metadata.Metric{{StepKey: made, Attempt: "0192e5c4-77ab-7000-8000-000000000002", Name: "loss", Value: 1}},
		Versions: []metadata.Version{{Name: "penguins/model", Artifact: out}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func all[Q any, T any](t *testing.T, list func(context.Context, Q) (metadata.Page[T], error), q Q) []T {
	t.Helper()
	page, err := list(t.Context(), q)
	if err != nil || page.Next != "" {
		t.Fatalf("%v, more: %q", err, page.Next)
	}
	return page.Items
}

// Copies are runs of their own: other IDs, earlier times, results and content of their own, and a lineage that is whole.
func TestFill(t *testing.T) {
	t.Parallel()
	store := recorded(t, metadata.RunSucceeded)
	template, err := fullhome.Read(t.Context(), store, run)
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Fill(t.Context(), store, 3); err != nil {
		t.Fatal(err)
	}
	runs := all(t, store.Runs, metadata.RunQuery{})
	if len(runs) != 4 || runs[0].ID != run {
		t.Fatalf("%d runs, the newest is %s: want 4, and the run that was copied", len(runs), runs[0].ID)
	}
	keys, contents := map[string]bool{}, map[artifact.Digest]bool{}
	for _, r := range runs {
		steps := all(t, store.Steps, metadata.StepQuery{Run: r.ID})
		attempts := all(t, store.Attempts, metadata.AttemptQuery{Run: r.ID})
		metrics := all(t, store.Metrics, metadata.MetricQuery{Run: r.ID})
		if len(steps) != 2 || len(attempts) != 2 || len(metrics) != 1 || metrics[0].Attempt != attempts[0].ID {
			t.Fatalf("run %s has %d steps, %d attempts and the metrics %v", r.ID, len(steps), len(attempts), metrics)
		}
		out := steps[0].Outputs[0]
		keys[steps[0].CacheKey], contents[out.Record.Digest] = true, true
		if diff := cmp.Diff([]metadata.Input{{Name: "In", Artifact: out.ID, Digest: out.Record.Digest}}, steps[1].Inputs); diff != "" {
			t.Errorf("the inputs of a copy are not its outputs (-want +got):\n%s", diff)
		}
	}
	if len(keys) != 4 || len(contents) != 4 {
		t.Errorf("%d cache keys and %d contents, want 4 of each", len(keys), len(contents))
	}
	if newest, err := store.Version(t.Context(), "penguins/model", 0); err != nil || newest.Version != 4 {
		t.Errorf("the newest version is %d (%v), want 4", newest.Version, err)
	}
}

func TestReadRefusesWhatGoesOn(t *testing.T) {
	t.Parallel()
	if _, err := fullhome.Read(t.Context(), recorded(t, metadata.RunRunning), run); err == nil {
		t.Error("a run that has not ended was read as a template")
	}
}
