package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/tenon-ml/tenon/artifact"
)

var update = flag.Bool("update", false, "write the golden files and the samples in data") // pipelinetest.Golden reads it, too

// raw is a whole row of the original data.
type raw struct {
	Date        time.Time `parquet:"date,timestamp(microsecond:local)"`
	Delay       int64     `parquet:"delay"`
	Distance    int64     `parquet:"distance"`
	Origin      string    `parquet:"origin,dict"`
	Destination string    `parquet:"destination,dict"`
}

// sampled is of how many flights one is in the sample.
const sampled = 64

// TestSample holds the data of the program against the file that it was taken from.
func TestSample(t *testing.T) {
	t.Parallel()
	months := map[string][]raw{"2001-01": nil, "2001-02": nil, "2001-03": nil}
	n := 0
	for flight, err := range artifact.FromParquet[raw](allFlights(t)).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		month := flight.Date.Format("2006-01")
		if rows, ok := months[month]; ok && n%sampled == 0 {
			months[month] = append(rows, flight)
		}
		n++
	}
	for month, want := range months {
		file := filepath.Join("data", month+".parquet")
		if *update {
			writeParquet(t, file, want)
		}
		if diff := cmp.Diff(want, readParquet(t, file)); diff != "" {
			t.Errorf("%s is not every %dth flight of the month; run the test with -update (-want +got):\n%.2000s", file, sampled, diff)
		}
	}
}

// allFlights finds the large file from which the sample was taken. It stays where it is, beside the repository.
func allFlights(t *testing.T) string {
	t.Helper()
	if testing.Short() || raceEnabled {
		t.Skip("reads three million rows, which takes long under the race detector")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "data", "flights-3m.parquet")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("no shared/data/flights-3m.parquet beside the repository")
		}
		dir = parent
	}
}

func readParquet(t *testing.T, path string) []raw {
	t.Helper()
	rows, err := artifact.FromParquet[raw](path).Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func writeParquet(t *testing.T, path string, rows []raw) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := parquet.NewGenericWriter[raw](file, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("tenon", "", ""))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
