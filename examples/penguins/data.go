package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Penguin is one row of the data. A slice of flat structs is stored as Parquet, so that other tools can read it.
type Penguin struct {
	Species       string
	Island        string
	BillLengthMM  float64
	BillDepthMM   float64
	FlipperLength float64 // mm
	BodyMass      float64 // g
	Sex           string  // "male", "female", or "" where it is not known
}

// Features returns the measurements that the model sees.
func (p Penguin) Features() []float64 {
	return []float64{p.BillLengthMM, p.BillDepthMM, p.FlipperLength, p.BodyMass}
}

// Quality says what was wrong with the data, and what was done about it.
type Quality struct {
	Rows    int            // in the file
	Kept    int            // used
	Dropped int            // left out because a measurement is missing or malformed
	Missing map[string]int // empty values, by column
	Bad     map[string]int // values that cannot be right, by column
}

// LoadIn names the file. The content of a Source is part of the cache key: an edited file is never a stale hit.
type LoadIn struct{ CSV artifact.Source }

// LoadOut is what load returns.
type LoadOut struct {
	Rows    artifact.Ref[[]Penguin]
	Quality artifact.Ref[Quality]
}

// Load reads and cleans the measurements. A penguin without all four measurements cannot be used; one of unknown sex can.
func Load(ctx context.Context, in LoadIn) (LoadOut, error) {
	file, err := in.CSV.Open(ctx)
	if err != nil {
		return LoadOut{}, err
	}
	defer file.Close()
	rows, quality, err := readPenguins(file)
	if err != nil {
		return LoadOut{}, fmt.Errorf("%s: %w", in.CSV, err)
	}
	step.Logger(ctx).Info("loaded", "rows", quality.Rows, "kept", quality.Kept, "missing", quality.Missing, "bad", quality.Bad)
	return LoadOut{artifact.New(rows), artifact.New(quality)}, nil
}

var columns = []string{"species", "island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"}

func readPenguins(r io.Reader) ([]Penguin, Quality, error) {
	in := csv.NewReader(r)
	header, err := in.Read()
	if err != nil {
		return nil, Quality{}, fmt.Errorf("read the header: %w", err)
	}
	if !slices.Equal(header, columns) {
		return nil, Quality{}, fmt.Errorf("columns are %q, want %q", header, columns)
	}
	q := Quality{Missing: map[string]int{}, Bad: map[string]int{}}
	var rows []Penguin
	for {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, Quality{}, err
		}
		q.Rows++
		if p, ok := q.parse(record); ok {
			rows = append(rows, p)
		}
	}
	q.Kept, q.Dropped = len(rows), q.Rows-len(rows)
	if len(rows) == 0 {
		return nil, Quality{}, fmt.Errorf("no usable row among %d", q.Rows)
	}
	return rows, q, nil
}

// parse counts what is wrong with a row and reports whether it can be used.
func (q *Quality) parse(record []string) (Penguin, bool) {
	p := Penguin{Species: record[0], Island: record[1]}
	usable := true
	for i, field := range []*float64{&p.BillLengthMM, &p.BillDepthMM, &p.FlipperLength, &p.BodyMass} {
		column, text := columns[i+2], record[i+2]
		value, err := strconv.ParseFloat(text, 64)
		switch {
		case text == "":
			q.Missing[column]++
		case err != nil || value <= 0:
			q.Bad[column]++
		default:
			*field = value
			continue
		}
		usable = false
	}
	switch sex := record[6]; sex {
	case "male", "female":
		p.Sex = sex
	case "":
		q.Missing["sex"]++
	default:
		q.Bad["sex"]++
	}
	if !slices.Contains(Species, p.Species) {
		q.Bad["species"]++
		usable = false
	}
	return p, usable
}

// SplitIn is the input of split.
type SplitIn struct {
	Rows      artifact.Ref[[]Penguin]
	TestShare float64
	Seed      uint64
}

// SplitOut is what split returns.
type SplitOut struct{ Train, Test artifact.Ref[[]Penguin] }

// Split keeps back a share of each species for the test, at random by seed.
func Split(_ context.Context, in SplitIn) (SplitOut, error) {
	random := rand.New(rand.NewPCG(in.Seed, 0))
	var train, test []Penguin
	for _, species := range Species {
		var group []Penguin
		for _, p := range in.Rows.Value() {
			if p.Species == species {
				group = append(group, p)
			}
		}
		random.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		n := int(in.TestShare * float64(len(group)))
		test, train = append(test, group[:n]...), append(train, group[n:]...)
	}
	if len(test) == 0 || len(train) == 0 {
		return SplitOut{}, fmt.Errorf("a test share of %g leaves %d penguins to train and %d to test", in.TestShare, len(train), len(test))
	}
	return SplitOut{artifact.New(train), artifact.New(test)}, nil
}

// Scale holds the mean and standard deviation of each measurement.
type Scale struct{ Mean, Std []float64 }

// Apply returns standardised measurements.
func (s Scale) Apply(features []float64) []float64 {
	out := make([]float64, len(features))
	for i, x := range features {
		out[i] = (x - s.Mean[i]) / s.Std[i]
	}
	return out
}

// ScaleIn is the input of scale.
type ScaleIn struct{ Train artifact.Ref[[]Penguin] }

// FitScale measures the training data alone, so that nothing of the test leaks into the model.
func FitScale(_ context.Context, in ScaleIn) (artifact.Ref[Scale], error) {
	rows := in.Train.Value()
	var s Scale
	for i := range rows[0].Features() {
		column := make([]float64, len(rows))
		for j, p := range rows {
			column[j] = p.Features()[i]
		}
		mean, std := stat.MeanStdDev(column, nil)
		if std == 0 || len(rows) < 2 {
			return artifact.Ref[Scale]{}, fmt.Errorf("measurement %d is the same for all %d penguins", i+1, len(rows))
		}
		s.Mean, s.Std = append(s.Mean, mean), append(s.Std, std)
	}
	return artifact.New(s), nil
}
