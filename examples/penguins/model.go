package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Species are the classes, in the order of the model's outputs.
var Species = []string{"Adelie", "Chinstrap", "Gentoo"}

// Model is a softmax regression on standardised measurements.
type Model struct {
	Scale   Scale
	Weights [][]float64 // one row for the bias and one for each measurement, one column for each species
}

// Probabilities returns the probability of each species.
func (m Model) Probabilities(p Penguin) []float64 {
	scores := slices.Clone(m.Weights[0])
	for i, x := range m.Scale.Apply(p.Features()) {
		floats.AddScaled(scores, x, m.Weights[i+1])
	}
	softmax(scores)
	return scores
}

// Predict returns the most probable species.
func (m Model) Predict(p Penguin) string { return Species[floats.MaxIdx(m.Probabilities(p))] }

// TrainIn is the input of train.
type TrainIn struct {
	Train  artifact.Ref[[]Penguin]
	Scale  artifact.Ref[Scale]
	LR     float64
	Epochs int
	L2     float64
}

// TrainOut is what train returns.
type TrainOut struct {
	Model artifact.Ref[Model]
	Loss  artifact.Ref[[]float64] // cross-entropy before each epoch
}

// Train fits the model by gradient descent on all of the training data at once.
func Train(ctx context.Context, in TrainIn) (TrainOut, error) {
	x, y := design(in.Train.Value(), in.Scale.Value())
	n, features := x.Dims()
	weights := mat.NewDense(features, len(Species), nil)
	var scores, gradient mat.Dense
	var losses []float64
	for epoch := range in.Epochs {
		if err := ctx.Err(); err != nil {
			return TrainOut{}, err
		}
		scores.Mul(x, weights)
		loss := 0.0
		for i := range n {
			row := scores.RawRowView(i)
			softmax(row)
			loss -= math.Log(floats.Dot(row, y.RawRowView(i)))
		}
		losses = append(losses, loss/float64(n))
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return TrainOut{}, step.Permanent(fmt.Errorf("the loss is %v in epoch %d: choose a learning rate smaller than %g", loss, epoch, in.LR))
		}
		scores.Sub(&scores, y)
		gradient.Mul(x.T(), &scores)
		gradient.Scale(1/float64(n), &gradient)
		floats.AddScaled(gradient.RawMatrix().Data, in.L2, weights.RawMatrix().Data)
		floats.AddScaled(weights.RawMatrix().Data, -in.LR, gradient.RawMatrix().Data)
		step.Progress(ctx, int64(epoch+1), int64(in.Epochs))
	}
	step.Metric(ctx, "loss", losses[len(losses)-1])
	step.Logger(ctx).Info("trained", "epochs", in.Epochs, "loss", losses[len(losses)-1])
	model := Model{Scale: in.Scale.Value(), Weights: make([][]float64, features)}
	for i := range model.Weights {
		model.Weights[i] = slices.Clone(weights.RawRowView(i))
	}
	return TrainOut{artifact.New(model), artifact.New(losses)}, nil
}

// design returns the standardised measurements with a leading 1 for the bias, and the species as 0s and a 1.
func design(rows []Penguin, scale Scale) (x, y *mat.Dense) {
	x = mat.NewDense(len(rows), 1+len(scale.Mean), nil)
	y = mat.NewDense(len(rows), len(Species), nil)
	for i, p := range rows {
		x.SetRow(i, append([]float64{1}, scale.Apply(p.Features())...))
		y.Set(i, slices.Index(Species, p.Species), 1)
	}
	return x, y
}

// softmax turns scores into probabilities, in place.
func softmax(scores []float64) {
	floats.AddConst(-floats.LogSumExp(scores), scores)
	for i, s := range scores {
		scores[i] = math.Exp(s)
	}
}

// Evaluation is how well the model does on penguins that it has not seen.
type Evaluation struct {
	Tested    int
	Correct   int
	Accuracy  float64
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

// Evaluate compares predictions with the truth.
func Evaluate(ctx context.Context, in EvaluateIn) (EvaluateOut, error) {
	model, rows := in.Model.Value(), in.Test.Value()
	e := Evaluation{Tested: len(rows), Confusion: make([][]int, len(Species))}
	for i := range e.Confusion {
		e.Confusion[i] = make([]int, len(Species))
	}
	for _, p := range rows {
		truth, guess := slices.Index(Species, p.Species), slices.Index(Species, model.Predict(p))
		e.Confusion[truth][guess]++
		if truth == guess {
			e.Correct++
		}
	}
	e.Accuracy = float64(e.Correct) / float64(e.Tested)
	step.Metric(ctx, "accuracy", e.Accuracy)
	return EvaluateOut{artifact.New(e.Accuracy), artifact.New(e)}, nil
}
