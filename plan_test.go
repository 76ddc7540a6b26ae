package tenon_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// A program asks what a run would do, and runs it only if it would do something.
func ExampleClient_Plan() {
	withClient(func(ctx context.Context, client *tenon.Client) error {
		run, err := squares.Run(ctx, client, squaresParams{Count: 2})
		if err != nil {
			return err
		}
		if _, err := run.Result(ctx); err != nil {
			return err
		}
		plan, err := squares.Plan(ctx, client, squaresParams{Count: 3})
		if err != nil {
			return err
		}
		for _, s := range plan.Steps {
			fmt.Printf("%s: %s\n", s.Name, s.Action)
		}
		fmt.Println("something would run:", plan.Runs())
		return nil
	})
	// Output:
	// square0: cached
	// square1: cached
	// square2: run
	// sum: run
	// something would run: true
}

type foldIn struct {
	Fold  int
	Rate  float64
	Score artifact.Ref[float64]
}

func fold(_ context.Context, in foldIn) (artifact.Ref[float64], error) {
	return artifact.New(in.Score.Value() * in.Rate), nil
}

type meanIn struct{ Scores artifact.Ref[[]float64] }

func mean(_ context.Context, in meanIn) (artifact.Ref[float64], error) {
	return artifact.New(slices.Max(in.Scores.Value())), nil
}

type foldsParams struct {
	Scores []float64
	Rate   float64
	Noted  string
}

var folds = pipeline.Define("folds", func(p *pipeline.Builder, ps foldsParams) artifact.Ref[float64] {
	list := pipeline.Step(p, "list", func(_ context.Context, in struct{ Scores []float64 }) (artifact.Ref[[]float64], error) {
		return artifact.New(in.Scores), nil
	}, struct{ Scores []float64 }{ps.Scores})
	scores := pipeline.Map(p, "fold", fold, list, func(score artifact.Ref[float64]) foldIn { return foldIn{Rate: ps.Rate, Score: score} })
	note := pipeline.Step(p, "note", func(_ context.Context, in struct{ Noted string }) (artifact.Ref[bool], error) {
		return artifact.New(in.Noted == "go"), nil
	}, struct{ Noted string }{ps.Noted}, step.Config{Cache: step.Never})
	pipeline.Step(p, "tell", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }, struct{}{}, pipeline.When(note))
	return pipeline.Step(p, "mean", mean, meanIn{pipeline.Gather(scores, func(s artifact.Ref[float64]) artifact.Ref[float64] { return s })})
})

// TestPlan holds what a plan says of changed parameters, mapped steps and values that are not known yet, and that it records nothing.
func TestPlan(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	plan := func(ps foldsParams) pipeline.Plan {
		t.Helper()
		p, err := folds.Plan(t.Context(), client, ps)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := foldsParams{Scores: []float64{1, 2, 3}, Rate: 2}
	if p := plan(first); p.Took != 0 || len(p.Unmeasured) == 0 || p.Count(pipeline.ActionCached) != 0 {
		t.Errorf("before the first run: %+v", p)
	}
	if runs, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{}); err != nil || len(runs.Items) != 0 {
		t.Errorf("a plan has recorded %+v, %v", runs, err)
	}
	run, err := folds.Run(t.Context(), client, first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := first
	second.Rate = 3
	got := plan(second)
	want := []pipeline.PlannedStep{
		{Name: "list", Action: pipeline.ActionCached, From: run.ID()},
		{
			Name: "fold", Action: pipeline.ActionRun, Since: run.ID(), Elements: &pipeline.PlannedElements{Total: 3, Run: []int{0, 1, 2}},
			Changes: []pipeline.PlannedChange{{Kind: "parameter", Name: "Rate", Old: "2", New: "3", Text: "parameter Rate 2 → 3"}},
		},
		{Name: "note", Action: pipeline.ActionRun, Reason: "its cache policy is never"},
		{Name: "tell", Action: pipeline.ActionDepends, Reason: "condition note is not known yet", After: []string{"note"}},
		{Name: "mean", Action: pipeline.ActionDepends, Since: run.ID(), After: []string{"fold"}},
	}
	if diff := cmp.Diff(want, got.Steps, cmpopts.IgnoreFields(pipeline.PlannedStep{}, "Took"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, s := range got.Steps {
		if ran := s.Action == pipeline.ActionRun || s.Name == "mean"; (s.Took > 0) != ran {
			t.Errorf("step %s takes %v", s.Name, s.Took)
		}
	}
	if got.Took < got.Steps[2].Took || got.Took > got.Steps[1].Took+got.Steps[2].Took+got.Steps[4].Took {
		t.Errorf("the run takes %v of %+v", got.Took, got.Steps)
	}
	if len(got.Unmeasured) != 0 {
		t.Errorf("%v ran before", got.Unmeasured)
	}
	third := first
	third.Scores = []float64{1, 2, 4}
	if s := plan(third).Steps[1]; s.Action != pipeline.ActionDepends || s.Elements != nil || !slices.Equal(s.After, []string{"list"}) {
		t.Errorf("the list is not known, and fold is %+v", s)
	}
}

func TestPlanRefused(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	if _, err := folds.Plan(t.Context(), nil, foldsParams{}); err == nil {
		t.Error("a plan without a client")
	}
	if _, err := folds.Plan(t.Context(), client, foldsParams{}, pipeline.RunConfig{Parallel: -1}); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("a bad configuration: %v", err)
	}
	if _, err := folds.Plan(t.Context(), client, foldsParams{}, pipeline.RunConfig{Stack: "none"}); !errors.Is(err, component.ErrNotFound) || !strings.HasPrefix(err.Error(), "plan pipeline folds: ") {
		t.Errorf("a stack that does not exist: %v", err)
	}
	if _, err := folds.Plan(t.Context(), client, foldsParams{}, pipeline.RunConfig{}, pipeline.RunConfig{}); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("two configurations: %v", err)
	}
	if _, err := client.Plan(t.Context(), pipeline.Submission{Pipeline: folds, Resume: "x"}); !errors.Is(err, component.ErrUnsupported) {
		t.Errorf("a run that is resumed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := folds.Plan(ctx, client, foldsParams{}); !errors.Is(err, context.Canceled) {
		t.Errorf("when its context has ended: %v", err)
	}
}
