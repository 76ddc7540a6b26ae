// Program is a pipeline of three steps, one of which needs a helper of another package.
package main

import (
	"context"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"

	"example.com/explained/features"
)

// Params of the pipeline.
type Params struct {
	LR float64
}

// Fits is the pipeline.
var Fits = pipeline.Define("fits", func(p *pipeline.Builder, in Params) artifact.Ref[float64] {
	rows := pipeline.Step(p, "load", Load, LoadIn{Rows: 3})
	model := pipeline.Step(p, "fit", Fit, FitIn{Rows: rows, LR: in.LR})
	return pipeline.Step(p, "score", Score, ScoreIn{Model: model})
}, pipeline.Defaults(Params{LR: 0.1}))

// LoadIn is the input of Load.
type LoadIn struct{ Rows int }

// Load makes rows.
func Load(_ context.Context, in LoadIn) (artifact.Ref[[]float64], error) {
	return artifact.New(make([]float64, in.Rows)), nil
}

// FitIn is the input of Fit.
type FitIn struct {
	Rows artifact.Ref[[]float64]
	LR   float64
}

// Fit fits.
func Fit(_ context.Context, in FitIn) (artifact.Ref[float64], error) {
	return artifact.New(in.LR * features.Scale(len(in.Rows.Value()))), nil
}

// ScoreIn is the input of Score.
type ScoreIn struct{ Model artifact.Ref[float64] }

// Score scores.
func Score(_ context.Context, in ScoreIn) (artifact.Ref[float64], error) {
	return artifact.New(1 - in.Model.Value()), nil
}

func main() { tenon.Main(Fits) }
