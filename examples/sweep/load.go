package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Species are the classes.
var Species = []string{"Adelie", "Chinstrap", "Gentoo"}

// Penguin is what was measured of one.
type Penguin struct {
	Species       int     // index in Species
	BillLength    float64 // mm
	BillDepth     float64 // mm
	FlipperLength float64 // mm
	BodyMass      float64 // g
}

// Features returns the measurements that the model sees.
func (p Penguin) Features() []float64 {
	return []float64{p.BillLength, p.BillDepth, p.FlipperLength, p.BodyMass}
}

// LoadIn names the data.
type LoadIn struct{ CSV artifact.Source }

// Load reads the penguins of which everything was measured.
func Load(ctx context.Context, in LoadIn) (artifact.Ref[[]Penguin], error) {
	file, err := in.CSV.Open(ctx)
	if err != nil {
		return artifact.Ref[[]Penguin]{}, err
	}
	defer file.Close()
	penguins, dropped, err := readPenguins(file)
	if err != nil {
		return artifact.Ref[[]Penguin]{}, fmt.Errorf("%s: %w", in.CSV, err)
	}
	step.Logger(ctx).Info("loaded", "penguins", len(penguins), "without_measurements", dropped)
	return artifact.New(penguins), nil
}

var columns = []string{"species", "island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"}

// readPenguins also returns how many penguins lack a measurement. Anything else that cannot be used is an error that names the line.
func readPenguins(r io.Reader) (penguins []Penguin, dropped int, err error) {
	file := csv.NewReader(r)
	header, err := file.Read()
	if err != nil {
		return nil, 0, fmt.Errorf("read the header: %w", err)
	}
	if !slices.Equal(header, columns) {
		return nil, 0, fmt.Errorf("the columns are %q, want %q", header, columns)
	}
	for {
		row, err := file.Read()
		if errors.Is(err, io.EOF) {
			return penguins, dropped, nil
		}
		if err != nil {
			return nil, 0, err // names the line
		}
		if slices.Contains(row[2:6], "") {
			dropped++
			continue
		}
		p, err := parse(row)
		if err != nil {
			line, _ := file.FieldPos(0)
			return nil, 0, fmt.Errorf("line %d: %w", line, err)
		}
		penguins = append(penguins, p)
	}
}

func parse(row []string) (Penguin, error) {
	p := Penguin{Species: slices.Index(Species, row[0])}
	if p.Species < 0 {
		return p, fmt.Errorf("species: %q is none of %q", row[0], Species)
	}
	for i, field := range []*float64{&p.BillLength, &p.BillDepth, &p.FlipperLength, &p.BodyMass} {
		x, err := strconv.ParseFloat(row[2+i], 64)
		if err != nil || !(x > 0) || math.IsInf(x, 0) {
			return p, fmt.Errorf("%s: %q is no measurement", columns[2+i], row[2+i])
		}
		*field = x
	}
	return p, nil
}

// DealIn is the input of deal.
type DealIn struct {
	Penguins artifact.Ref[[]Penguin]
	Folds    int
	Seed     uint64
}

// Deal deals the penguins of each species out to the folds, at random by seed, and returns the fold of each penguin. All settings are tried on the
// same folds, so that their scores can be compared.
func Deal(_ context.Context, in DealIn) (artifact.Ref[[]int], error) {
	penguins := in.Penguins.Value()
	random := rand.New(rand.NewPCG(in.Seed, 0))
	folds := make([]int, len(penguins))
	for species, name := range Species {
		next := 0
		for _, i := range random.Perm(len(penguins)) {
			if penguins[i].Species == species {
				folds[i] = next % in.Folds
				next++
			}
		}
		if next < in.Folds {
			return artifact.Ref[[]int]{}, step.Permanent(fmt.Errorf("%d penguins of species %s are too few for %d folds", next, name, in.Folds))
		}
	}
	return artifact.New(folds), nil
}
