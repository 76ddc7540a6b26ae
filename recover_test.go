package tenon_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/pipeline"
)

// TestRecover: what goes on when a client is closed is finished by the next one, but for what somebody cancelled.
func TestRecover(t *testing.T) {
	t.Parallel()
	config := tenon.Config{Home: t.TempDir()}
	started, again := make(chan struct{}, 2), make(chan struct{})
	slow := pipeline.Define("slow", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "it", func(ctx context.Context, _ struct{}) (artifact.Ref[int], error) {
			started <- struct{}{}
			select {
			case <-again:
				return artifact.New(1), nil
			case <-ctx.Done():
				return artifact.Ref[int]{}, context.Cause(ctx)
			}
		}, struct{}{})
	})
	first := open(t, config)
	cancelled, err := slow.Run(t.Context(), first, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	left, err := slow.Run(t.Context(), first, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	<-started
	cancelled.Cancel()
	_, _ = cancelled.Result(t.Context())
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	second := open(t, config)
	for id, lost := range map[string]bool{cancelled.ID(): false, left.ID(): true} {
		run, err := second.Metadata().Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if run.State != metadata.RunCancelled || run.Lost != lost {
			t.Errorf("run %s is %s, lost: %t, want %t: %s", id, run.State, run.Lost, lost, run.Error)
		}
	}
	close(again)
	events := make(chan pipeline.Event, 1000)
	runs, err := second.Recover(t.Context(), pipeline.ResumeConfig{Observer: func(e pipeline.Event) { events <- e }}, slow)
	if err != nil || len(runs) != 1 || runs[0].ID() != left.ID() {
		t.Fatalf("recovered %v, %v, want run %s", runs, err, left.ID())
	}
	if _, _, err := runs[0].Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if e := <-events; e.Run != left.ID() {
		t.Errorf("the observer is told of %+v", e)
	}
	if runs, err := second.Recover(t.Context(), pipeline.ResumeConfig{}, slow); err != nil || len(runs) != 0 {
		t.Errorf("recovered %v again, %v", runs, err)
	}
}

// TestGone records the end of runs whose program is gone: some were left, and are gone on with; others were cancelled, whether their program came
// to hear of it or not.
func TestGone(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(home, "tenon.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	since := time.Now()
	tests := map[string]struct {
		state  metadata.RunState
		lost   bool
		cancel time.Duration // when it was cancelled, after its driver began; 0 is never
		want   metadata.RunState
		left   bool
	}{
		"killed":                      {state: metadata.RunRunning, want: metadata.RunFailed, left: true},
		"killed while leaving it":     {state: metadata.RunCancelling, lost: true, want: metadata.RunFailed, left: true},
		"killed while cancelling it":  {state: metadata.RunCancelling, want: metadata.RunCancelled},
		"killed before it heard that": {state: metadata.RunRunning, cancel: time.Second, want: metadata.RunCancelled},
		"cancelled and resumed":       {state: metadata.RunRunning, cancel: -time.Second, want: metadata.RunFailed, left: true},
	}
	ids := map[string]string{}
	for name, test := range tests {
		ids[name] = uuid.Must(uuid.NewV7()).String()
		b := metadata.Batch{Create: []metadata.Run{{
			ID: ids[name], Pipeline: "p", State: test.state, Lost: test.lost, Epoch: 1, Driver: metadata.Driver{Session: "gone", Since: since}, Created: since,
		}}}
		if test.cancel != 0 {
			b.Signals = []metadata.Signal{{
				ID: uuid.Must(uuid.NewV7()).String(), Run: ids[name], Kind: metadata.SignalCancel, Created: since.Add(test.cancel),
			}}
		}
		if err := store.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	client := open(t, tenon.Config{Home: home})
	for name, test := range tests {
		run, err := client.Metadata().Run(t.Context(), ids[name])
		if err != nil {
			t.Fatal(err)
		}
		if run.State != test.want || run.Lost != test.left {
			t.Errorf("%s: the run is %s, left: %t, want %s, %t", name, run.State, run.Lost, test.want, test.left)
		}
	}
}
