package tenon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

type manyIDs struct{ IDs []int }

type oneText struct{ Text string }

// What is too large to be recorded is refused before anything is, and the error says what to do.
func TestRunsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{Home: t.TempDir()})
	count := func(_ context.Context, in manyIDs) (artifact.Ref[int], error) { return artifact.New(len(in.IDs)), nil }
	list := pipeline.Define("list", func(p *pipeline.Builder, in manyIDs) artifact.Ref[int] {
		return pipeline.Step(p, "count", count, in)
	})
	length := func(_ context.Context, in oneText) (artifact.Ref[int], error) { return artifact.New(len(in.Text)), nil }
	texts := pipeline.Define("texts", func(p *pipeline.Builder, _ struct{}) struct{} {
		for i := range 70 {
			pipeline.Step(p, fmt.Sprintf("s%d", i), length, oneText{strings.Repeat("x", 1<<20)})
		}
		return struct{}{}
	})
	ids := make([]int, 320_000)
	for i := range ids {
		ids[i] = 1_000_000_000_000 + i
	}
	_, err := list.Run(t.Context(), client, manyIDs{ids})
	wantRefused(t, err, "run pipeline list: ", "parameters", "limit is 4194304", "artifact.Source")
	_, err = texts.Run(t.Context(), client, struct{}{})
	wantRefused(t, err, "run pipeline texts: ", "70 steps", "limit is 67108864", "map")
	page, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{})
	if err != nil || len(page.Items) > 0 {
		t.Errorf("%d runs are recorded (%v)", len(page.Items), err)
	}
	run, err := list.Run(t.Context(), client, manyIDs{ids[:250_000]})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := run.Result(t.Context()); err != nil || n.Value() != 250_000 {
		t.Errorf("a list that fits: %v, %v", n, err)
	}
}

func wantRefused(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !errors.Is(err, component.ErrInvalid) {
		t.Fatalf("error %v, want one with code Invalid", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}
