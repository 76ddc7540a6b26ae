package main

import (
	"context"
	"errors"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
)

func day(month time.Month, day int) time.Time {
	return time.Date(2001, month, day, 7, 30, 0, 0, time.UTC)
}

// rec returns a row of which nothing is missing.
func rec(date time.Time, delay int64, origin string) record {
	return record{Date: &date, Delay: &delay, Origin: &origin}
}

func TestClean(t *testing.T) {
	t.Parallel()
	rows := []record{rec(day(1, 1), -5, "SFO"), rec(day(1, 2), -121, "SFO"), rec(day(1, 3), 2881, "SFO"), {}, rec(day(1, 5), 1, "")}
	want := []Flight{{day(1, 1), -5, "SFO"}}
	for i := range 600 { // so many that what is wrong is less than one in a hundred
		rows = append(rows, rec(day(2, 1), int64(i), "JFK"))
		want = append(want, Flight{day(2, 1), int64(i), "JFK"})
	}
	got, err := artifact.NewTable(clean(t.Context(), artifact.TableOf(rows))).Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flights (-want +got):\n%s", diff)
	}
}

func TestCleanRefuses(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		rows iter.Seq2[record, error]
		want string
	}{
		"no row":      {func(func(record, error) bool) {}, "the file has no rows"},
		"no good row": {artifact.TableOf([]record{{}, rec(day(1, 1), 9999, "SFO"), rec(day(1, 1), 0, "SFO")}).Rows(t.Context()), "2 of 3 rows cannot be used: in 1 a value is missing, in 1 the delay is implausible"},
		"broken row":  {func(yield func(record, error) bool) { yield(record{}, broken) }, "broken"},
	} {
		_, err := artifact.NewTable(clean(t.Context(), artifact.NewTable(test.rows))).Collect(t.Context())
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

func TestCleanRefusesFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.parquet")
	if err := os.WriteFile(text, []byte("no Parquet at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		text:                                 "text.parquet",
		dir:                                  "is a directory",
		filepath.Join(dir, "absent.parquet"): "no such file",
	} {
		out, err := Clean(t.Context(), CleanIn{File: artifact.From(file)})
		if err == nil {
			_, err = out.Value().Collect(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", file, err, want)
		}
	}
}

func TestCleanStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	rows := clean(ctx, artifact.TableOf([]record{rec(day(1, 1), 0, "SFO"), rec(day(1, 1), 0, "SFO")}))
	cancel()
	_, err := artifact.NewTable(rows).Collect(t.Context())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a run that is cancelled", err)
	}
}

