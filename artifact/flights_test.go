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
	if testing.Short() || raceEnabled {
		t.Skip("reads and writes three million rows, which takes a minute under the race detector")
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

// Three million rows, read from a foreign file and stored, loaded and stored again, never need more than a few of them. Not parallel: it
// looks at the memory of the whole process.
func TestFlights(t *testing.T) { //nolint:paralleltest // see above
	path := flights(t)
	debug.FreeOSMemory() // garbage of other tests
	s := newStore(t)
	var foreign, loaded sums
	first := mustSave(s, foreign.watch(t, artifact.FromParquet[flight](path)))
	table := mustLoad[artifact.Table[flight]](s, first)
	second := mustSave(s, loaded.watch(t, table))
	if first.Digest != second.Digest {
		t.Errorf("stored again it is %s, was %s", second.Digest, first.Digest)
	}
	if first.Meta["rows"] != int64(3_000_000) || foreign.rows != 3_000_000 || foreign != loaded {
		t.Errorf("recorded %v rows; came as %+v and back as %+v", first.Meta["rows"], foreign, loaded)
	}
}

// sums is what the rows of a table add up to.
type sums struct{ rows, delay, distance, letters, nulls int64 }

// watch adds the rows up as they pass, and looks at the heap.
func (s *sums) watch(t *testing.T, table artifact.Table[flight]) artifact.Table[flight] {
	t.Helper()
	return artifact.NewTable(func(yield func(flight, error) bool) {
		for row, err := range table.Rows(t.Context()) {
			if err == nil {
				s.add(row)
			}
			if s.rows%100_000 == 0 {
				checkHeap(t)
			}
			if !yield(row, err) {
				return
			}
		}
	})
}

func (s *sums) add(f flight) {
	s.rows++
	if f.Delay == nil {
		s.nulls++
	} else {
		s.delay += *f.Delay
	}
	s.distance += *f.Distance + f.Date.Unix()
	s.letters += int64((*f.Origin)[0]) * int64((*f.Destination)[2])
}

// checkHeap fails the test when more is in use than streaming may need.
func checkHeap(t *testing.T) {
	t.Helper()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapInuse > 256<<20 {
		t.Fatalf("%d MiB of heap in use while rows are streamed", m.HeapInuse>>20)
	}
}
