package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// SplitIn is the input of split. A Ref field is an edge of the graph, any other exported field a parameter.
type SplitIn struct {
	Penguins  artifact.Ref[[]Penguin]
	TestShare float64
	Seed      uint64
}

// SplitOut is what split returns.
type SplitOut struct{ Train, Test artifact.Ref[[]Penguin] }

// Split keeps back the same share of each species for the test, chosen at random by seed.
func Split(ctx context.Context, in SplitIn) (SplitOut, error) {
	random := rand.New(rand.NewPCG(in.Seed, 0))
	var train, test []Penguin
	for _, species := range Species {
		group := ofSpecies(in.Penguins.Value(), species)
		random.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		n := int(in.TestShare * float64(len(group)))
		test, train = append(test, group[:n]...), append(train, group[n:]...)
	}
	if len(test) == 0 || len(train) == 0 {
		return SplitOut{}, fmt.Errorf("a test share of %g leaves %d penguins to train and %d to test", in.TestShare, len(train), len(test))
	}
	step.Metric(ctx, "train", float64(len(train)))
	step.Metric(ctx, "test", float64(len(test)))
	return SplitOut{Train: artifact.New(train), Test: artifact.New(test)}, nil
}

func ofSpecies(penguins []Penguin, species string) []Penguin {
	var group []Penguin
	for _, p := range penguins {
		if p.Species == species {
			group = append(group, p)
		}
	}
	return group
}

// Scale holds the mean and the standard deviation of each measurement.
type Scale struct{ Mean, Std []float64 }

// Apply returns standardised measurements.
func (s Scale) Apply(features []float64) []float64 {
	z := make([]float64, len(features))
	for i, x := range features {
		z[i] = stat.StdScore(x, s.Mean[i], s.Std[i])
	}
	return z
}

// ScaleIn is the input of scale.
type ScaleIn struct{ Train artifact.Ref[[]Penguin] }

// FitScale measures the training data alone, so that nothing of the test leaks into the model.
func FitScale(_ context.Context, in ScaleIn) (artifact.Ref[Scale], error) {
	penguins := in.Train.Value()
	var scale Scale
	for i := range (Penguin{}).Features() {
		values := make([]float64, len(penguins))
		for j, p := range penguins {
			values[j] = p.Features()[i]
		}
		mean, std := stat.MeanStdDev(values, nil)
		if !(std > 0) { // also false for the NaN of a single penguin
			return artifact.Ref[Scale]{}, fmt.Errorf("%s does not differ between the %d penguins", columns[2+i], len(penguins))
		}
		scale.Mean, scale.Std = append(scale.Mean, mean), append(scale.Std, std)
	}
	return artifact.New(scale), nil
}
