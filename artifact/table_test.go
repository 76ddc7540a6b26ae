package artifact_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
)

type penguin struct {
	Species string
	Mass    float64
	Sex     *string
	Tag     []byte
	Ring    uint64 `parquet:"ring_no"`
	Seen    time.Time
}

func penguins(n int) []penguin {
	female := "female"
	zone := time.FixedZone("CEST", 7200)
	rows := make([]penguin, n)
	for i := range rows {
		rows[i] = penguin{Species: []string{"Adelie", "Gentoo"}[i%2], Mass: float64(i), Ring: math.MaxUint64 - uint64(i), Seen: testTime.UTC()}
		switch i % 3 {
		case 0:
			rows[i].Sex, rows[i].Tag = &female, []byte{}
		case 1:
			rows[i].Mass, rows[i].Seen = math.Inf(-1), testTime.In(zone)
		}
	}
	return rows
}

func TestTable(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 10, 2047, 2048, 2049, 5000} {
		s := newStore(t)
		rows := penguins(n)
		rec := mustSave(s, artifact.TableOf(rows))
		got, err := mustLoad[artifact.Table[penguin]](s, rec).Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, got); diff != "" {
			t.Fatalf("%d rows came back different:\n%.2000s", n, diff)
		}
		if rec.Meta["rows"] != int64(n) {
			t.Errorf("%d rows: meta says %v", n, rec.Meta["rows"])
		}
	}
}

// sample takes some rows of many, as comparing takes longer than reading.
func sample(rows []penguin) (some []penguin) {
	for i := 0; i < len(rows); i += 1 + len(rows)/1000 {
		some = append(some, rows[i])
	}
	return append(some, rows[len(rows)-1])
}

// What was stored as a slice can be read as a table, and the other way round: both are the same artifact.
func TestTableIsASlice(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, n := range []int{1, 5000, 140_000} { // the last takes more than one row group
		rows := penguins(n)
		table, slice := mustSave(s, artifact.TableOf(rows)), mustSave(s, rows)
		if diff := cmp.Diff(slice, table); diff != "" {
			t.Errorf("%d rows: the record of a table differs from that of a slice:\n%s", n, diff)
		}
		fromSlice, err := mustLoad[artifact.Table[penguin]](s, slice).Collect(t.Context())
		if err != nil || !cmp.Equal(sample(fromSlice), sample(mustLoad[[]penguin](s, table))) {
			t.Errorf("%d rows read the other way: %v", n, err)
		}
	}
	// A table cannot be nil.
	if got, err := mustLoad[artifact.Table[penguin]](s, mustSave(s, []penguin(nil))).Collect(t.Context()); err != nil || got == nil || len(got) > 0 {
		t.Errorf("nil slice became %v, %v", got, err)
	}
	if got := mustLoad[[]penguin](s, mustSave(s, artifact.TableOf[penguin](nil))); got == nil || len(got) > 0 {
		t.Errorf("empty table became %v", got)
	}
}

