package worker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/source"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type made struct {
	Large artifact.Ref[[]byte]
	Small artifact.Ref[string]
	Blob  artifact.Ref[artifact.Blob]
}

type movedIn struct {
	Large artifact.Ref[[]byte]
	Small artifact.Ref[string]
	List  []artifact.Ref[string]
	Blob  artifact.Ref[artifact.Blob]
	CSV   artifact.Source
	Path  artifact.Source
}

const (
	largeSize = 100_000
	blobSize  = 50_000
)

func makeAll(context.Context, noParams) (made, error) {
	return made{
		artifact.New(make([]byte, largeSize)), artifact.New("small"),
		artifact.New(artifact.BlobOf(bytes.Repeat([]byte("b"), blobSize))),
	}, nil
}

// TestTraffic: an attempt reports the bytes that it moved, also those that travel in records; a blob counts as far as it is read.
func TestTraffic(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	csv := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(csv, make([]byte, 7_000), 0o600); err != nil {
		t.Fatal(err)
	}
	var left artifact.Blob
	move := func(ctx context.Context, in movedIn) (artifact.Ref[[]byte], error) {
		var none artifact.Ref[[]byte]
		left = in.Blob.Value()
		r, err := left.Open(ctx)
		if err != nil {
			return none, err
		}
		defer r.Close()
		if _, err := io.CopyN(io.Discard, r, 10_000); err != nil {
			return none, err
		}
		rows, err := in.CSV.Open(ctx)
		if err != nil {
			return none, err
		}
		defer rows.Close()
		if n, err := io.Copy(io.Discard, rows); n != 7_000 || err != nil {
			return none, errors.Join(errors.New("the rows are short"), err)
		}
		if _, err := in.Path.Path(ctx); err != nil {
			return none, err
		}
		var state []byte
		for _, size := range []int{100, 20_000} {
			if err := step.Checkpoint(ctx, make([]byte, size)); err != nil {
				return none, err
			}
			if _, err := step.Restore(ctx, &state); err != nil {
				return none, err
			}
		}
		return artifact.New(make([]byte, 30)), nil
	}
	p := pipeline.Define("moving", func(p *pipeline.Builder, _ noParams) artifact.Ref[[]byte] {
		m := pipeline.Step(p, "make", makeAll, noParams{})
		return pipeline.Step(p, "move", move, movedIn{m.Large, m.Small, []artifact.Ref[string]{m.Small, m.Small}, m.Blob, artifact.From(csv), artifact.From(csv)})
	})
	program, err := p.Build(&noParams{})
	if err != nil {
		t.Fatal(err)
	}
	pinner := &source.Pinner{Store: b.store}
	options := worker.Options{TempDir: b.temp, Sources: func(temp func() (string, error)) ref.Opener {
		return &source.Opener{Pinner: pinner, TempDir: temp}
	}}
	worker.Execute(t.Context(), b.host, program, b.store, options, "a1")
	first := b.host.reports[0]
	if first.Failure != nil || first.Read != 0 || first.Written != largeSize+int64(len("small"))+blobSize {
		t.Errorf("the first step reports %d and %d: %+v", first.Read, first.Written, first.Failure)
	}

	b.host.assignment.Node, b.host.reports = 1, nil
	for _, in := range program.Graph.Nodes[1].Inputs {
		for i, out := range program.Graph.Nodes[0].Outputs {
			if in.From.Output == out.Name {
				b.host.assignment.Inputs = append(b.host.assignment.Inputs, first.Outputs[i])
			}
		}
	}
	for _, s := range program.Bindings[1].Sources {
		pin, err := pinner.Pin(t.Context(), s.Slot)
		if err != nil {
			t.Fatal(err)
		}
		b.host.assignment.Pins = append(b.host.assignment.Pins, pin)
	}
	worker.Execute(t.Context(), b.host, program, b.store, options, "a1")
	second := b.host.reports[0]
	const inline = 3 * int64(len("small"))
	read := largeSize + inline + 2*7_000 + 100 + 20_000
	// A blob is read in buffers: what was read ahead counts.
	if blob := second.Read - read; second.Failure != nil || blob < 10_000 || blob > blobSize {
		t.Errorf("the second step read %d bytes, of them %d of its blob: %+v", second.Read, blob, second.Failure)
	}
	if second.Written != 100+20_000+30 {
		t.Errorf("the second step wrote %d bytes", second.Written)
	}
	if r, err := left.Open(t.Context()); err == nil { // what is read after the end is no longer reported, and does no harm
		_, err = io.Copy(io.Discard, r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Error(err)
		}
	} else {
		t.Error(err)
	}
}
