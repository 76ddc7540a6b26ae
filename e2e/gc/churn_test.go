// Package gc_test collects garbage beside programs that put, find and delete all the time, in one process and in several.
package gc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

const role = "TENON_E2E_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		goleak.VerifyTestMain(m)
	case "churn":
		tenon.Main(churn)
	case "tenon":
		tenon.Main()
	}
}

func open(t *testing.T, home string) *tenon.Client {
	t.Helper()
	client, err := tenon.Open(t.Context(), tenon.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// Churn makes contents that are too large for a record, and that runs of near seeds share: some that the cache finds again, elements of a list
// that is split, and some that are computed and put each time.

type seed struct{ Seed int }

// noise is the content of a name.
func noise(kind string, n, size int) []byte {
	var s [32]byte
	copy(s[:], fmt.Sprint(kind, n))
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(s).Read(b)
	return b
}

func makeBlob(_ context.Context, in seed) (artifact.Ref[[]byte], error) {
	return artifact.New(noise("blob", in.Seed, 8<<10)), nil
}

type item struct{ Data []byte }

func makeList(_ context.Context, in seed) (artifact.Ref[[]item], error) {
	items := make([]item, 3)
	for i := range items {
		items[i].Data = noise("item", in.Seed+i, 5<<10)
	}
	return artifact.New(items), nil
}

type itemIn struct{ Item artifact.Ref[item] }

func invert(_ context.Context, in itemIn) (artifact.Ref[[]byte], error) {
	data := bytes.Clone(in.Item.Value().Data)
	for i := range data {
		data[i] ^= 0xff
	}
	return artifact.New(data), nil
}

type joinIn struct {
	Blob  artifact.Ref[[]byte]
	Items artifact.Ref[[][]byte]
}

func join(_ context.Context, in joinIn) (artifact.Ref[[]byte], error) {
	return artifact.New(append(bytes.Clone(in.Blob.Value()), bytes.Join(in.Items.Value(), nil)...)), nil
}

var churn = pipeline.Define("churn", func(p *pipeline.Builder, in seed) artifact.Ref[[]byte] {
	blob := pipeline.Step(p, "blob", makeBlob, seed{in.Seed % 3})
	list := pipeline.Step(p, "list", makeList, in)
	inverted := pipeline.Map(p, "invert", invert, list, func(i artifact.Ref[item]) itemIn { return itemIn{i} })
	return pipeline.Step(p, "join", join, joinIn{blob, pipeline.Gather(inverted, func(r artifact.Ref[[]byte]) artifact.Ref[[]byte] { return r })}, step.Config{Cache: step.Never})
})

// joined is the result for a seed.
func joined(n int) []byte {
	b := noise("blob", n%3, 8<<10)
	for i := range 3 {
		inverted := noise("item", n+i, 5<<10)
		for k := range inverted {
			inverted[k] ^= 0xff
		}
		b = append(b, inverted...)
	}
	return b
}

// runs returns the runs in some states.
func runs(ctx context.Context, store metadata.Store, states ...metadata.RunState) (all []metadata.Run, err error) {
	q := metadata.RunQuery{States: states, Cursor: metadata.Cursor{Limit: 1000}}
	for more := true; more; more = q.After != "" {
		page, err := store.Runs(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		q.After = page.Next
	}
	return all, nil
}

// verify reads the bytes of everything that is recorded: of outputs, results of runs and logs. It returns how much that is.
func verify(t *testing.T, client *tenon.Client) (contents int) {
	t.Helper()
	ctx, store := t.Context(), client.Metadata()
	arts, err := client.Artifacts(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, d artifact.Digest) {
		t.Helper()
		contents++
		r, err := arts.Open(ctx, d)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			r.Close()
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	var record func(what string, r artifact.Record)
	record = func(what string, r artifact.Record) {
		for _, e := range r.Elements {
			record(what, e)
		}
		if r.Inline == nil && r.Codec != artifact.GatherCodec {
			check(what, r.Digest)
		}
	}
	all, err := runs(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		run, err := store.Run(ctx, r.ID)
		if errors.Is(err, tenon.ErrNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, out := range run.Outputs {
			record("result "+name+" of run "+r.ID, out)
		}
		steps, err := store.Steps(ctx, metadata.StepQuery{Run: r.ID, Cursor: metadata.Cursor{Limit: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		attempts, err := store.Attempts(ctx, metadata.AttemptQuery{Run: r.ID, Cursor: metadata.Cursor{Limit: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range attempts.Items {
			for _, chunk := range a.Logs {
				if chunk.Digest != "" {
					check("log of step "+a.Step+" of run "+r.ID, chunk.Digest)
				}
			}
		}
		for _, s := range steps.Items {
			for _, o := range s.Outputs {
				if !o.Pruned {
					record(fmt.Sprintf("output of step %s[%d] of run %s (%s)", s.Step, s.Index, r.ID, s.State), o.Record)
				}
			}
		}
	}
	return contents
}
