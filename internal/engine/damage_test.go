package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
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

// TestDamagedList holds the same for a list that is split.
func TestDamagedList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var calls counter
	list := func(context.Context, none) (artifact.Ref[[]int], error) {
		calls.add("list")
		out := make([]int, 2000)
		for i := range out {
			out[i] = i * 1_000_003
		}
		return artifact.New(out), nil
	}
	p := pipeline.Define("list", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		l := pipeline.Step(p, "list", list, none{})
		m := pipeline.Map(p, "each", one, l, itemOf)
		return pipeline.Step(p, "total", addUp, listOf{pipeline.Gather(m, same)})
	})
	first := run(t.Context(), r, p, none{})
	rec := first.step("list").Outputs[0].Record
	if rec.Inline != nil {
		t.Fatal("the list travels in its record, so that it cannot be damaged")
	}
	if err := damages["flipped"](r.file(rec.Digest)); err != nil {
		t.Fatal(err)
	}
	second := run(t.Context(), r, p, none{})
	second.want(metadata.RunSucceeded, "list", succeeded, "each", metadata.StepCached, "total", metadata.StepCached)
	if result[int](second, 0) != result[int](first, 0) || calls.take()["list"] != 2 {
		t.Error("the list was not computed again")
	}
}

// TestDamagedElements spoils many elements of a cached map at once, which several steps read.
func TestDamagedElements(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var calls counter
	grow := func(_ context.Context, i item) (artifact.Ref[[]byte], error) {
		calls.add("grow")
		return artifact.New(big(i.Item.Value())), nil
	}
	type bytesItem struct{ Item artifact.Ref[[]byte] }
	size := func(_ context.Context, i bytesItem) (artifact.Ref[int], error) {
		return artifact.New(len(i.Item.Value())), nil
	}
	sizes := func(_ context.Context, i struct{ All artifact.Ref[[][]byte] }) (artifact.Ref[int], error) {
		n := 0
		for _, b := range i.All.Value() {
			n += len(b)
		}
		return artifact.New(n), nil
	}
	never := step.Config{Cache: step.Never}
	p := pipeline.Define("elements", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		l := pipeline.Step(p, "list", numbers, struct{ N int }{20})
		m := pipeline.Map(p, "grow", grow, l, itemOf)
		each := pipeline.Then(p, "size", size, m, func(b artifact.Ref[[]byte]) bytesItem { return bytesItem{b} }, never)
		all := pipeline.Gather(m, func(b artifact.Ref[[]byte]) artifact.Ref[[]byte] { return b })
		a := pipeline.Step(p, "sizes", sizes, struct{ All artifact.Ref[[][]byte] }{all}, never)
		b := pipeline.Step(p, "total", addUp, listOf{pipeline.Gather(each, same)}, never)
		return pipeline.Step(p, "both", sum, in{From: refs(a, b)}, never)
	})
	first := run(t.Context(), r, p, none{})
	first.want(metadata.RunSucceeded)
	calls.take()
	for i := range 20 {
		if i%2 == 0 {
			if err := damages["flipped"](r.file(first.element("grow", i).Outputs[0].Record.Digest)); err != nil {
				t.Fatal(err)
			}
		}
	}
	second := run(t.Context(), r, p, none{})
	second.want(metadata.RunSucceeded, "grow", succeeded, "size", succeeded, "sizes", succeeded)
	if got, want := result[int](second, 0), result[int](first, 0); got != want || want != 2*20*12000+1 {
		t.Errorf("the result is %d, want %d", got, want)
	}
	if n := calls.take()["grow"]; n != 10 {
		t.Errorf("%d elements were computed again, want 10", n)
	}
}

// TestDamagedStreams: tables and blobs are read by the step itself, which finds the damage.
func TestDamagedStreams(t *testing.T) {
	t.Parallel()
	type row struct{ N int64 }
	type streams struct {
		Blob  artifact.Ref[artifact.Blob]
		Table artifact.Ref[artifact.Table[row]]
	}
	for _, victim := range []string{"Blob", "Table"} {
		t.Run(victim, func(t *testing.T) {
			t.Parallel()
			makes := func(context.Context, none) (streams, error) {
				rows := make([]row, 5000)
				for i := range rows {
					rows[i].N = int64(i) * 1_000_003
				}
				return streams{artifact.New(artifact.BlobOf(big(1))), artifact.New(artifact.TableOf(rows))}, nil
			}
			reads := func(ctx context.Context, s streams) (artifact.Ref[int], error) {
				r, err := s.Blob.Value().Open(ctx)
				if err != nil {
					return artifact.Ref[int]{}, err
				}
				defer r.Close()
				n, err := io.Copy(io.Discard, r)
				if err != nil {
					return artifact.Ref[int]{}, fmt.Errorf("read the blob: %w", err)
				}
				rows, err := s.Table.Value().Collect(ctx)
				return artifact.New(int(n) + len(rows)), err
			}
			p := pipeline.Define("streams", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
				return pipeline.Step(p, "reads", reads, pipeline.Step(p, "makes", makes, none{}), step.Config{Cache: step.Never})
			})
			r := newRig(t)
			first := run(t.Context(), r, p, none{})
			first.want(metadata.RunSucceeded)
			for _, o := range first.step("makes").Outputs {
				if o.Name == victim {
					if err := damages["flipped"](r.file(o.Record.Digest)); err != nil {
						t.Fatal(err)
					}
				}
			}
			second := run(t.Context(), r, p, none{})
			second.want(metadata.RunSucceeded, "makes", succeeded, "reads", succeeded)
			if got := result[int](second, 0); got != 12000+5000 {
				t.Errorf("the result is %d", got)
			}
		})
	}
}

// TestSuspicionWithoutDamage: a step that says "corrupt" of something else fails as any other.
func TestSuspicionWithoutDamage(t *testing.T) {
	t.Parallel()
	reads := act(func(context.Context, string, []int) (int, error) {
		return 0, component.Errorf(component.Corrupt, "the disk of another")
	})
	o := run(t.Context(), newRig(t), single(reads, step.Config{Retry: step.Retry{Attempts: 2, Backoff: 1}}), none{})
	o.want(metadata.RunFailed, "it", failed)
	if got := len(o.attempts("it", -1)); got != 2 || o.step("it").Error != "the disk of another" {
		t.Errorf("%d attempts, %s", got, o.step("it").Error)
	}
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