func TestTableProperty(t *testing.T) {
	t.Parallel()
	type row struct {
		A bool
		B int8
		C uint32
		D float32
		E float64
		F string
		G []byte
		H *int64
		I *string
	}
	gen := rapid.Custom(func(t *rapid.T) row {
		return row{
			A: rapid.Bool().Draw(t, "A"), B: rapid.Int8().Draw(t, "B"), C: rapid.Uint32().Draw(t, "C"),
			D: math.Float32frombits(rapid.Uint32().Draw(t, "D")), E: math.Float64frombits(rapid.Uint64().Draw(t, "E")), F: rapid.String().Draw(t, "F"),
			G: rapid.SliceOf(rapid.Byte()).Draw(t, "G"), H: rapid.Ptr(rapid.Int64(), true).Draw(t, "H"), I: rapid.Ptr(rapid.String(), true).Draw(t, "I"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOf(gen).Draw(rt, "rows")
		got, err := roundTrip(t, artifact.TableOf(rows)).Collect(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		// Compared by their bits, as NaN differs from itself.
		if len(got) != len(rows) {
			rt.Fatalf("%d rows became %d", len(rows), len(got))
		}
		for i := range rows {
			if a, b := &rows[i], &got[i]; math.Float32bits(a.D) != math.Float32bits(b.D) || math.Float64bits(a.E) != math.Float64bits(b.E) {
				rt.Fatalf("row %d: %v became %v", i, a, b)
			}
			rows[i].D, rows[i].E, got[i].D, got[i].E = 0, 0, 0, 0
		}
		if len(rows) > 0 && !reflect.DeepEqual(rows, got) {
			rt.Fatal(cmp.Diff(rows, got))
		}
	})
}

func TestTableErrors(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	broken := errors.New("row is malformed")
	for name, test := range map[string]struct {
		table artifact.Table[penguin]
		is    error
		want  string
	}{
		"zero":   {artifact.Table[penguin]{}, component.ErrInvalid, "table of artifact_test.penguin without rows: make it with artifact.NewTable, TableOf or FromParquet"},
		"nil":    {artifact.NewTable[penguin](nil), component.ErrInvalid, "without rows"},
		"first":  {artifact.NewTable(failAfter(0, broken)), broken, "after 0 rows: row is malformed"},
		"midway": {artifact.NewTable(failAfter(200_000, broken)), broken, "after 200000 rows: row is malformed"},
	} {
		if _, err := save(s, test.table); !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		rows, err := test.table.Collect(t.Context())
		if !errors.Is(err, test.is) || rows != nil {
			t.Errorf("%s: Collect gave %d rows and %v", name, len(rows), err)
		}
	}
	s.empty()
}

// failAfter yields n rows, then err, and fails the test's expectations of order if it is asked for more.
func failAfter(n int, err error) iter.Seq2[penguin, error] {
	return func(yield func(penguin, error) bool) {
		for i := range n {
			if !yield(penguin{Mass: float64(i), Species: strings.Repeat("x", i%100)}, nil) {
				return
			}
		}
		if yield(penguin{Species: "not a row"}, err) {
			panic("a table was read on after its error")
		}
	}
}

func TestTableOfUnsuitableRows(t *testing.T) {
	t.Parallel()
	type nested struct{ Inner struct{ X int } }
	type list struct{ Xs []float64 }
	type hidden struct{ x int } //nolint:unused // that is the point
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"nested": {codecError[artifact.Table[nested]](), "field Inner"},
		"list":   {codecError[artifact.Table[list]](), "field Xs"},
		"hidden": {codecError[artifact.Table[hidden]](), "field x"},
		"number": {codecError[artifact.Table[int]](), "want a struct"},
		"empty":  {codecError[artifact.Table[struct{}]](), "without fields"},
	} {
		if !errors.Is(test.err, component.ErrInvalid) || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: got %v, want Invalid with %q", name, test.err, test.want)
		}
	}
}

func TestTableStopsEarly(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	table := mustLoad[artifact.Table[penguin]](s, mustSave(s, artifact.TableOf(penguins(10_000))))
	for range 3 {
		n := 0
		for row, err := range table.Rows(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Ring != math.MaxUint64-uint64(n) {
				t.Fatalf("row %d is %v", n, row)
			}
			if n++; n == 2500 {
				break
			}
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); strings.Contains(to, t.Name()+"/") {
			t.Errorf("%s is still open", to)
		}
	}
}

func TestTableConcurrently(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	table := mustLoad[artifact.Table[penguin]](s, mustSave(s, artifact.TableOf(penguins(5000))))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if rows, err := table.Collect(t.Context()); err != nil || !cmp.Equal(rows, penguins(5000)) {
				t.Errorf("got %d rows, %v", len(rows), err)
			}
		})
	}
	wg.Wait()
}

func TestTableContext(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	decoded := mustLoad[artifact.Table[penguin]](s, mustSave(s, artifact.TableOf(penguins(5000))))
	for name, table := range map[string]artifact.Table[penguin]{"decoded": decoded, "made": artifact.TableOf(penguins(5000))} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n, last := 0, error(nil)
		for _, err := range table.Rows(ctx) {
			if last = err; n == 10 {
				cancel()
			}
			n++
		}
		if n != 12 || !errors.Is(last, context.Canceled) {
			t.Errorf("%s: %d rows, then %v", name, n, last)
		}
	}
}

// Columns that do not fit are known before the step is called.
func TestTableOfOtherColumns(t *testing.T) {
	t.Parallel()
	type taller struct {
		Species string
		Height  float64
	}
	type narrower struct{ Species string }
	s := newStore(t)
	for _, n := range []int{1, 5000} {
		rec := mustSave(s, artifact.TableOf(penguins(n)))
		if _, err := load[artifact.Table[taller]](s, rec); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), `no column "Height"`) {
			t.Errorf("got %v, want Invalid naming the column", err)
		}
		if _, err := load[artifact.Table[narrower]](s, rec); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "would be lost") {
			t.Errorf("got %v, want Invalid", err)
		}
		if _, err := load[artifact.Table[penguin]](s, s.foreign("parquet/1", []byte(strings.Repeat("no parquet", 1000*n)), nil)); !errors.Is(err, component.ErrCorrupt) {
			t.Errorf("got %v, want Corrupt", err)
		}
	}
}

