package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type (
	training struct {
		Epoch   int
		Weights []float64
		Best    *float64
	}
	sameTraining training // names of types do not matter
	otherState   struct{ Epoch string }
	noResult     = artifact.Ref[int]
)

// saved returns the checkpoints that the host was told of.
func (h *host) saved() []artifact.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	var records []artifact.Record
	for _, b := range h.beats {
		if b.Checkpoint != nil {
			records = append(records, *b.Checkpoint)
		}
	}
	return records
}

// attempt runs one attempt of a step, which goes on from what the one before saved last.
func (b *bench) attempt(fn func(context.Context) error) worker.Report {
	b.t.Helper()
	if saved := b.host.saved(); len(saved) > 0 {
		b.host.assignment.Checkpoint = &saved[len(saved)-1]
	}
	b.host.reports = nil
	r, _ := b.execute(b.t.Context(), func(ctx context.Context, _ noParams) (noResult, error) { return artifact.New(1), fn(ctx) })
	return r
}

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	best := math.Inf(1)
	want := training{Epoch: 7, Weights: []float64{1, math.Copysign(0, -1)}, Best: &best}
	r := b.attempt(func(ctx context.Context) error {
		var none training
		if found, err := step.Restore(ctx, &none); found || err != nil || none.Weights != nil {
			t.Errorf("before anything was saved: %v, %v, %+v", found, err, none)
		}
		state := training{Epoch: 6}
		if err := step.Checkpoint(ctx, state); err != nil {
			return err
		}
		state = want
		state.Weights = append([]float64{}, want.Weights...)
		if err := step.Checkpoint(ctx, &state); err != nil {
			return err
		}
		state.Weights[0] = 100 // it is the step's again
		var own training
		if found, err := step.Restore(ctx, &own); !found || err != nil || cmp.Diff(want, own) != "" {
			t.Errorf("what the attempt saved itself: %v, %v, %+v", found, err, own)
		}
		return errors.New("boom")
	})
	if r.Failure == nil || r.Failure.Message != "boom" {
		t.Fatalf("the report is %+v", r)
	}
	saved := b.host.saved()
	if len(saved) != 2 || saved[1].Inline == nil || !strings.Contains(saved[1].Preview, `"Epoch":7`) && !strings.Contains(saved[1].Preview, `"Epoch": 7`) {
		t.Errorf("saved %+v", saved)
	}
	for _, beat := range b.host.beats {
		if beat.Done != -1 || beat.Total != -1 || beat.Attempt != "a1" {
			t.Errorf("a checkpoint says more than that: %+v", beat)
		}
	}
	r = b.attempt(func(ctx context.Context) error {
		var state sameTraining
		if found, err := step.Restore(ctx, &state); !found || err != nil || cmp.Diff(want, training(state)) != "" {
			t.Errorf("what the attempt before saved: %v, %v, %+v", found, err, state)
		}
		var deep **training
		if found, err := step.Restore(ctx, &deep); !found || err != nil || cmp.Diff(want, **deep) != "" {
			t.Errorf("behind pointers: %v, %v, %+v", found, err, deep)
		}
		return nil
	})
	if r.Failure != nil {
		t.Errorf("the report is %+v", r)
	}
}

// TestCheckpointMismatch: another type is a clear error, not a zero value.
func TestCheckpointMismatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.attempt(func(ctx context.Context) error {
		if err := step.Checkpoint(ctx, training{Epoch: 1}); err != nil {
			return err
		}
		state := otherState{"before"}
		found, err := step.Restore(ctx, &state)
		const want = "restore the checkpoint: a value of type struct{Epoch int; Weights []float64; Best *float64} was saved, " +
			"which does not fit one of type struct{Epoch string}"
		if found || err == nil || err.Error() != want || !errors.Is(err, component.ErrInvalid) || state.Epoch != "before" {
			t.Errorf("found %v, %v", found, err)
		}
		return err
	})
	if r.Failure == nil || !r.Failure.Permanent {
		t.Errorf("another attempt cannot help, but the report is %+v", r.Failure)
	}
}

func TestCheckpointBadValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attempt(func(ctx context.Context) error {
		var nilPointer *training
		for name, c := range map[string]struct {
			v    any
			says string
		}{
			"nil":         {nil, "checkpoint: the value is nil"},
			"nil pointer": {nilPointer, "checkpoint: the value is nil"},
			"channel":     {make(chan int), "checkpoint: "},
			"field":       {struct{ F func() }{}, "checkpoint: "},
			"a Ref":       {artifact.New(1), "checkpoint: "},
		} {
			err := step.Checkpoint(ctx, c.v)
			if err == nil || !strings.HasPrefix(err.Error(), c.says) || !errors.Is(err, component.ErrInvalid) || !step.IsPermanent(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := step.Checkpoint(ctx, 1); err != nil {
			t.Error(err)
		}
		for name, target := range map[string]any{"nil": nil, "a value": 1, "nil pointer": nilPointer} {
			_, err := step.Restore(ctx, target)
			if err == nil || err.Error() != "restore the checkpoint: the target is no pointer to a variable: pass the address of one" || !errors.Is(err, component.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var refused chan int
		if _, err := step.Restore(ctx, &refused); !errors.Is(err, component.ErrInvalid) {
			t.Errorf("into a channel: %v", err)
		}
		return nil
	})
	if n := len(b.host.saved()); n != 1 {
		t.Errorf("%d checkpoints", n)
	}
}

// TestLargeCheckpoints: what is large, and files, are in the artifact store.
func TestLargeCheckpoints(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	weights := make([]float64, 10_000)
	weights[9_999] = 1
	b.attempt(func(ctx context.Context) error { return step.Checkpoint(ctx, weights) })
	b.attempt(func(ctx context.Context) error {
		var got []float64
		if found, err := step.Restore(ctx, &got); !found || err != nil || cmp.Diff(weights, got) != "" {
			t.Errorf("found %v, %v", found, err)
		}
		dir, err := step.TempDir(ctx)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, "model.bin")
		if err := os.WriteFile(file, []byte("model"), 0o600); err != nil {
			return err
		}
		return step.Checkpoint(ctx, artifact.File(file))
	})
	b.attempt(func(ctx context.Context) error {
		var file artifact.File
		found, err := step.Restore(ctx, &file)
		if content, readErr := os.ReadFile(string(file)); !found || err != nil || string(content) != "model" || filepath.Base(string(file)) != "model.bin" {
			t.Errorf("found %v, %v: %s holds %q, %v", found, err, file, content, readErr)
		}
		return nil
	})
	saved := b.host.saved()
	if saved[0].Inline != nil || saved[0].Size < 80_000 {
		t.Errorf("the weights are %+v", saved[0])
	}
	if err := b.store.Delete(t.Context(), saved[0].Digest); err != nil {
		t.Fatal(err)
	}
	b.host.beats = nil
	b.host.assignment.Checkpoint = &saved[0]
	b.attempt(func(ctx context.Context) error {
		got := []float64{1}
		found, err := step.Restore(ctx, &got)
		if found || !errors.Is(err, component.ErrNotFound) || len(got) != 1 {
			t.Errorf("a checkpoint without content: %v, %v, %v", found, err, got)
		}
		return nil
	})
}

// TestCheckpointIsRecordedWhenItReturns: the step waits for the host, and is told of its refusal.
func TestCheckpointIsRecordedWhenItReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.host.beaten = func(worker.Beat) { time.Sleep(time.Second) }
		b.attempt(func(ctx context.Context) error {
			begin := time.Now()
			if err := step.Checkpoint(ctx, 1); err != nil || time.Since(begin) != time.Second {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
			return nil
		})
		b.host.refuse = component.Errorf(component.FailedPrecondition, "attempt a1 is over")
		b.attempt(func(ctx context.Context) error {
			err := step.Checkpoint(ctx, 2)
			if !errors.Is(err, component.ErrFailedPrecondition) || err.Error() != "checkpoint: record it: attempt a1 is over" {
				t.Errorf("refused: %v", err)
			}
			var got int
			if found, err := step.Restore(ctx, &got); !found || err != nil || got != 1 {
				t.Errorf("what was not recorded was restored: %v, %v, %d", found, err, got)
			}
			return nil
		})
	})
}

