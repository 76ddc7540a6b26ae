package main

import (
	"math"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// A step is a function: call it.
func TestTrain(t *testing.T) {
	t.Parallel()
	flats := []Flat{{Area: 10, Price: 25}, {Area: 20, Price: 45}, {Area: 30, Price: 65}}
	model, err := Train(t.Context(), TrainIn{Flats: artifact.New(flats)})
	if err != nil {
		t.Fatal(err)
	}
	if got := model.Value().Price(100); math.Abs(got-205) > 1e-9 {
		t.Errorf("100 m² cost %v, want 205", got)
	}
	if _, err := Train(t.Context(), TrainIn{Flats: artifact.New(flats[:1])}); err == nil {
		t.Error("a line was fitted to one flat")
	}
}

// A whole pipeline runs in a temporary directory.
func TestPipeline(t *testing.T) {
	t.Parallel()
	out := pipelinetest.Run(t, Pipeline, Pipeline.Params())
	if rmse := out.Error.Value(); rmse > 30 {
		t.Errorf("the model is off by %v", rmse)
	}
}

func TestMalformedData(t *testing.T) {
	t.Parallel()
	for _, csv := range []string{"", "size,price\n1,2\n", "area,price\n1,cheap\n", "area,price\n1\n", "area,price\n1,2\n"} {
		params := Pipeline.Params()
		params.CSV = artifact.FromBytes("malformed.csv", []byte(csv))
		if _, err := pipelinetest.Try(t, Pipeline, params); err == nil {
			t.Errorf("%q was accepted", csv)
		}
	}
}
