// Line fits a straight line to noisy points: the smallest whole pipeline.
package main

import (
	"context"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type (
	Points struct{ X, Y []float64 }
	Line   struct{ Intercept, Slope float64 }
)

type SampleIn struct { // exported fields are parameters: recorded, and part of the cache key
	N     int
	Noise float64
}

func Sample(_ context.Context, in SampleIn) (artifact.Ref[Points], error) {
	random := rand.New(rand.NewPCG(1, 2))
	var p Points
	for i := range in.N {
		p.X = append(p.X, float64(i))
		p.Y = append(p.Y, 3+0.5*float64(i)+in.Noise*random.NormFloat64())
	}
	return artifact.New(p), nil
}

type FitIn struct {
	Points artifact.Ref[Points] // a Ref is an edge: what another step returned
}

func Fit(ctx context.Context, in FitIn) (artifact.Ref[Line], error) {
	p := in.Points.Value()
	intercept, slope := stat.LinearRegression(p.X, p.Y, nil, false)
	step.Metric(ctx, "r2", stat.RSquared(p.X, p.Y, nil, intercept, slope))
	return artifact.New(Line{intercept, slope}), nil
}

type Params struct {
	Points int     `doc:"number of points"`
	Noise  float64 `doc:"standard deviation of the noise"`
}

var Pipeline = pipeline.Define("line", func(p *pipeline.Builder, in Params) artifact.Ref[Line] {
	points := pipeline.Step(p, "sample", Sample, SampleIn{N: in.Points, Noise: in.Noise})
	return pipeline.Step(p, "fit", Fit, FitIn{Points: points})
}, pipeline.Defaults(Params{Points: 100, Noise: 1}))

func main() { tenon.Main(Pipeline) }
