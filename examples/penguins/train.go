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

// Species are the classes, in the order of the model's scores.
var Species = []string{"Adelie", "Chinstrap", "Gentoo"}

// Model is a softmax regression on standardised measurements.
type Model struct {
	Scale   Scale
	Weights [][]float64 // a row for the bias and one for each measurement, a column for each species
}

// Probabilities returns the probability of each species.
func (m Model) Probabilities(p Penguin) []float64 {
	scores := slices.Clone(m.Weights[0])
	for i, z := range m.Scale.Apply(p.Features()) {
		floats.AddScaled(scores, z, m.Weights[1+i])
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
	Loss  artifact.Ref[[]float64] // mean cross-entropy before each epoch
}

// Train fits the model by gradient descent on all of the training data at once.
func Train(ctx context.Context, in TrainIn) (TrainOut, error) {
	x, y := design(in.Train.Value(), in.Scale.Value())
	_, features := x.Dims()
	weights := mat.NewDense(features, len(Species), nil)
	losses := make([]float64, in.Epochs)
	for epoch := range losses {
		if err := ctx.Err(); err != nil {
			return TrainOut{}, err // the run was cancelled
		}
		loss := descend(weights, x, y, in.LR, in.L2)
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return TrainOut{}, step.Permanent(fmt.Errorf("the loss is %v in epoch %d: choose a learning rate below %g", loss, epoch, in.LR))
		}
		losses[epoch] = loss
		if epoch%20 == 0 || epoch == in.Epochs-1 {
			step.Metric(ctx, "loss", loss)
		}
		step.Progress(ctx, int64(epoch+1), int64(in.Epochs))
	}
	step.Logger(ctx).Info("trained", "epochs", in.Epochs, "loss", losses[in.Epochs-1])
	model := Model{Scale: in.Scale.Value(), Weights: make([][]float64, features)}
	for i := range model.Weights {
		model.Weights[i] = mat.Row(nil, i, weights)
	}
	return TrainOut{Model: artifact.New(model), Loss: artifact.New(losses)}, nil
}

// design returns the standardised measurements after a 1 for the bias, and the true species as a 1 among 0s.
func design(penguins []Penguin, scale Scale) (x, y *mat.Dense) {
	x = mat.NewDense(len(penguins), 1+len(scale.Mean), nil)
	y = mat.NewDense(len(penguins), len(Species), nil)
	for i, p := range penguins {
		x.SetRow(i, append([]float64{1}, scale.Apply(p.Features())...))
		y.Set(i, slices.Index(Species, p.Species), 1)
	}
	return x, y
}

// descend takes one step down the gradient and returns the mean cross-entropy before it. The bias is not penalised.
func descend(weights, x, y *mat.Dense, lr, l2 float64) (loss float64) {
	n, _ := x.Dims()
	var scores, gradient mat.Dense
	scores.Mul(x, weights)
	for i := range n {
		row := scores.RawRowView(i)
		softmax(row)
		loss -= math.Log(floats.Dot(row, y.RawRowView(i))) / float64(n)
	}
	scores.Sub(&scores, y) // what is wrong with the probabilities
	gradient.Mul(x.T(), &scores)
	gradient.Scale(1/float64(n), &gradient)
	slope, at := gradient.RawMatrix().Data, weights.RawMatrix().Data
	floats.AddScaled(slope[len(Species):], l2, at[len(Species):])
	floats.AddScaled(at, -lr, slope)
	return loss
}

// softmax turns scores into probabilities, in place.
func softmax(scores []float64) {
	floats.AddConst(-floats.LogSumExp(scores), scores)
	for i, s := range scores {
		scores[i] = math.Exp(s)
	}
}
