package main

import (
	"math"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
)

// TrainIn is the input of the program that trains: its Refs and Sources are files for it, its other fields arguments.
type TrainIn struct {
	Script artifact.Source // its content is in the cache key: an edited script runs again
	Rows   artifact.Ref[[]Penguin]
	LR     float64
	Epochs int
}

// trainer is the command. Each placeholder is a field of TrainIn, {out} is what the step returns.
func trainer(python string) command.Spec {
	return command.Spec{Args: []string{
		python, "{Script}",
		"--rows", "{Rows:csv}",
		"--model", "{out}",
		"--lr", "{LR}",
		"--epochs", "{Epochs}",
	}}
}

// Model is what the program writes as JSON. A member that is missing, or that has no field here, is an error.
type Model struct {
	Features []string    `json:"features"`
	Mean     []float64   `json:"mean"`
	Std      []float64   `json:"std"`
	Species  []string    `json:"species"`
	Weights  [][]float64 `json:"weights"` // of each species: the bias, and one for each feature
}

// Predict returns the most probable species.
func (m Model) Predict(p Penguin) string {
	best, top := "", math.Inf(-1)
	for i, w := range m.Weights {
		score := w[0]
		for j, x := range p.Features() {
			score += w[1+j] * (x - m.Mean[j]) / m.Std[j]
		}
		if score > top {
			best, top = m.Species[i], score
		}
	}
	return best
}
