package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	pipelinetest.Golden(t, ETL, ETL.Params(), "testdata/graph.json")
}

func TestETL(t *testing.T) {
	t.Parallel()
	out := pipelinetest.Run(t, ETL, ETL.Params())
	delays := out.Delays.Value()
	var got, want counts
	for _, d := range delays {
		got = got.plus(d)
	}
	for _, month := range []string{"2001-01", "2001-02", "2001-03"} {
		for _, flight := range readParquet(t, filepath.Join("data", month+".parquet")) {
			want.flights++
			if flight.Delay > 15 {
				want.late++
			}
		}
	}
	if got != want {
		t.Errorf("the table is of %+v, the data of %+v", got, want)
	}
	if want := "21.8 % of 23093 flights arrived over 15 minutes late"; out.Summary.Value() != want {
		t.Errorf("summary %q, want %q", out.Summary.Value(), want)
	}
	if !slices.IsSortedFunc(delays, func(a, b Delay) int { return strings.Compare(a.Month+a.Airport, b.Month+b.Airport) }) {
		t.Error("the table is not sorted by month and airport")
	}
	if size := out.Chart.Value().Bounds().Size(); size.X < 600 || size.Y < 800 {
		t.Errorf("the chart has %v pixels", size)
	}
}

// TestChangedMonth changes the file of one month in ways that reach further and further.
func TestChangedMonth(t *testing.T) {
	t.Parallel()
	client, params := pipelinetest.Open(t), ETL.Params()
	params.Flights = copies(t)
	march := params.Flights[2].URI()
	original := readParquet(t, march)
	everything := []string{
		"2001-01/clean", "2001-01/summarise", "2001-02/clean", "2001-02/summarise", "2001-03/clean", "2001-03/summarise", "chart", "combine",
	}
	wantComputed(t, "the first run", client, params, everything...)
	wantComputed(t, "the second run", client, params)

	writeParquet(t, march, append(slices.Clone(original), raw{Date: original[0].Date, Delay: -1116, Origin: "MIA", Destination: "STL"}))
	wantComputed(t, "with a row that is cleaned away", client, params, "2001-03/clean")

	changed := slices.Clone(original)
	changed[100].Delay += 24 * 60
	writeParquet(t, march, changed)
	wantComputed(t, "with a flight that is a day later", client, params, "2001-03/clean", "2001-03/summarise", "chart", "combine")

	writeParquet(t, march, original)
	wantComputed(t, "as it was before", client, params)

	for i := range changed {
		changed[i].Date = changed[i].Date.AddDate(0, 0, 31)
	}
	april := filepath.Join(filepath.Dir(march), "2001-04.parquet")
	writeParquet(t, april, changed)
	params.Flights = append(params.Flights, artifact.From(april))
	wantComputed(t, "with one month more", client, params, "2001-04/clean", "2001-04/summarise", "chart", "combine")
}

func TestOtherLimitKeepsCleanedFlights(t *testing.T) {
	t.Parallel()
	client, params := pipelinetest.Open(t), ETL.Params()
	computed(t, client, params)
	params.Late = 60
	wantComputed(t, "with another limit", client, params, "2001-01/summarise", "2001-02/summarise", "2001-03/summarise", "chart", "combine")
}

// copies returns copies of the program's data, which a test may change.
func copies(t *testing.T) []artifact.Source {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("data")); err != nil {
		t.Fatal(err)
	}
	var files []artifact.Source
	for _, month := range []string{"2001-01", "2001-02", "2001-03"} {
		files = append(files, artifact.From(filepath.Join(dir, month+".parquet")))
	}
	return files
}

// wantComputed runs the pipeline and fails the test unless exactly the named steps were computed, and all others came from the cache.
func wantComputed(t *testing.T, when string, client *tenon.Client, params Params, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, computed(t, client, params)); diff != "" {
		t.Errorf("%s, other steps are computed (-want +got):\n%s", when, diff)
	}
}

// computed runs the pipeline and returns the steps that did not come from the cache, sorted.
func computed(t *testing.T, client *tenon.Client, params Params) []string {
	t.Helper()
	run, err := ETL.Run(t.Context(), client, params)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: run.ID()})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range page.Items {
		switch s.State {
		case metadata.StepSucceeded:
			names = append(names, s.Step)
		case metadata.StepCached:
		default:
			t.Errorf("step %s is %s", s.Step, s.State)
		}
	}
	slices.Sort(names)
	return names
}
