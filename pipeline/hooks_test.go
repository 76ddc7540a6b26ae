package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// TestHooksThatAreNil: each is a mistake of the pipeline, found when it is built.
func TestHooksThatAreNil(t *testing.T) {
	t.Parallel()
	one := func(context.Context, struct{}) (artifact.Ref[int], error) { return artifact.New(1), nil }
	problems := func(options []pipeline.Option, opts ...step.Option) (found []string) {
		p := pipeline.Define("p", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
			return pipeline.Step(p, "it", one, struct{}{}, opts...)
		}, options...)
		_, err := p.Graph(struct{}{})
		if e, ok := errors.AsType[*pipeline.Error](err); ok {
			for _, p := range e.Problems {
				found = append(found, fmt.Sprintf("%s: %v", p.Step, p.Err))
			}
		}
		return found
	}
	ofRun := []pipeline.Option{pipeline.OnFailure(nil), pipeline.OnSuccess(), pipeline.OnEnd(hook.Webhook{}, nil)}
	if diff := cmp.Diff([]string{": a hook is nil", ": a hook is nil"}, problems(ofRun)); diff != "" {
		t.Error(diff)
	}
	ofStep := []step.Option{step.OnSuccess(nil), step.OnFailure(), step.OnEnd(hook.Webhook{}, nil)}
	if diff := cmp.Diff([]string{"it: a hook is nil", "it: a hook is nil"}, problems(nil, ofStep...)); diff != "" {
		t.Error(diff)
	}
}
