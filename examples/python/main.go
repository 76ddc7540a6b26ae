// Python trains a model with a Python script, between steps in Go: load and evaluate are functions, train is a program.
//
//	go run ./examples/python                                           # load, train in Python, evaluate
//	go run ./examples/python                                           # again: everything comes from the cache
//	go run ./examples/python run --set lr=0.1                          # train and evaluate run again
//	go run ./examples/python run --set script=examples/python/train.py # the script from the disk: edit it, and run this again
//
// It needs python3 in PATH, and nothing but Python's standard library.
package main

import (
	_ "embed"
	"errors"
	"math"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/pipeline"
)

var (
	//go:embed penguins.csv
	penguinsCSV []byte
	//go:embed train.py
	trainPy []byte
)

// Params are what can be set from outside: --set lr=0.1.
type Params struct {
	CSV    artifact.Source `doc:"measurements"`
	Script artifact.Source `doc:"the program that trains"`
	Python string          `doc:"the interpreter that runs it: a name in PATH, or a path"`
	LR     float64         `doc:"learning rate"`
	Epochs int             `doc:"passes over the training data"`
}

// Validate is called before anything runs.
func (p Params) Validate() error {
	switch {
	case p.Python == "":
		return errors.New("python: must name an interpreter")
	case !(p.LR > 0) || math.IsInf(p.LR, 0):
		return errors.New("lr: must be positive")
	case p.Epochs < 1 || p.Epochs > 10_000:
		return errors.New("epochs: must be 1 to 10000")
	}
	return nil
}

// Results are what the pipeline is for.
type Results struct {
	Accuracy artifact.Ref[float64]
	Model    artifact.Ref[Model]
}

// Pipeline is the pipeline.
var Pipeline = pipeline.Define("python", func(p *pipeline.Builder, in Params) Results {
	data := pipeline.Step(p, "load", Load, LoadIn{CSV: in.CSV})
	model := pipeline.Step(p, "train", command.Run[artifact.Ref[Model]], command.With(trainer(in.Python), TrainIn{
		Script: in.Script, Rows: data.Train, LR: in.LR, Epochs: in.Epochs,
	}))
	accuracy := pipeline.Step(p, "evaluate", Evaluate, EvaluateIn{Model: model, Test: data.Test})
	return Results{Accuracy: accuracy, Model: model}
},
	pipeline.Doc("tells three species of penguins apart, with a model that a Python script trains"),
	pipeline.Defaults(Params{
		CSV:    artifact.FromBytes("penguins.csv", penguinsCSV),
		Script: artifact.FromBytes("train.py", trainPy),
		Python: "python3",
		LR:     0.5,
		Epochs: 200,
	}),
)

func main() { tenon.Main(Pipeline) }