// TestCheckpointOfAStoppedStep: where a step is when it is asked to stop can still be saved, until it is forced.
func TestCheckpointOfAStoppedStep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeout time.Duration
		forced  bool
	}{"stopped": {0, false}, "timed out": {time.Second, false}, "forced": {0, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				stop := make(chan struct{})
				b.host.assignment.Stop, b.host.assignment.Config.Timeout = stop, c.timeout
				if c.timeout == 0 {
					close(stop)
				}
				forced, force := context.WithCancel(t.Context())
				defer force()
				b.execute(forced, func(ctx context.Context, _ noParams) (noResult, error) {
					<-ctx.Done()
					if c.forced {
						force()
					}
					err := step.Checkpoint(ctx, bytes.Repeat([]byte("state"), 10_000))
					if c.forced != errors.Is(err, context.Canceled) {
						t.Errorf("the error is %v", err)
					}
					return noResult{}, ctx.Err()
				})
				if saved := len(b.host.saved()); saved != 1 && !c.forced {
					t.Errorf("%d checkpoints", saved)
				}
			})
		})
	}
}

// TestCheckpointWithAContextOfTheStep: a step may bound the time that it spends on saving.
func TestCheckpointWithAContextOfTheStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		r := b.attempt(func(ctx context.Context) error {
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			err := step.Checkpoint(short, slow{})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v", err)
			}
			return ctx.Err()
		})
		if r.Failure != nil || len(b.host.saved()) != 0 {
			t.Errorf("the report is %+v", r)
		}
	})
}

// slow takes a minute to be written.
type slow struct{}

func (slow) MarshalText() ([]byte, error) {
	time.Sleep(time.Minute)
	return []byte("slow"), nil
}

func (*slow) UnmarshalText([]byte) error { return nil }

// TestCheckpointAfterTheEnd: what a step left behind cannot save any more.
func TestCheckpointAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var left context.Context
	b.attempt(func(ctx context.Context) error {
		left = ctx //nolint:fatcontext // of a goroutine that the step leaves behind
		return step.Checkpoint(ctx, 1)
	})
	if err := step.Checkpoint(left, 2); !errors.Is(err, component.ErrFailedPrecondition) || err.Error() != "checkpoint: the attempt has ended" {
		t.Errorf("the error is %v", err)
	}
	if n := len(b.host.saved()); n != 1 {
		t.Errorf("%d checkpoints", n)
	}
}

// celsius has no codec but that of the pipeline.
type celsius struct{ degrees float64 }

// TestCheckpointWithACodecOfThePipeline: also within another type.
func TestCheckpointWithACodecOfThePipeline(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options = []pipeline.Option{pipeline.Codecs(artifact.Codec[celsius]{
		Name: "test/celsius", Version: 1,
		Encode: func(w io.Writer, v celsius) error { return json.NewEncoder(w).Encode(v.degrees) },
		Decode: func(r io.Reader) (v celsius, err error) {
			err = json.NewDecoder(r).Decode(&v.degrees)
			return v, err
		},
	})}
	type state struct{ Oven celsius }
	for _, v := range []any{celsius{180}, state{celsius{180}}} {
		r := b.attempt(func(ctx context.Context) error { return step.Checkpoint(ctx, v) })
		if r.Failure != nil {
			t.Errorf("%T: %+v", v, r.Failure)
		}
		b.attempt(func(ctx context.Context) error {
			var bare celsius
			var within state
			target := any(&within)
			if _, ok := v.(celsius); ok {
				target = &bare
			}
			if found, err := step.Restore(ctx, target); !found || err != nil || bare.degrees+within.Oven.degrees != 180 {
				t.Errorf("%T: %v, %v, %v, %v", v, found, err, bare, within)
			}
			return nil
		})
	}
}