func TestSummariseAndCombine(t *testing.T) {
	t.Parallel()
	summary := func(flights ...Flight) artifact.Ref[[]Sum] {
		sums, err := Summarise(t.Context(), SummariseIn{Flights: artifact.New(artifact.TableOf(flights)), Late: 15})
		if err != nil {
			t.Fatal(err)
		}
		return sums
	}
	first := summary(Flight{day(2, 28), -30, "SFO"}, Flight{day(1, 31), 15, "SFO"}, Flight{day(1, 31), 16, "JFK"})
	want := []Sum{
		{2001, time.January, "JFK", 1, 1, 16, 16},
		{2001, time.January, "SFO", 1, 0, 15, 15},
		{2001, time.February, "SFO", 1, 0, -30, -30},
	}
	if diff := cmp.Diff(want, first.Value()); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	// The second file holds flights of the same months.
	second := summary(Flight{day(2, 1), -10, "SFO"}, Flight{day(2, 2), 70, "SFO"}, Flight{day(2, 3), -10, "ABE"})
	out, err := Combine(t.Context(), CombineIn{Parts: []artifact.Ref[[]Sum]{first, second}, Late: 15})
	if err != nil {
		t.Fatal(err)
	}
	delays := []Delay{
		{"2001-01", "JFK", 1, 1, 1, 16, 16},
		{"2001-01", "SFO", 1, 0, 0, 15, 15},
		{"2001-02", "ABE", 1, 0, 0, -10, -10},
		{"2001-02", "SFO", 3, 1, 1.0 / 3, 10, 70},
	}
	if diff := cmp.Diff(delays, out.Delays.Value()); diff != "" {
		t.Errorf("delays (-want +got):\n%s", diff)
	}
	if got, want := out.Summary.Value(), "33.3 % of 6 flights arrived over 15 minutes late"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	g := newGrid([]Delay{
		{Month: "2001-01", Airport: "AAA", Flights: 100, Late: 10},
		{Month: "2001-01", Airport: "BBB", Flights: 80, Late: 40},
		{Month: "2001-01", Airport: "CCC", Flights: 20, Late: 0}, // has no row of its own, and too few flights for one
		{Month: "2001-02", Airport: "AAA", Flights: 29, Late: 29},
		{Month: "2001-02", Airport: "BBB", Flights: 40, Late: 4},
		{Month: "2001-03", Airport: "AAA", Flights: 6, Late: 6}, // a month of too few flights
	}, 2)
	want := grid{
		months:   []string{"2001-01", "2001-02"},
		airports: []string{"AAA", "BBB", "", "all airports"},
		share:    map[[2]int]float64{{0, 0}: 0.1, {0, 1}: 0.5, {1, 1}: 0.1, {0, 3}: 0.25, {1, 3}: 33.0 / 69},
		least:    0.1, most: 0.5,
	}
	if diff := cmp.Diff(want, g, cmp.AllowUnexported(grid{})); diff != "" {
		t.Errorf("grid (-want +got):\n%s", diff)
	}
	for share, want := range map[float64]float64{0.1: 0, 0.3: 0.5, 0.5: 1} {
		if got := g.heat(share); math.Abs(got-want) > 1e-9 {
			t.Errorf("heat of %g is %g, want %g", share, got, want)
		}
	}
}

func TestChartOfTooFewFlights(t *testing.T) {
	t.Parallel()
	_, err := Chart(t.Context(), ChartIn{Delays: artifact.New([]Delay{{Month: "2001-01", Airport: "SFO", Flights: 29}}), Late: 15, Airports: 20})
	if err == nil || err.Error() != "no month has 30 flights, of which a share would mean something" {
		t.Errorf("error %v", err)
	}
	// One share alone is the least and the most.
	out, err := Chart(t.Context(), ChartIn{Delays: artifact.New([]Delay{{Month: "2001-01", Airport: "SFO", Flights: 30}}), Late: 15, Airports: 20})
	if err != nil || out.Value().Bounds().Empty() {
		t.Errorf("one month of one airport: error %v", err)
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	var files []artifact.Source
	for _, uri := range []string{
		"data/2001-01.parquet", "bytes:2001-02.parquet", "https://example.com/flights/May%202001.parquet?token=x", `C:\data\Juni (2).parquet`,
		"other/2001-01.parquet", "file:///data/....parquet", "flights.csv", strings.Repeat("long", 100), "überall",
	} {
		files = append(files, artifact.From(uri))
	}
	want := []string{
		"2001-01", "2001-02", "May-202001", "Juni--2", "2001-01-no.5", "no.6", "flights.csv", strings.Repeat("long", 15), "berall",
	}
	if diff := cmp.Diff(want, fileNames(files)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	a, b := artifact.From("a.parquet"), artifact.From("b.parquet")
	for _, test := range []struct {
		want   string
		change func(*Params)
	}{
		{"", func(*Params) {}},
		{"", func(p *Params) { p.Flights = []artifact.Source{a, b} }},
		{"flights: must name at least one file", func(p *Params) { *p = Params{} }},
		{"flights: number 2 names no file", func(p *Params) { p.Flights = []artifact.Source{a, {}} }},
		{"flights: a.parquet is named twice, and would be counted twice", func(p *Params) { p.Flights = []artifact.Source{a, b, a} }},
		{"late: must not be negative", func(p *Params) { p.Late = -1 }},
		{"airports: must be 1 to 60", func(p *Params) { p.Airports = 0 }},
		{"airports: must be 1 to 60", func(p *Params) { p.Airports = 61 }},
	} {
		p := ETL.Params()
		test.change(&p)
		got := ""
		if err := p.Validate(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: error %q, want %q", p, got, test.want)
		}
	}
}
