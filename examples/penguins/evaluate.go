package main

import (
	"context"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Evaluation says how well the model does on penguins that it has not seen.
type Evaluation struct {
	Tested    int
	Correct   int
	Accuracy  float64 // 0 to 1
	Confusion [][]int // penguins by true species (rows) and predicted species (columns)
}

// Percent returns the accuracy in percent.
func (e Evaluation) Percent() float64 { return 100 * e.Accuracy }

// EvaluateIn is the input of evaluate.
type EvaluateIn struct {
	Model artifact.Ref[Model]
	Test  artifact.Ref[[]Penguin]
}

// EvaluateOut is what evaluate returns.
type EvaluateOut struct {
	Accuracy   artifact.Ref[float64]
	Evaluation artifact.Ref[Evaluation]
}

// Evaluate compares what the model predicts with the truth.
func Evaluate(ctx context.Context, in EvaluateIn) (EvaluateOut, error) {
	model, penguins := in.Model.Value(), in.Test.Value()
	e := Evaluation{Tested: len(penguins), Confusion: make([][]int, len(Species))}
	for i := range e.Confusion {
		e.Confusion[i] = make([]int, len(Species))
	}
	for _, p := range penguins {
		truth, guess := slices.Index(Species, p.Species), slices.Index(Species, model.Predict(p))
		e.Confusion[truth][guess]++
		if truth == guess {
			e.Correct++
		}
	}
	e.Accuracy = float64(e.Correct) / float64(e.Tested)
	step.Metric(ctx, "accuracy", e.Accuracy)
	step.Logger(ctx).Info("evaluated", "tested", e.Tested, "correct", e.Correct)
	return EvaluateOut{Accuracy: artifact.New(e.Accuracy), Evaluation: artifact.New(e)}, nil
}
