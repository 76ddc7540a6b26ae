package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// GridIn is the input of grid.
type GridIn struct {
	Degrees   []int
	Penalties []float64
}

// Grid returns every degree with every penalty.
func Grid(_ context.Context, in GridIn) (artifact.Ref[[]Setting], error) {
	var all []Setting
	for _, degree := range in.Degrees {
		for _, penalty := range in.Penalties {
			all = append(all, Setting{degree, penalty})
		}
	}
	return artifact.New(all), nil
}

// TrainIn is the input of train for one element of the grid.
type TrainIn struct {
	Setting  artifact.Ref[Setting]
	Penguins artifact.Ref[[]Penguin]
	Folds    artifact.Ref[[]int]
}

// Train trains a model for each fold, on the penguins of all others.
func Train(ctx context.Context, in TrainIn) (artifact.Ref[[]Model], error) {
	penguins, folds := in.Penguins.Value(), in.Folds.Value()
	models := make([]Model, slices.Max(folds)+1)
	for fold := range models {
		var others []Penguin
		for i, p := range penguins {
			if folds[i] != fold {
				others = append(others, p)
			}
		}
		m, err := fit(ctx, others, in.Setting.Value())
		if err != nil {
			return artifact.Ref[[]Model]{}, fmt.Errorf("fold %d: %w", fold, err)
		}
		models[fold] = m
		step.Progress(ctx, int64(fold+1), int64(len(models)))
	}
	return artifact.New(models), nil
}

// Score says how well a setting does on penguins that its models have not seen.
type Score struct {
	Degree   int
	Penalty  float64
	Loss     float64 // cross-entropy, mean of the folds; that of guessing is ln 3
	Error    float64 // standard error of that mean
	Accuracy float64 // 0 to 1
}

// EvaluateIn is the input of score for one element of the grid.
type EvaluateIn struct {
	Models   artifact.Ref[[]Model]
	Penguins artifact.Ref[[]Penguin]
	Folds    artifact.Ref[[]int]
}

// Evaluate lets each penguin be judged by the model that was not trained on it.
func Evaluate(ctx context.Context, in EvaluateIn) (artifact.Ref[Score], error) {
	models, folds := in.Models.Value(), in.Folds.Value()
	losses, sizes := make([]float64, len(models)), make([]float64, len(models))
	correct := 0
	for i, p := range in.Penguins.Value() {
		fold := folds[i]
		log := models[fold].LogProbabilities(p)
		losses[fold] -= log[p.Species]
		sizes[fold]++
		if floats.MaxIdx(log) == p.Species {
			correct++
		}
	}
	floats.Div(losses, sizes)
	mean, std := stat.MeanStdDev(losses, nil)
	score := Score{
		Degree: models[0].Setting.Degree, Penalty: models[0].Setting.Penalty,
		Loss: mean, Error: stat.StdErr(std, float64(len(losses))), Accuracy: float64(correct) / float64(len(folds)),
	}
	if math.IsNaN(score.Loss) || math.IsInf(score.Loss, 0) {
		return artifact.Ref[Score]{}, step.Permanent(fmt.Errorf("the loss is %v", score.Loss))
	}
	step.Metric(ctx, "loss", score.Loss)
	step.Metric(ctx, "accuracy", score.Accuracy)
	return artifact.New(score), nil
}

// BestIn is the input of best.
type BestIn struct {
	Scores artifact.Ref[[]Score]
	Bar    float64
}

// BestOut is what best returns.
type BestOut struct {
	Score artifact.Ref[Score]
	Good  artifact.Ref[bool] // its accuracy reaches the bar
}

// Best picks the setting of the least loss; of equals the simplest. Being the best of many, it is flattered a little by its own score.
func Best(ctx context.Context, in BestIn) (BestOut, error) {
	best := ranked(in.Scores.Value())[0]
	good := best.Accuracy >= in.Bar
	step.Logger(ctx).Info("found", "degree", best.Degree, "penalty", best.Penalty, "loss", best.Loss, "accuracy", best.Accuracy, "good", good)
	return BestOut{Score: artifact.New(best), Good: artifact.New(good)}, nil
}

// ranked returns the scores from the best to the worst.
func ranked(scores []Score) []Score {
	return slices.SortedFunc(slices.Values(scores), func(a, b Score) int {
		return cmp.Or(cmp.Compare(a.Loss, b.Loss), cmp.Compare(a.Degree, b.Degree), cmp.Compare(b.Penalty, a.Penalty))
	})
}

// PromoteIn is the input of promote.
type PromoteIn struct {
	Best     artifact.Ref[Score]
	Penguins artifact.Ref[[]Penguin]
}

// Promote trains the model that is meant to be used: with the best setting, on all penguins.
func Promote(ctx context.Context, in PromoteIn) (artifact.Ref[Model], error) {
	best := in.Best.Value()
	m, err := fit(ctx, in.Penguins.Value(), Setting{best.Degree, best.Penalty})
	if err != nil {
		return artifact.Ref[Model]{}, err
	}
	step.Logger(ctx).Info("promoted", "degree", best.Degree, "penalty", best.Penalty, "weights", len(m.Weights)*len(Species))
	return artifact.New(m), nil
}
