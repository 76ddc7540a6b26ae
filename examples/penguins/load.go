package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Penguin is one row of the data. A slice of flat structs is stored as Parquet, so that other tools can read it.
type Penguin struct {
	Species       string
	Island        string
	BillLength    float64 // mm
	BillDepth     float64 // mm
	FlipperLength float64 // mm
	BodyMass      float64 // g
	Sex           string  // "male", "female", or "" if it is not known
}

// Features returns the measurements that the model sees.
func (p Penguin) Features() []float64 {
	return []float64{p.BillLength, p.BillDepth, p.FlipperLength, p.BodyMass}
}

// Quality says what was wrong with the data, and what was done about it.
type Quality struct {
	Rows      int            // in the file
	Kept      int            // used
	Dropped   []int          // lines of the rows that cannot be used
	Missing   map[string]int // empty values, by column
	Malformed map[string]int // values that cannot be right, by column
}

// LoadIn names the data. The content of a Source is part of the cache key: an edited file is never a stale hit.
type LoadIn struct{ CSV artifact.Source }

// LoadOut is what load returns.
type LoadOut struct {
	Penguins artifact.Ref[[]Penguin]
	Quality  artifact.Ref[Quality]
}

// Load reads and cleans the measurements. Nothing is dropped silently: what is missing or malformed is counted and reported.
func Load(ctx context.Context, in LoadIn) (LoadOut, error) {
	file, err := in.CSV.Open(ctx)
	if err != nil {
		return LoadOut{}, err
	}
	defer file.Close()
	penguins, quality, err := readPenguins(file)
	if err != nil {
		return LoadOut{}, fmt.Errorf("%s: %w", in.CSV, err)
	}
	step.Metric(ctx, "rows", float64(quality.Rows))
	step.Metric(ctx, "dropped", float64(len(quality.Dropped)))
	log := step.Logger(ctx)
	log.Info("loaded", "rows", quality.Rows, "kept", quality.Kept)
	if missing, malformed := sum(quality.Missing), sum(quality.Malformed); missing+malformed > 0 {
		log.Warn("values cannot be used", "missing", missing, "malformed", malformed, "rows_dropped", len(quality.Dropped))
	}
	return LoadOut{artifact.New(penguins), artifact.New(quality)}, nil
}

var columns = []string{"species", "island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"}

// readPenguins returns the penguins that can be used. A file that is no CSV, or has other columns, is an error.
func readPenguins(r io.Reader) ([]Penguin, Quality, error) {
	file := csv.NewReader(r)
	header, err := file.Read()
	if err != nil {
		return nil, Quality{}, fmt.Errorf("read the header: %w", err)
	}
	if !slices.Equal(header, columns) {
		return nil, Quality{}, fmt.Errorf("the columns are %q, want %q", header, columns)
	}
	q := Quality{Missing: map[string]int{}, Malformed: map[string]int{}}
	var penguins []Penguin
	for {
		row, err := file.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, Quality{}, err // names the line
		}
		q.Rows++
		p, ok := q.parse(row)
		if !ok {
			line, _ := file.FieldPos(0)
			q.Dropped = append(q.Dropped, line)
			continue
		}
		penguins = append(penguins, p)
	}
	q.Kept = len(penguins)
	if q.Kept == 0 {
		return nil, Quality{}, fmt.Errorf("none of its %d rows can be used", q.Rows)
	}
	return penguins, q, nil
}

// parse counts what is wrong with a row, and reports whether it can be used: a penguin of unknown sex can, one without all
// four measurements cannot.
func (q *Quality) parse(row []string) (p Penguin, usable bool) {
	species, sex := q.oneOf("species", row[0], Species...), q.oneOf("sex", row[6], "male", "female")
	p = Penguin{Species: species, Island: row[1], Sex: sex}
	usable = species != ""
	for i, field := range []*float64{&p.BillLength, &p.BillDepth, &p.FlipperLength, &p.BodyMass} {
		*field = q.positive(columns[2+i], row[2+i])
		usable = usable && *field > 0
	}
	return p, usable
}

// positive returns a measurement, or 0 if there is none.
func (q *Quality) positive(column, text string) float64 {
	if missing(text) {
		q.Missing[column]++
		return 0
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x > 0) || math.IsInf(x, 0) {
		q.Malformed[column]++
		return 0
	}
	return x
}

// oneOf returns a text that is one of those allowed, or "".
func (q *Quality) oneOf(column, text string, allowed ...string) string {
	switch {
	case missing(text):
		q.Missing[column]++
		return ""
	case !slices.Contains(allowed, text):
		q.Malformed[column]++
		return ""
	}
	return text
}

func missing(text string) bool { return text == "" || text == "NA" }

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
