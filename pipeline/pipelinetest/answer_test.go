package pipelinetest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

type reviewIn struct {
	Mean  artifact.Ref[float64]
	Where string
}

// reviewed waits for a person if there is something to look at.
var reviewed = pipeline.Define("reviewed", func(p *pipeline.Builder, in params) artifact.Ref[pipeline.Approval] {
	m := pipeline.Step(p, "mean", mean, meanIn{in.Rows})
	ok := pipeline.Step(p, "good", good, goodIn{m, true})
	return pipeline.Wait(p, "review", "Deploy this mean?", reviewIn{m, "production"}, pipeline.When(ok))
})

func TestAnswers(t *testing.T) {
	t.Parallel()
	before := time.Now()
	a := pipelinetest.Run(t, reviewed, params{Rows: []float64{1, 2}}, pipelinetest.Approve("review", "ada", "fine"))
	got := a.Value()
	if got.By != "ada" || got.Note != "fine" || got.At.Before(before.Truncate(time.Microsecond)) || got.At.After(time.Now()) || got.At.Location() != time.UTC {
		t.Errorf("the approval is %+v", got)
	}
	_, err := pipelinetest.Try(t, reviewed, params{Rows: []float64{1, 2}}, pipelinetest.Reject("review", "bob", ""))
	if err == nil || !strings.Contains(err.Error(), "step review: rejected by bob") {
		t.Errorf("rejected: %v", err)
	}
}

// A step that is skipped asks nobody.
func TestAnswerThatIsNotNeeded(t *testing.T) {
	t.Parallel()
	_, err := pipelinetest.Try(t, reviewed, params{Rows: []float64{-1}}, pipelinetest.Approve("review", "ada", ""))
	if !errors.Is(err, pipeline.ErrSkipped) {
		t.Errorf("the error is %v", err)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	_, err := pipelinetest.Try(t, reviewed, params{Rows: []float64{1}})
	if !errors.Is(err, component.ErrCanceled) || !errors.Is(err, context.Canceled) ||
		!strings.Contains(err.Error(), "step review waits for an answer: give one with pipelinetest.Approve or pipelinetest.Reject") {
		t.Errorf("the error is %v", err)
	}
}

func TestAnswersThatAreMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []tenon.Part
		want    string
	}{
		"no step":     {[]tenon.Part{pipelinetest.Approve("revue", "ada", "")}, `pipeline reviewed has no step "revue" that waits: name one that pipeline.Wait wired`},
		"it runs":     {[]tenon.Part{pipelinetest.Reject("mean", "ada", "")}, `pipeline reviewed has no step "mean" that waits: name one that pipeline.Wait wired`},
		"two answers": {[]tenon.Part{pipelinetest.Approve("review", "ada", ""), pipelinetest.Reject("review", "bob", "")}, "step review is answered twice: give one answer"},
	} {
		rec := record(func(t testing.TB) { pipelinetest.Run(t, reviewed, params{Rows: []float64{1}}, test.answers...) })
		if !rec.stopped || len(rec.failures) != 1 || rec.failures[0] != test.want {
			t.Errorf("%s: stopped %v, %q", name, rec.stopped, rec.failures)
		}
	}
}
