// Penguins trains a classifier that tells three species of penguins apart by four measurements, and writes a report.
//
//	go run ./examples/penguins                     # load, split, scale, train, evaluate, plot, report
//	go run ./examples/penguins                     # again: everything comes from the cache
//	go run ./examples/penguins run --set lr=0.1    # only train and what depends on it runs again
//	go run ./examples/penguins params              # what else can be set
//	go run ./examples/penguins graph               # the steps, and what flows between them
//
// Each file holds one step or two: its input, its output, and a plain function from one to the other.
package main

import (
	_ "embed"
	"errors"
	"math"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

//go:embed penguins.csv
var penguinsCSV []byte

// Params are what can be set from outside: --set lr=0.1.
type Params struct {
	CSV       artifact.Source `doc:"measurements: a file or an https URL"`
	TestShare float64         `doc:"share kept back for the test, between 0 and 1"`
	Seed      uint64          `doc:"seed of the random split"`
	LR        float64         `doc:"learning rate"`
	Epochs    int             `doc:"passes over the training data, 1 to 100000"`
	L2        float64         `doc:"weight of the L2 penalty"`
}

// Validate is called before anything runs.
func (p Params) Validate() error {
	switch {
	case p.CSV.IsZero():
		return errors.New("csv: must name a file or an https URL")
	case !(p.TestShare > 0 && p.TestShare < 1): // also false for NaN
		return errors.New("test_share: must be greater than 0 and less than 1")
	case !(p.LR > 0) || math.IsInf(p.LR, 0):
		return errors.New("lr: must be positive")
	case p.Epochs < 1 || p.Epochs > 100_000:
		return errors.New("epochs: must be 1 to 100000")
	case !(p.L2 >= 0) || math.IsInf(p.L2, 0):
		return errors.New("l2: must not be negative")
	}
	return nil
}

// Results are what the pipeline is for.
type Results struct {
	Accuracy artifact.Ref[float64]
	Model    artifact.Ref[Model]
	Report   artifact.Ref[artifact.File]
}

// Penguins is the pipeline. Each line wires one step. What a step returns the next one takes, and the compiler checks that it fits.
var Penguins = pipeline.Define("penguins", func(p *pipeline.Builder, in Params) Results {
	data := pipeline.Step(p, "load", Load, LoadIn{CSV: in.CSV})
	sets := pipeline.Step(p, "split", Split, SplitIn{Penguins: data.Penguins, TestShare: in.TestShare, Seed: in.Seed})
	scale := pipeline.Step(p, "scale", FitScale, ScaleIn{Train: sets.Train})
	fit := pipeline.Step(p, "train", Train, TrainIn{Train: sets.Train, Scale: scale, LR: in.LR, Epochs: in.Epochs, L2: in.L2})
	score := pipeline.Step(p, "evaluate", Evaluate, EvaluateIn{Model: fit.Model, Test: sets.Test})
	plot := pipeline.Step(p, "plot", Plot, PlotIn{Model: fit.Model, Test: sets.Test, Loss: fit.Loss})
	report := pipeline.Step(p, "report", Report, ReportIn{Quality: data.Quality, Evaluation: score.Evaluation, Plot: plot})
	return Results{Accuracy: score.Accuracy, Model: fit.Model, Report: report}
},
	pipeline.Doc("tells three species of penguins apart by four measurements"),
	pipeline.Defaults(Params{
		CSV:       artifact.FromBytes("penguins.csv", penguinsCSV),
		TestShare: 0.3,
		Seed:      7,
		LR:        0.5,
		Epochs:    400,
		L2:        1e-3,
	}),
)

func main() { tenon.Main(Penguins) }
