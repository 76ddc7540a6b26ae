package engine_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// TestDamageHandedOn spoils content that several cached steps have as their output, since each hands on what it got: they are
// computed again in their order, and none waits for one that comes after it.
func TestDamageHandedOn(t *testing.T) {
	t.Parallel()
	type bytesIn struct{ Data artifact.Ref[[]byte] }
	source := func(context.Context, none) (artifact.Ref[[]byte], error) {
		return artifact.New(bytes.Repeat([]byte("tenon"), 3000)), nil
	}
	pass := func(_ context.Context, i bytesIn) (artifact.Ref[[]byte], error) {
		return artifact.New(i.Data.Value()), nil
	}
	size := func(_ context.Context, i bytesIn) (artifact.Ref[int], error) {
		return artifact.New(len(i.Data.Value())), nil
	}
	p := pipeline.Define("handed-on", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		data := pipeline.Step(p, "make", source, none{})
		data = pipeline.Step(p, "pass", pass, bytesIn{data})
		data = pipeline.Step(p, "again", pass, bytesIn{data}, step.Config{Version: "again"})
		return pipeline.Step(p, "size", size, bytesIn{data}, step.Config{Cache: step.Never})
	})
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			first := run(t.Context(), r, p, none{})
			first.want(metadata.RunSucceeded)
			if err := damage(r.file(first.step("make").Outputs[0].Record.Digest)); err != nil {
				t.Fatal(err)
			}
			second := run(t.Context(), r, p, none{})
			second.want(metadata.RunSucceeded, "make", succeeded, "size", succeeded)
			if got := result[int](second, 0); got != 15_000 {
				t.Errorf("the size is %d", got)
			}
		})
	}
}
