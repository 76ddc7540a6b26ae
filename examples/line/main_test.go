package main

import (
	"context"
	"flag"
	"math"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

var _ = flag.Bool("update", false, "write the golden files") // pipelinetest.Golden reads it

// A step is a function: call it.
func TestFit(t *testing.T) {
	t.Parallel()
	out, err := Fit(t.Context(), FitIn{Points: artifact.New(Points{X: []float64{0, 1, 2}, Y: []float64{5, 7, 9}})})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Value(); math.Abs(got.Intercept-5) > 1e-9 || math.Abs(got.Slope-2) > 1e-9 {
		t.Errorf("got %+v, want 5 + 2x", got)
	}
}

// A whole pipeline runs in a temporary home.
func TestPipeline(t *testing.T) {
	t.Parallel()
	line := pipelinetest.Run(t, Pipeline, Params{Points: 50, Noise: 0}).Value()
	if math.Abs(line.Slope-0.5) > 1e-9 {
		t.Errorf("the slope is %v, want 0.5", line.Slope)
	}
}

// The golden file shows in a review what a change does to the graph.
func TestGraph(t *testing.T) {
	t.Parallel()
	pipelinetest.Golden(t, Pipeline, Pipeline.Params(), "testdata/graph.json")
}

func TestSlope(t *testing.T) {
	t.Setenv("TENON_HOME", t.TempDir())
	got, err := slope(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got-0.5) > 0.001 {
		t.Errorf("the slope is %v, want about 0.5", got)
	}
}

// slope runs the pipeline from Go, as a service does.
func slope(ctx context.Context, points int) (float64, error) {
	client, err := tenon.Open(ctx) // a service opens one when it starts
	if err != nil {
		return 0, err
	}
	defer client.Close()
	run, err := Pipeline.Run(ctx, client, Params{Points: points, Noise: 0.1})
	if err != nil {
		return 0, err
	}
	line, err := run.Result(ctx)
	if err != nil {
		return 0, err
	}
	return line.Value().Slope, nil
}
