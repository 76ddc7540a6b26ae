// Sweep searches for the best settings of a classifier by cross-validation, and promotes the best one if it is good enough.
//
//	go run ./examples/sweep                                        # 18 settings: train and score each, pick the best, promote it
//	go run ./examples/sweep                                        # again: everything comes from the cache
//	go run ./examples/sweep run --set 'penalties=[0.0001,0.0003]'  # trains for the one penalty that is new
//	go run ./examples/sweep run --set bar=0.995                    # nothing is trained, and nothing is good enough: promote is skipped
//	go run ./examples/sweep params                                 # what else can be set
//	go run ./examples/sweep graph                                  # the steps, and what flows between them
//
// The search is pipeline.Map over a grid of settings, and pipeline.Then for each of them, without waiting for the others; pipeline.Gather makes a
// list of the scores, and pipeline.When makes the last step depend on a value. Each setting is cached for itself: add one, and only that one is
// trained.
//
// A larger grid is better kept in a file:
//
//	go run ./examples/sweep run --config examples/sweep/large.yaml
//
// What to look at next: the report, and one of the settings that were tried.
//
//	go run ./cmd/tenon artifact get LAST/report -o report.html
//	go run ./cmd/tenon run show LAST --elements
//	go run ./cmd/tenon artifact show 'LAST/score[3]'
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

//go:embed penguins.csv
var penguinsCSV []byte

// Params are what can be set from outside: --set bar=0.99.
type Params struct {
	CSV       artifact.Source `doc:"measurements of penguins: a file or an https URL"`
	Degrees   []int           `doc:"degrees of the polynomials to try, each 1 to 4"`
	Penalties []float64       `doc:"weights of the L2 penalty to try"`
	Folds     int             `doc:"parts of the data, each of which is the test of a model trained on the others, 2 to 20"`
	Seed      uint64          `doc:"seed of the random folds"`
	Bar       float64         `doc:"accuracy from which on the best is promoted, 0 to 1"`
}

// Validate is called before anything runs.
func (p Params) Validate() error {
	switch {
	case p.CSV.IsZero():
		return errors.New("csv: must name a file or an https URL")
	case len(p.Degrees) == 0:
		return errors.New("degrees: must hold at least one")
	case len(p.Penalties) == 0:
		return errors.New("penalties: must hold at least one")
	case len(p.Degrees)*len(p.Penalties) > 1000:
		return fmt.Errorf("degrees, penalties: %d settings are more than 1000", len(p.Degrees)*len(p.Penalties))
	case p.Folds < 2 || p.Folds > 20:
		return errors.New("folds: must be 2 to 20")
	case !(p.Bar >= 0 && p.Bar <= 1): // also true for NaN
		return errors.New("bar: must be 0 to 1")
	}
	for i, d := range p.Degrees {
		if d < 1 || d > 4 || slices.Contains(p.Degrees[:i], d) {
			return fmt.Errorf("degrees: %d: want different ones of 1 to 4", d)
		}
	}
	for i, l2 := range p.Penalties {
		if !(l2 > 0) || math.IsInf(l2, 0) || slices.Contains(p.Penalties[:i], l2) {
			return fmt.Errorf("penalties: %v: want different positive numbers", l2)
		}
	}
	return nil
}

// Results are what the pipeline is for.
type Results struct {
	Best     artifact.Ref[Score]
	Promoted artifact.Ref[Model] // skipped if the best is not good enough
	Report   artifact.Ref[artifact.File]
}

// Sweep is the pipeline.
var Sweep = pipeline.Define("sweep", func(p *pipeline.Builder, in Params) Results {
	penguins := pipeline.Step(p, "load", Load, LoadIn{CSV: in.CSV})
	folds := pipeline.Step(p, "deal", Deal, DealIn{Penguins: penguins, Folds: in.Folds, Seed: in.Seed})
	grid := pipeline.Step(p, "grid", Grid, GridIn{Degrees: in.Degrees, Penalties: in.Penalties})

	models := pipeline.Map(p, "train", Train, grid, func(setting artifact.Ref[Setting]) TrainIn {
		return TrainIn{Setting: setting, Penguins: penguins, Folds: folds}
	})
	scores := pipeline.Then(p, "score", Evaluate, models, func(models artifact.Ref[[]Model]) EvaluateIn {
		return EvaluateIn{Models: models, Penguins: penguins, Folds: folds}
	})
	all := pipeline.Gather(scores, func(score artifact.Ref[Score]) artifact.Ref[Score] { return score })

	best := pipeline.Step(p, "best", Best, BestIn{Scores: all, Bar: in.Bar})
	model := pipeline.Step(p, "promote", Promote, PromoteIn{Best: best.Score, Penguins: penguins}, pipeline.When(best.Good))
	plot := pipeline.Step(p, "plot", Plot, PlotIn{Scores: all, Best: best.Score})
	report := pipeline.Step(p, "report", Report, ReportIn{Scores: all, Best: best.Score, Good: best.Good, Plot: plot, Folds: in.Folds, Bar: in.Bar})
	return Results{Best: best.Score, Promoted: model, Report: report}
},
	pipeline.Doc("searches for the best settings of a classifier of penguins"),
	pipeline.Defaults(Params{
		CSV:       artifact.FromBytes("penguins.csv", penguinsCSV),
		Degrees:   []int{1, 2, 3},
		Penalties: []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1},
		Folds:     5,
		Seed:      7,
		Bar:       0.98,
	}),
)

func main() { tenon.Main(Sweep) }
