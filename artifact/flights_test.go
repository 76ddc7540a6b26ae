package artifact_test

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
)

type flight struct {
	Date        *time.Time
	Delay       *int64
	Distance    *int64
	Origin      *string
	Destination *string
}

// flights finds a large Parquet file that another tool wrote. It stays where it is, beside the repository.
func flights(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("reads and writes three million rows")
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

const heapLimit = 256 << 20

// heap fails the test when more is in use than streaming may need.
func heap(t *testing.T, when string) {
	t.Helper()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapInuse > heapLimit {
		t.Fatalf("%d MiB of heap in use %s, want at most %d", m.HeapInuse>>20, when, heapLimit>>20)
	}
}

// Three million rows, read from a foreign file and stored, loaded and stored again, never need more than a few of them. Not parallel: it
// looks at the memory of the whole process.
func TestFlights(t *testing.T) { //nolint:paralleltest // see above
	path := flights(t)
	debug.FreeOSMemory() // garbage of other tests
	s := newStore(t)
	watched := func(table artifact.Table[flight], what string) artifact.Table[flight] {
		return artifact.NewTable(func(yield func(flight, error) bool) {
			n := 0
			for row, err := range table.Rows(t.Context()) {
				if n++; n%100_000 == 0 {
					heap(t, what)
				}
				if !yield(row, err) {
					return
				}
			}
		})
	}
	first := mustSave(s, watched(artifact.FromParquet[flight](path), "while a foreign file is stored"))
	if first.Meta["rows"] != int64(3_000_000) {
		t.Errorf("stored %v rows", first.Meta["rows"])
	}
	loaded := mustLoad[artifact.Table[flight]](s, first)
	heap(t, "after loading")
	second := mustSave(s, watched(loaded, "while a loaded table is stored"))
	if first.Digest != second.Digest {
		t.Errorf("stored again it is %s, was %s", second.Digest, first.Digest)
	}

	// Both files hold the same rows.
	sum := func(table artifact.Table[flight]) (delays, distances int64, letters int) {
		for row, err := range table.Rows(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Delay != nil {
				delays += *row.Delay
			}
			distances += *row.Distance
			letters += int((*row.Origin)[0]) * int((*row.Destination)[2])
		}
		return delays, distances, letters
	}
	wantDelays, wantDistances, wantLetters := sum(artifact.FromParquet[flight](path))
	if a, b, c := sum(loaded); a != wantDelays || b != wantDistances || c != wantLetters {
		t.Errorf("sums are %d, %d, %d, want %d, %d, %d", a, b, c, wantDelays, wantDistances, wantLetters)
	}
}
