package metadata_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// temporary returns an empty store, and what ends it.
func temporary(ctx context.Context) (store metadata.Store, done func()) {
	dir, err := os.MkdirTemp("", "metadata")
	if err != nil {
		log.Fatal(err)
	}
	store, err = sqlite.Open(ctx, filepath.Join(dir, "tenon.db"), sqlite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return store, func() {
		store.Close()
		os.RemoveAll(dir)
	}
}

// A run is recorded in batches, and read again in pages.
func Example() {
	ctx := context.Background()
	store, done := temporary(ctx)
	defer done()

	run := metadata.Run{ID: newID(), Name: "nightly", Pipeline: "penguins", State: metadata.RunRunning, Epoch: 1, Created: time.Now()}
	train := metadata.Step{StepKey: metadata.StepKey{Run: run.ID, Step: "train", Index: -1}, State: metadata.StepSucceeded, CacheKey: "c0ffee"}
	model := artifact.Record{Digest: "sha256:7ac1a4ee3b6d9bf5c7b5d36a5ff9f5f5e8aafd2e3b2f0d38a1ca1b6a2d1b2f3c", Codec: "cbor/1", Type: "struct{W []float64}"}
	train.Outputs = []metadata.Output{{ID: newID(), Name: "output", Record: model}}
	err := store.Apply(ctx, metadata.Batch{
		ID: newID(), Create: []metadata.Run{run}, Steps: []metadata.Step{train},
		Versions: []metadata.Version{{Name: "penguins/model", Artifact: train.Outputs[0].ID}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	found, err := store.Lookup(ctx, []string{"c0ffee", "decade"})
	fmt.Println(found["c0ffee"].Step, len(found), err)
	runs, err := store.Runs(ctx, metadata.RunQuery{Pipeline: "penguins", Cursor: metadata.Cursor{Limit: 10}})
	fmt.Println(runs.Items[0].Name, runs.Items[0].State, err)
	version, err := store.Version(ctx, "penguins/model", 0)
	fmt.Println(version.Name, version.Version, err)
	// Output:
	// train 1 <nil>
	// nightly running <nil>
	// penguins/model 1 <nil>
}

func ExampleStepState_CanBecome() {
	fmt.Println(metadata.StepRunning.CanBecome(metadata.StepSucceeded))
	fmt.Println(metadata.StepSucceeded.CanBecome(metadata.StepRunning))
	fmt.Println(metadata.StepFailed.CanBecome(metadata.StepPending)) // a resume
	// Output:
	// true
	// false
	// true
}

func ExampleBatch_Validate() {
	err := metadata.Batch{Steps: []metadata.Step{{StepKey: metadata.StepKey{Run: "r"}, State: metadata.StepReady}}}.Validate()
	fmt.Println(err)
	// Output:
	// metadata: step.step is empty
}

// A driver asks for signals now and then; whoever may write to the store sends them.
func ExampleStore_signals() {
	ctx := context.Background()
	store, done := temporary(ctx)
	defer done()
	run := metadata.Run{ID: newID(), Pipeline: "penguins", State: metadata.RunRunning, Epoch: 1, Created: time.Now()}
	if err := store.Apply(ctx, metadata.Batch{Create: []metadata.Run{run}}); err != nil {
		fmt.Println(err)
		return
	}

	approval := metadata.Signal{ID: newID(), Run: run.ID, Kind: metadata.SignalApprove, Step: "deploy", By: "ann", Created: time.Now()}
	fmt.Println(store.Apply(ctx, metadata.Batch{Signals: []metadata.Signal{approval}}))
	page, err := store.Signals(ctx, metadata.SignalQuery{Run: run.ID})
	for _, s := range page.Items {
		fmt.Println(s.Kind, s.Step, s.By, err)
	}
	// Output:
	// <nil>
	// approve deploy ann <nil>
}

func ExampleCost_Add() {
	first := metadata.Cost{CPU: 2 * time.Second, PeakMemory: 300, Read: 10}
	second := metadata.Cost{CPU: time.Second, PeakMemory: 200, Written: 5}
	fmt.Printf("%+v\n", first.Add(second))
	// Output:
	// {CPU:3s PeakMemory:300 Read:10 Written:5}
}

func ExampleFirstID() {
	fmt.Println(metadata.FirstID(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	// Output:
	// 019b76da-a800
}

// All goes through a listing, however many pages it has.
func ExampleAll() {
	ctx := context.Background()
	store, done := temporary(ctx)
	defer done()
	var b metadata.Batch
	for i, state := range []metadata.RunState{metadata.RunSucceeded, metadata.RunFailed, metadata.RunFailed} {
		b.Create = append(b.Create, metadata.Run{ID: newID(), Name: fmt.Sprintf("nightly-%d", i), Pipeline: "penguins", State: state, Epoch: 1})
	}
	if err := store.Apply(ctx, b); err != nil {
		fmt.Println(err)
		return
	}

	for run, err := range metadata.All(ctx, store.Runs, metadata.RunQuery{States: []metadata.RunState{metadata.RunFailed}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(run.Name)
	}
	// Output:
	// nightly-2
	// nightly-1
}
