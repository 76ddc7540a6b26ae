package engine_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

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
