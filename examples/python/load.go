package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Penguin is one row. The script sees a column for each field.
type Penguin struct {
	Species       string
	BillLength    float64 // mm
	BillDepth     float64 // mm
	FlipperLength float64 // mm
	BodyMass      float64 // g
}

// Features returns the measurements that the model sees, in the order in which the script names them.
func (p Penguin) Features() []float64 {
	return []float64{p.BillLength, p.BillDepth, p.FlipperLength, p.BodyMass}
}

// LoadIn names the data.
type LoadIn struct{ CSV artifact.Source }

// LoadOut is what load returns.
type LoadOut struct {
	Train artifact.Ref[[]Penguin]
	Test  artifact.Ref[[]Penguin]
}

// Load reads the penguins that were measured, and keeps every fourth for the test.
func Load(ctx context.Context, in LoadIn) (LoadOut, error) {
	file, err := in.CSV.Open(ctx)
	if err != nil {
		return LoadOut{}, err
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return LoadOut{}, fmt.Errorf("%s: %w", in.CSV, err)
	}
	want := []string{"species", "island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"}
	if len(lines) == 0 || !slices.Equal(lines[0], want) {
		return LoadOut{}, fmt.Errorf("%s: the columns must be %q", in.CSV, want)
	}
	var train, test []Penguin
	for i, line := range lines[1:] {
		p := Penguin{Species: line[0]}
		if !parse(line[2:6], &p.BillLength, &p.BillDepth, &p.FlipperLength, &p.BodyMass) {
			continue
		}
		if i%4 == 0 {
			test = append(test, p)
		} else {
			train = append(train, p)
		}
	}
	step.Logger(ctx).Info("loaded", "train", len(train), "test", len(test), "dropped", len(lines)-1-len(train)-len(test))
	return LoadOut{artifact.New(train), artifact.New(test)}, nil
}

// parse reports whether all of the numbers are positive.
func parse(texts []string, into ...*float64) bool {
	for i, text := range texts {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !(x > 0) {
			return false
		}
		*into[i] = x
	}
	return true
}
