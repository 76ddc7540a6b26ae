// Command starter predicts the price of a flat from its area: a small whole pipeline to make your own.
package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

//go:embed flats.csv
var flatsCSV []byte

// Params are what a run can be given, such as --set ridge=10. "go run . params" lists them.
type Params struct {
	CSV       artifact.Source `doc:"flats: a CSV file or URL with the columns area and price"`
	TestEvery int             `doc:"every n-th flat is not learned from, but tested with"`
	Ridge     float64         `doc:"how much a steep line is held against a model"`
}

// Validate is called before anything runs.
func (p Params) Validate() error {
	switch {
	case p.TestEvery < 2:
		return errors.New("test_every: must be at least 2")
	case p.Ridge < 0:
		return errors.New("ridge: must not be negative")
	}
	return nil
}

// Results of the pipeline. Each run that succeeds gives them their next version, such as starter/Model@2.
type Results struct {
	Model artifact.Ref[Model]
	Error artifact.Ref[float64]
}

// Pipeline wires the steps. What a step returns is an input of others; the compiler checks that they fit.
var Pipeline = pipeline.Define("starter", func(p *pipeline.Builder, in Params) Results {
	flats := pipeline.Step(p, "load", Load, LoadIn{CSV: in.CSV, TestEvery: in.TestEvery})
	model := pipeline.Step(p, "train", Train, TrainIn{Flats: flats.Train, Ridge: in.Ridge})
	return Results{Model: model, Error: pipeline.Step(p, "evaluate", Evaluate, EvaluateIn{Model: model, Flats: flats.Test})}
},
	pipeline.Doc("predicts the price of a flat from its area"),
	pipeline.Defaults(Params{CSV: artifact.FromBytes("flats.csv", flatsCSV), TestEvery: 5}))

func main() { tenon.Main(Pipeline) }

// Flat is a row of the data. A list of flats is stored as Parquet.
type Flat struct{ Area, Price float64 }

type LoadIn struct {
	CSV       artifact.Source // its content is part of the cache key
	TestEvery int             // and so is every parameter
}

type LoadOut struct {
	Train, Test artifact.Ref[[]Flat]
}

// Load reads the flats and sets some aside for the test.
func Load(ctx context.Context, in LoadIn) (LoadOut, error) {
	f, err := in.CSV.Open(ctx)
	if err != nil {
		return LoadOut{}, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return LoadOut{}, err
	}
	if len(rows) == 0 || len(rows[0]) != 2 || rows[0][0] != "area" || rows[0][1] != "price" {
		return LoadOut{}, errors.New("the data must begin with the header area,price")
	}
	var train, test []Flat
	for i, row := range rows[1:] {
		area, badArea := strconv.ParseFloat(row[0], 64)
		price, badPrice := strconv.ParseFloat(row[1], 64)
		if err := errors.Join(badArea, badPrice); err != nil {
			return LoadOut{}, fmt.Errorf("row %d: %w", i+1, err)
		}
		if (i+1)%in.TestEvery == 0 {
			test = append(test, Flat{area, price})
		} else {
			train = append(train, Flat{area, price})
		}
	}
	step.Logger(ctx).Info("loaded", "train", len(train), "test", len(test))
	return LoadOut{Train: artifact.New(train), Test: artifact.New(test)}, nil
}

// Model is a line: the price is Base + PerArea * area.
type Model struct{ Base, PerArea float64 }

func (m Model) Price(area float64) float64 { return m.Base + m.PerArea*area }

type TrainIn struct {
	Flats artifact.Ref[[]Flat]
	Ridge float64
}

// Train fits the line with the least squares.
func Train(_ context.Context, in TrainIn) (artifact.Ref[Model], error) {
	flats := in.Flats.Value()
	if len(flats) < 2 {
		return artifact.Ref[Model]{}, fmt.Errorf("%d flats are too few to learn from", len(flats))
	}
	var area, price float64
	for _, f := range flats {
		area += f.Area / float64(len(flats))
		price += f.Price / float64(len(flats))
	}
	var spread, both float64
	for _, f := range flats {
		spread += (f.Area - area) * (f.Area - area)
		both += (f.Area - area) * (f.Price - price)
	}
	if spread+in.Ridge == 0 {
		return artifact.Ref[Model]{}, errors.New("all flats have the same area")
	}
	slope := both / (spread + in.Ridge)
	return artifact.New(Model{Base: price - slope*area, PerArea: slope}), nil
}

type EvaluateIn struct {
	Model artifact.Ref[Model]
	Flats artifact.Ref[[]Flat]
}

// Evaluate returns how far off the model is for flats that it has not seen: the root of the mean squared error.
func Evaluate(ctx context.Context, in EvaluateIn) (artifact.Ref[float64], error) {
	flats := in.Flats.Value()
	if len(flats) == 0 {
		return artifact.Ref[float64]{}, errors.New("no flats to test with: choose a smaller test_every")
	}
	var sum float64
	for _, f := range flats {
		off := in.Model.Value().Price(f.Area) - f.Price
		sum += off * off
	}
	rmse := math.Sqrt(sum / float64(len(flats)))
	step.Metric(ctx, "rmse", rmse)
	return artifact.New(rmse), nil
}
