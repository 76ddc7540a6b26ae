package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// big is content that is too large to travel in a record.
func big(seed int) []byte {
	return bytes.Repeat([]byte{byte(seed), byte(seed >> 8), 'x'}, 4000)
}

type blobIn struct {
	Seed int
	From []artifact.Ref[[]byte]
}

// lines are what a logger was told.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// file returns the path of stored content.
func (r *rig) file(d artifact.Digest) string {
	return filepath.Join(r.dir, "artifacts", "sha256", d.Hex()[:2], d.Hex()[2:])
}

// damages are the ways in which a file is spoiled.
var damages = map[string]func(path string) error{
	"truncated": func(path string) error { return os.Truncate(path, 100) },
	"flipped": func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data[len(data)/2] ^= 1
		if err := os.Remove(path); err != nil { // the store's files may be read-only
			return err
		}
		return os.WriteFile(path, data, 0o644)
	},
	"deleted": os.Remove,
}

// damaged runs a pipeline of large values twice, with the output of a step spoiled in between.
//
//	source ─> middle ─> last (uncached if last is)
func TestDamagedContentIsComputedAgain(t *testing.T) {
	t.Parallel()
	for how, spoil := range damages {
		for _, victims := range [][]string{{"source"}, {"middle"}, {"source", "middle"}} {
			for _, last := range []step.Config{{}, {Cache: step.Never}} {
				name := how + " " + strings.Join(victims, ",") + ", last " + string(last.Cache.Mode)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					testDamage(t, spoil, victims, last)
				})
			}
		}
	}
}

func testDamage(t *testing.T, spoil func(string) error, victims []string, last step.Config) {
	t.Helper()
	var calls counter
	grow := func(name string) func(context.Context, blobIn) (artifact.Ref[[]byte], error) {
		return func(_ context.Context, i blobIn) (artifact.Ref[[]byte], error) {
			calls.add(name)
			out := big(i.Seed)
			for _, f := range i.From {
				out = append(out, f.Value()...)
			}
			return artifact.New(out), nil
		}
	}
	p := pipeline.Define("damage", func(p *pipeline.Builder, _ none) artifact.Ref[[]byte] {
		source := pipeline.Step(p, "source", grow("source"), blobIn{Seed: 1})
		middle := pipeline.Step(p, "middle", grow("middle"), blobIn{Seed: 2, From: []artifact.Ref[[]byte]{source}}, step.Config{Version: "middle"})
		return pipeline.Step(p, "last", grow("last"), blobIn{Seed: 3, From: []artifact.Ref[[]byte]{middle}}, last, step.Config{Version: "last"})
	})
	r := newRig(t)
	var log lines
	r.logger = slog.New(slog.NewTextHandler(&log, nil))
	first := run(t.Context(), r, p, none{})
	first.want(metadata.RunSucceeded)
	want := slices.Concat(big(3), big(2), big(1))
	calls.take()
	for _, v := range victims {
		if err := spoil(r.file(first.step(v).Outputs[0].Record.Digest)); err != nil {
			t.Fatal(err)
		}
	}
	second := run(t.Context(), r, p, none{})
	second.want(metadata.RunSucceeded)
	if got := result[[]byte](second, 0); !bytes.Equal(got, want) {
		t.Errorf("the result has %d bytes, want %d", len(got), len(want))
	}
	// A damaged result that nobody reads need not be computed again; one that is read must be.
	ran := calls.take()
	if slices.Contains(victims, "middle") && last.Cache.Mode == step.CacheNever && ran["middle"] != 1 {
		t.Errorf("middle ran %d times", ran["middle"])
	}
	for name, n := range ran {
		if n > 1 {
			t.Errorf("%s ran %d times", name, n)
		}
	}
	// Whatever was not computed again now is when somebody reads it.
	third := run(t.Context(), r, p, none{})
	third.want(metadata.RunSucceeded)
	if got := result[[]byte](third, 0); !bytes.Equal(got, want) {
		t.Error("the third result is another")
	}
}

// TestDamageNamesTheDigest holds what a person sees of a repair.
func TestDamageNamesTheDigest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var log lines
	r.logger = slog.New(slog.NewTextHandler(&log, nil))
	make1 := func(context.Context, none) (artifact.Ref[[]byte], error) { return artifact.New(big(1)), nil }
	size := func(_ context.Context, in struct{ B artifact.Ref[[]byte] }) (artifact.Ref[int], error) {
		return artifact.New(len(in.B.Value())), nil
	}
	p := pipeline.Define("digest", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		return pipeline.Step(p, "size", size, struct{ B artifact.Ref[[]byte] }{pipeline.Step(p, "make", make1, none{})}, step.Config{Cache: step.Never})
	})
	digest := run(t.Context(), r, p, none{}).step("make").Outputs[0].Record.Digest
	if err := damages["flipped"](r.file(digest)); err != nil {
		t.Fatal(err)
	}
	o := run(t.Context(), r, p, none{})
	o.want(metadata.RunSucceeded, "make", succeeded, "size", succeeded)
	if !strings.Contains(log.String(), string(digest)) {
		t.Errorf("the log does not name %s: %s", digest, log.String())
	}
	at := o.attempts("size", -1)
	if len(at) != 2 || at[0].Reason != "input" || !strings.Contains(at[0].Error, digest.Hex()[:8]) || at[1].State != succeeded {
		t.Errorf("attempts of the reader: %+v", at)
	}
	if st := o.step("make"); st.Origin != nil || st.Attempts != 1 {
		t.Errorf("the step that ran again is recorded as %+v", st)
	}
	run(t.Context(), r, p, none{}).want(metadata.RunSucceeded, "make", metadata.StepCached)
}

// TestDamageThatCannotBeRepaired: what computes the content again fails.
func TestDamageThatCannotBeRepaired(t *testing.T) {
	t.Parallel()
	for _, mode := range []plan.FailureMode{plan.Stop, plan.FailFast, plan.Continue} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.options.OnFailure = mode
			broken := false
			make1 := func(context.Context, none) (artifact.Ref[[]byte], error) {
				if broken {
					return artifact.Ref[[]byte]{}, errBroken
				}
				return artifact.New(big(1)), nil
			}
			size := func(_ context.Context, in struct{ B artifact.Ref[[]byte] }) (artifact.Ref[int], error) {
				return artifact.New(len(in.B.Value())), nil
			}
			p := pipeline.Define("digest", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
				return pipeline.Step(p, "size", size, struct{ B artifact.Ref[[]byte] }{pipeline.Step(p, "make", make1, none{})}, step.Config{Cache: step.Never})
			})
			digest := run(t.Context(), r, p, none{}).step("make").Outputs[0].Record.Digest
			if err := damages["flipped"](r.file(digest)); err != nil {
				t.Fatal(err)
			}
			broken = true
			o := run(t.Context(), r, p, none{})
			o.want(metadata.RunFailed, "make", failed, "size", cancelled)
			if !strings.Contains(o.Run.Error, "step make: its stored result is damaged, and computing it again failed") {
				t.Errorf("the run says %q", o.Run.Error)
			}
			broken = false
			run(t.Context(), r, p, none{}).want(metadata.RunSucceeded, "make", succeeded)
		})
	}
}