func TestFromParquet(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rec := mustSave(s, artifact.TableOf(penguins(5000)))
	r, err := transfer.Content(t.Context(), s, rec)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "penguins.parquet"), string(content))
	type narrower struct {
		Ring uint64 `parquet:"RING_NO"`
	}
	rows, err := artifact.FromParquet[narrower](path).Collect(t.Context())
	if err != nil || len(rows) != 5000 || rows[4999].Ring != math.MaxUint64-4999 {
		t.Errorf("got %d rows, %v", len(rows), err)
	}

	type other struct{ Ring int32 }
	type nested struct{ Inner struct{ X int } }
	flip := bytes.Clone(content)
	for i := range 200 {
		flip[100+i] ^= 0xff
	}
	damagedPath := writeFile(t, filepath.Join(t.TempDir(), "damaged.parquet"), string(flip))
	for name, test := range map[string]struct {
		err  error
		code component.Code
		want string
	}{
		"zero":      {collectError(artifact.FromParquet[penguin]("")), component.Invalid, `parquet file "": the path is empty`},
		"missing":   {collectError(artifact.FromParquet[penguin]("none.parquet")), component.NotFound, `parquet file "none.parquet": open: no such file`},
		"directory": {collectError(artifact.FromParquet[penguin](filepath.Dir(path))), component.Invalid, "it is a directory"},
		"no column": {collectError(artifact.FromParquet[other](path)), component.Invalid, `no column "Ring"`},
		"type":      {collectError(artifact.FromParquet[nested](path)), component.Invalid, "field Inner"},
		"csv":       {collectError(artifact.FromParquet[penguin](writeFile(t, filepath.Join(t.TempDir(), "x.csv"), "a,b\n"))), component.Corrupt, "x.csv"},
		"damaged":   {collectError(artifact.FromParquet[penguin](damagedPath)), component.Corrupt, "damaged.parquet"},
	} {
		if component.CodeOf(test.err) != test.code || test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: got %v (%v), want %v with %q", name, test.err, component.CodeOf(test.err), test.code, test.want)
		}
	}
}

// Made by pyarrow: pq.write_table(t, compression="snappy", row_group_size=3), with a dictionary, nulls, and times in milliseconds.
func TestForeignParquet(t *testing.T) {
	t.Parallel()
	type bird struct {
		Species, Island string
		Mass            *int16
		Seen            time.Time
	}
	table := artifact.FromParquet[bird]("testdata/birds.parquet")
	mass := func(m int16) *int16 { return &m }
	day := func(d int) time.Time { return time.Date(2007, time.November, d, 0, 0, 0, 0, time.UTC) }
	want := []bird{
		{"Adelie", "Torgersen", mass(3750), day(13)}, {"Gentoo", "Biscoe", mass(5700), day(14)},
		{"Chinstrap", "Dream", mass(3733), day(15)}, {"Gentoo", "Biscoe", nil, day(16)},
	}
	for range 2 {
		got, err := table.Collect(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%v\n%s", err, diff)
		}
		s := newStore(t)
		table = mustLoad[artifact.Table[bird]](s, mustSave(s, table))
	}

	type strict struct {
		Species string
		Mass    int32
	}
	rows := 0
	for _, err := range artifact.FromParquet[strict]("testdata/birds.parquet").Rows(t.Context()) {
		if rows++; err == nil {
			continue
		}
		if rows != 4 || !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), `row 3, column "mass": null does not fit field Mass`) {
			t.Errorf("row %d: got %v", rows, err)
		}
	}
	if rows != 4 {
		t.Errorf("%d rows were yielded", rows)
	}
}

func collectError[T any](table artifact.Table[T]) error {
	_, err := table.Collect(context.Background())
	return err
}

// A row that holds a table of its own kind is refused like any other that is not flat.
func TestTableOfItself(t *testing.T) {
	t.Parallel()
	type node struct{ Children artifact.Table[node] }
	if err := codecError[artifact.Table[node]](); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "field Children") {
		t.Errorf("got %v, want Invalid naming the field", err)
	}
	if got := codec.TypeString(reflect.TypeFor[node](), nil); got != "struct{Children table}" {
		t.Errorf("structural type %s", got)
	}
	if got := codec.TypeString(reflect.TypeFor[artifact.Table[struct{ X int }]](), nil); got != "[]struct{X int}" {
		t.Errorf("structural type %s", got)
	}
}
