package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat"
)

// Setting is one point of the grid.
type Setting struct {
	Degree  int     // of the polynomial of the measurements
	Penalty float64 // weight of the L2 penalty
}

// Model is a softmax regression on a polynomial of standardised measurements.
type Model struct {
	Setting Setting
	Mean    []float64   // of each measurement
	Std     []float64   // of each measurement
	Weights [][]float64 // a row for each term of the polynomial, a column for each species
}

// LogProbabilities returns the logarithm of the probability of each species.
func (m Model) LogProbabilities(p Penguin) []float64 {
	scores := make([]float64, len(Species))
	for i, x := range m.terms(p) {
		floats.AddScaled(scores, x, m.Weights[i])
	}
	floats.AddConst(-floats.LogSumExp(scores), scores)
	return scores
}

// terms returns those of the polynomial: 1, then all products of one measurement, of two, and so on up to the degree.
func (m Model) terms(p Penguin) []float64 {
	z := p.Features()
	for i := range z {
		z[i] = stat.StdScore(z[i], m.Mean[i], m.Std[i])
	}
	terms := []float64{1}
	last := []product{{value: 1}}
	for range m.Setting.Degree {
		var next []product
		for _, p := range last {
			for i := p.from; i < len(z); i++ {
				next = append(next, product{value: p.value * z[i], from: i})
				terms = append(terms, p.value*z[i])
			}
		}
		last = next
	}
	return terms
}

// product is one of measurements, to be continued with that of index from or a later one, so that none comes twice.
type product struct {
	value float64
	from  int
}

// fit trains a model until it hardly gets better.
func fit(ctx context.Context, penguins []Penguin, s Setting) (Model, error) {
	m := Model{Setting: s}
	if err := m.measure(penguins); err != nil {
		return Model{}, err
	}
	x, y := m.design(penguins)
	_, terms := x.Dims()
	problem := optimize.Problem{
		Func:   func(w []float64) float64 { return objective(w, nil, x, y, s.Penalty) },
		Grad:   func(slope, w []float64) { objective(w, slope, x, y, s.Penalty) },
		Status: func() (optimize.Status, error) { return optimize.NotTerminated, ctx.Err() }, // the run may be cancelled
	}
	settings := &optimize.Settings{GradientThreshold: 1e-5}
	result, err := optimize.Minimize(problem, make([]float64, terms*len(Species)), settings, &optimize.LBFGS{})
	if err != nil {
		return Model{}, fmt.Errorf("train with degree %d and penalty %g: %w", s.Degree, s.Penalty, err)
	}
	m.Weights = slices.Collect(slices.Chunk(result.X, len(Species)))
	return m, nil
}

// measure sets mean and standard deviation.
func (m *Model) measure(penguins []Penguin) error {
	for i := range (Penguin{}).Features() {
		values := make([]float64, len(penguins))
		for j, p := range penguins {
			values[j] = p.Features()[i]
		}
		mean, std := stat.MeanStdDev(values, nil)
		if !(std > 0) { // also true for the NaN of a single penguin
			return fmt.Errorf("%s does not differ between the %d penguins", columns[2+i], len(penguins))
		}
		m.Mean, m.Std = append(m.Mean, mean), append(m.Std, std)
	}
	return nil
}

// design returns the terms of each penguin, and its species as a 1 among 0s.
func (m *Model) design(penguins []Penguin) (x, y *mat.Dense) {
	y = mat.NewDense(len(penguins), len(Species), nil)
	for i, p := range penguins {
		terms := m.terms(p)
		if x == nil {
			x = mat.NewDense(len(penguins), len(terms), nil)
		}
		x.SetRow(i, terms)
		y.Set(i, p.Species, 1)
	}
	return x, y
}

// objective returns the mean cross-entropy of the weights with the penalty, and sets slope, if it is not nil, to its gradient. The weights of the
// first term, which is 1, are not penalised.
func objective(w, slope []float64, x, y *mat.Dense, penalty float64) float64 {
	n, terms := x.Dims()
	k := len(Species)
	var p mat.Dense
	p.Mul(x, mat.NewDense(terms, k, w))
	loss := penalty / 2 * floats.Dot(w[k:], w[k:])
	for i := range n {
		row := p.RawRowView(i)
		floats.AddConst(-floats.LogSumExp(row), row)
		loss -= floats.Dot(row, y.RawRowView(i)) / float64(n)
		for j := range row {
			row[j] = math.Exp(row[j])
		}
	}
	if slope == nil {
		return loss
	}
	p.Sub(&p, y) // what is wrong with the probabilities
	gradient := mat.NewDense(terms, k, slope)
	gradient.Mul(x.T(), &p)
	gradient.Scale(1/float64(n), gradient)
	floats.AddScaled(slope[k:], penalty, w[k:])
	return loss
}
