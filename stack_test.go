package tenon_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	orchestratorlocal "github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// A run on a stack that the program composed is resumed on it, and not on a stored one of the same name.
func TestResumeOnAComposedStack(t *testing.T) {
	t.Parallel()
	own, err := stack.Open(t.Context(), stack.Default(), []component.Flavor{artifactlocal.Flavor, orchestratorlocal.Flavor}, component.Env{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.Close() })
	client := open(t, tenon.Config{Home: t.TempDir(), Stack: own})
	type textIn struct{ Text artifact.Ref[string] }
	var tried atomic.Bool
	p := pipeline.Define("long", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		long := pipeline.Step(p, "write", func(context.Context, struct{}) (artifact.Ref[string], error) {
			return artifact.New(strings.Repeat("x", 10_000)), nil // too long for its record
		}, struct{}{})
		return pipeline.Step(p, "count", func(_ context.Context, in textIn) (artifact.Ref[int], error) {
			if !tried.Swap(true) {
				return artifact.Ref[int]{}, errBroken
			}
			return artifact.New(len(in.Text.Value())), nil
		}, textIn{long})
	})
	run, err := p.Run(t.Context(), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); !errors.Is(err, errBroken) {
		t.Fatalf("the first driver: %v", err)
	}
	run, err = p.Resume(t.Context(), client, run.ID())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run.Result(t.Context()); err != nil || out.Value() != 10_000 {
		t.Errorf("resumed: %v", err)
	}
}
