package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// EvaluateIn is the input of evaluate.
type EvaluateIn struct {
	Model artifact.Ref[Model] // made by the script
	Test  artifact.Ref[[]Penguin]
}

// Evaluate returns the share of the penguins whose species the model tells.
func Evaluate(ctx context.Context, in EvaluateIn) (artifact.Ref[float64], error) {
	model, test := in.Model.Value(), in.Test.Value()
	if err := model.check(); err != nil {
		return artifact.Ref[float64]{}, step.Permanent(fmt.Errorf("the model is of no use: %w", err))
	}
	if len(test) == 0 {
		return artifact.Ref[float64]{}, step.Permanent(errors.New("there is nothing to test with"))
	}
	right := 0
	for _, p := range test {
		if model.Predict(p) == p.Species {
			right++
		}
	}
	accuracy := float64(right) / float64(len(test))
	step.Metric(ctx, "accuracy", accuracy)
	return artifact.New(accuracy), nil
}

// check reports a model whose parts do not fit each other: its types say nothing of lengths.
func (m Model) check() error {
	n := len(Penguin{}.Features())
	if len(m.Mean) != n || len(m.Std) != n || slices.Contains(m.Std, 0) {
		return fmt.Errorf("it scales %d features by %d means, want %d of each", len(m.Std), len(m.Mean), n)
	}
	if len(m.Weights) != len(m.Species) {
		return fmt.Errorf("it has weights for %d of %d species", len(m.Weights), len(m.Species))
	}
	for i, w := range m.Weights {
		if len(w) != 1+n {
			return fmt.Errorf("it has %d weights for %s, want %d", len(w), m.Species[i], 1+n)
		}
	}
	return nil
}
