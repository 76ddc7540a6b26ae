package tenon_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/pipeline"
)

// stubborn refuses the first result that it is to record.
type stubborn struct {
	metadata.Store
	refused atomic.Bool
}

var errStubborn = errors.New("not today")

func (s *stubborn) Apply(ctx context.Context, b metadata.Batch) error {
	for _, st := range b.Steps {
		if len(st.Outputs) > 0 && s.refused.CompareAndSwap(false, true) {
			return component.Errorf(component.FailedPrecondition, "record: %w", errStubborn)
		}
	}
	return s.Store.Apply(ctx, b)
}

// A run that cannot be recorded does not seem to go on: it has failed, and can be resumed by the process that drove it.
func TestRunIsLeft(t *testing.T) {
	t.Parallel()
	meta, err := sqlite.Open(t.Context(), t.TempDir()+"/tenon.db", sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { meta.Close() })
	client := open(t, tenon.Config{Home: t.TempDir(), Metadata: &stubborn{Store: meta}})
	one := pipeline.Define("one", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "it", func(context.Context, struct{}) (artifact.Ref[int], error) { return artifact.New(1), nil }, struct{}{})
	})
	run, err := one.Run(t.Context(), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); !errors.Is(err, errStubborn) {
		t.Fatalf("result: %v, want %v", err, errStubborn)
	}
	recorded, err := meta.Run(t.Context(), run.ID())
	if err != nil || recorded.State != metadata.RunFailed || !recorded.Lost || !strings.Contains(recorded.Error, errStubborn.Error()) {
		t.Fatalf("the run is recorded as %s, lost: %t, %q (%v)", recorded.State, recorded.Lost, recorded.Error, err)
	}
	run, err = one.Resume(t.Context(), client, run.ID())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run.Result(t.Context()); err != nil || out.Value() != 1 {
		t.Errorf("resumed: %v", err)
	}
}

// full refuses everything from the first result on, until it is freed.
type full struct {
	metadata.Store
	reached, freed atomic.Bool
}

func (s *full) Apply(ctx context.Context, b metadata.Batch) error {
	for _, st := range b.Steps {
		if len(st.Outputs) > 0 {
			s.reached.Store(true)
		}
	}
	if s.reached.Load() && !s.freed.Load() {
		return component.Errorf(component.Exhausted, "record: %w", errStubborn)
	}
	return s.Store.Apply(ctx, b)
}

// The end of a run that cannot be recorded either is recorded as soon as it can be, also when nobody asks; until then nobody takes the run for one
// that goes on, in the process that drove it.
func TestRunIsLeftLater(t *testing.T) {
	t.Parallel()
	one := pipeline.Define("one", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "it", func(context.Context, struct{}) (artifact.Ref[int], error) { return artifact.New(1), nil }, struct{}{})
	})
	for _, resume := range []bool{true, false} {
		meta, err := sqlite.Open(t.Context(), t.TempDir()+"/tenon.db", sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { meta.Close() })
		store := &full{Store: meta}
		client := open(t, tenon.Config{Home: t.TempDir(), Metadata: store})
		run, err := one.Run(t.Context(), client, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Result(t.Context()); !errors.Is(err, tenon.ErrExhausted) {
			t.Fatalf("result: %v, want an error with code exhausted", err)
		}
		if recorded, err := meta.Run(t.Context(), run.ID()); err != nil || recorded.State.Ended() {
			t.Fatalf("the run is recorded as %s (%v)", recorded.State, err)
		}
		store.freed.Store(true)
		if resume {
			if run, err = one.Resume(t.Context(), client, run.ID()); err != nil {
				t.Fatal(err)
			}
			if out, err := run.Result(t.Context()); err != nil || out.Value() != 1 {
				t.Errorf("resumed: %v", err)
			}
			continue
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ended := false; !ended; <-tick.C {
			recorded, err := meta.Run(t.Context(), run.ID())
			if err != nil {
				t.Fatal(err)
			}
			ended = recorded.State == metadata.RunFailed && recorded.Lost
		}
	}
}
