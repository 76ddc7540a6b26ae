package codec

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// allKinds has a field of each kind that a column can hold.
type allKinds struct {
	B    bool
	I    int
	I8   int8
	I16  int16
	I32  int32
	I64  int64
	U    uint
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64
	F32  float32
	F64  float64 `parquet:"f64,snappy"`
	S    string
	D    time.Duration
	Raw  []byte
	At   time.Time
	PB   *bool
	PI8  *int8
	PU64 *uint64
	PF   *float64
	PS   *string
	PAt  *time.Time
}

func allKindsRows(t tb) []allKinds {
	berlin := location(t, "Europe/Berlin")
	return []allKinds{
		{},
		{
			B: true, I: math.MinInt64, I8: -128, I16: -1, I32: math.MaxInt32, I64: 1<<53 + 1, U: math.MaxUint64, U8: 255, U16: 65535, U32: math.MaxUint32, U64: 1<<63 + 1,
			F32: math.Float32frombits(0x7fa0_0001), F64: math.Float64frombits(0xfff0_0000_0000_0007), S: "ä\x00", D: time.Hour, Raw: []byte{}, At: time.Date(2024, 7, 1, 12, 0, 0, 1, berlin),
			PB: ptr(false), PI8: ptr(int8(-1)), PU64: ptr(uint64(math.MaxUint64)), PF: ptr(math.Inf(-1)), PS: ptr(""), PAt: ptr(time.Time{}),
		},
		{
			F32: float32(math.Copysign(0, -1)), F64: math.Copysign(0, -1), S: "not UTF-8 \xff", Raw: []byte("\x00\xff"), At: time.Date(9999, 1, 1, 0, 0, 0, 5, time.FixedZone("a b\"c", -1)),
			PAt: ptr(time.Date(1900, 1, 1, 0, 0, 0, 0, berlin)),
		},
		{At: time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC), PAt: ptr(time.Date(-300, 1, 1, 0, 0, 0, 0, time.FixedZone("", 7)))},
		{At: time.Unix(0, math.MaxInt64).UTC(), PAt: ptr(time.Unix(0, math.MinInt64).UTC())},
	}
}

func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	rows := allKindsRows(t)
	s := trip(t, rows)
	if c := codecFor[[]allKinds](t); c.ID() != "parquet/1" {
		t.Fatal(c.ID())
	}
	golden(t, "parquet.txt", s.info.Preview+"\n"+metaText(s.info))
	trip(t, rows[:0])
	trip(t, []allKinds(nil))

	// More rows than a batch and than a row group.
	many := make([]flat, groupRows+batchRows+1)
	for i := range many {
		many[i] = flat{Name: strconv.Itoa(i % 1000), Photo: []byte{byte(i)}}
		if i%3 == 0 {
			many[i].Mass = ptr(float64(i))
		}
	}
	s = trip(t, many)
	r, err := OpenRows(bytes.NewReader(s.data), s.Size(), rowsOf[flat](t), true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := len(r.file.RowGroups()); n != 2 || r.NumRows() != int64(len(many)) {
		t.Errorf("%d row groups, %d rows", n, r.NumRows())
	}
}

func rowsOf[T any](t tb) *Rows {
	t.Helper()
	rows, err := RowsOf(reflect.TypeFor[T](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestLongStringsEndARowGroup: what a writer holds is bounded by bytes, too.
func TestLongStringsEndARowGroup(t *testing.T) {
	t.Parallel()
	type doc struct{ Text []byte }
	docs := make([]doc, 20)
	for i := range docs {
		docs[i].Text = bytes.Repeat([]byte{byte(i)}, groupBytes/8)
	}
	s := encode(t, codecFor[[]doc](t), docs)
	r, err := OpenRows(bytes.NewReader(s.data), s.Size(), rowsOf[doc](t), true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := len(r.file.RowGroups()); n != 3 {
		t.Errorf("%d row groups", n)
	}
}

func TestRowsOfRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		t    reflect.Type
		text string
	}{
		{reflect.TypeFor[int](), "rows of int: want a struct of plain fields"},
		{reflect.TypeFor[time.Time](), "rows of Time: want a struct of plain fields"},
		{reflect.TypeFor[struct{}](), "rows of struct {}: a struct without fields makes no columns"},
		{reflect.TypeFor[struct{ a int }](), "rows of struct { a int }: field a is unexported and would be lost: export it"},
		{reflect.TypeFor[nested](), "rows of nested: field Tags of type []string is no plain value: use a bool, number, string, []byte or time.Time"},
		{reflect.TypeFor[struct{ P *[]byte }](), "rows of struct { P *[]uint8 }: field P of type *[]uint8 is no plain value: use a bool, number, string, []byte or time.Time"},
		{reflect.TypeFor[struct{ P **int }](), "rows of struct { P **int }: field P of type **int is no plain value: use a bool, number, string, []byte or time.Time"},
		{reflect.TypeFor[struct{ L level }](), "rows of struct { L codec.level }: field L of type codec.level is no plain value: use a bool, number, string, []byte or time.Time"},
		{reflect.TypeFor[struct {
			A int `parquet:"-"`
		}](), `rows of struct { A int "parquet:\"-\"" }: field A would be left out by its tag and lost: remove the tag`},
		{reflect.TypeFor[struct {
			A int `parquet:"B"`
			B int
		}](), `rows of struct { A int "parquet:\"B\""; B int }: two fields make the column "B": name one of them otherwise with a parquet tag`},
		{reflect.TypeFor[struct {
			At      time.Time
			At_zone string
		}](), `rows of struct { At time.Time; At_zone string }: two fields make the column "At_zone": name one of them otherwise with a parquet tag`},
	} {
		_, err := RowsOf(tc.t, nil)
		want(t, err, component.Invalid, tc.text)
	}
}

// readRows reads a file into rows.
func readRows[T any](t tb, data []byte, strict bool) ([]T, error) {
	t.Helper()
	r, err := OpenRows(bytes.NewReader(data), int64(len(data)), rowsOf[T](t), strict)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []T
	err = r.readAll(reflect.ValueOf(&out).Elem(), 1<<30)
	return out, err
}

func TestColumnsAndFieldsThatDoNotFit(t *testing.T) {
	t.Parallel()
	type written struct {
		Name  string
		Count int64
		Mass  *float64
		Seen  time.Time
	}
	data := encode(t, codecFor[[]written](t), []written{{"a", 1, ptr(1.5), time.Time{}}, {"b", 300, nil, time.Time{}}}).data
	check := func(err error, code component.Code, text string) {
		t.Helper()
		want(t, err, code, text)
	}
	_, err := readRows[struct{ Nam string }](t, data, false)
	check(err, component.Invalid, `no column "Nam" for field Nam: the columns are Name, Count, Mass, Seen, Seen_zone; name the right one with a tag such as parquet:"Name"`)
	_, err = readRows[struct{ Name string }](t, data, true)
	check(err, component.Invalid, `column "Count" has no field in struct { Name string } and would be lost: add one, or tag the field that it is for with parquet:"Count"`)
	_, err = readRows[struct{ Name int }](t, data, false)
	check(err, component.Invalid, `column "Name" of type STRING does not fit field Name of type int`)
	_, err = readRows[struct{ Count string }](t, data, false)
	check(err, component.Invalid, `column "Count" of type INT(64,true) does not fit field Count of type string`)
	_, err = readRows[struct{ Count int8 }](t, data, false)
	check(err, component.Invalid, `row 1, column "Count": 300 does not fit type int8`)
	_, err = readRows[struct{ Mass float64 }](t, data, false)
	check(err, component.Invalid, `row 1, column "Mass": null does not fit field Mass of type float64: make it a pointer`)
	_, err = readRows[struct{ Mass *float32 }](t, data, false)
	check(err, component.Invalid, `column "Mass" of type DOUBLE does not fit field Mass of type float32`)
	_, err = readRows[struct{ Seen int }](t, data, false)
	if err == nil || !strings.Contains(err.Error(), `row 0, column "Seen": null does not fit field Seen of type int`) { // far from 1970
		t.Error(err)
	}
	_, err = readRows[struct {
		Name  string
		NAME  string
		Count int
	}](t, data, false)
	check(err, component.Invalid, `no column "NAME" for field NAME: column "Name" is taken by another field`)

	// Names may differ in case, widths where the values fit, and columns may be left out.
	got, err := readRows[struct {
		Label string  `parquet:"NAME"`
		Count float32 `parquet:"count"`
	}](t, data, false)
	if err != nil || len(got) != 2 || got[1].Label != "b" || got[1].Count != 300 {
		t.Errorf("%v %v", got, err)
	}
}

func TestRowsTakeTooMuchMemory(t *testing.T) {
	t.Parallel()
	s := encode(t, codecFor[[]flat](t), make([]flat, 10_000))
	r, err := OpenRows(bytes.NewReader(s.data), s.Size(), rowsOf[flat](t), true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []flat
	err = r.readAll(reflect.ValueOf(&out).Elem(), 1<<18)
	want(t, err, component.Exhausted, "the file has 10000 rows, which take more than 0 MiB of memory: read it row by row as an artifact.Table")
	if cap(out) > 1<<18/int(reflect.TypeFor[flat]().Size())+4096 {
		t.Errorf("room for %d rows was made", cap(out))
	}
}

func TestSameRowsSameBytes(t *testing.T) {
	t.Parallel()
	c := codecFor[[]allKinds](t)
	first := encode(t, c, allKindsRows(t)).data
	for range 3 {
		if again := encode(t, c, allKindsRows(t)).data; !bytes.Equal(first, again) {
			t.Fatal("the bytes differ")
		}
	}
}

// flight is a row of a file that another program wrote, with narrower types where the values fit.
type flight struct {
	Date        time.Time
	Delay       int16
	Distance    uint16
	Origin      string
	Destination string
}

// sharedData looks for data that is kept beside the repository.
func sharedData(t tb, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("no shared/data/%s above this directory", name)
	return ""
}

func TestThreeMillionFlights(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(sharedData(t, "flights-3m.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	flights, err := readRows[flight](t, data, true)
	if err != nil {
		t.Fatal(err)
	}
	var delay, distance int
	origins := make(map[string]bool)
	for _, f := range flights {
		delay += int(f.Delay)
		distance += int(f.Distance)
		origins[f.Origin] = true
	}
	last := flights[len(flights)-1]
	// The sums are those of another reader.
	if len(flights) != 3_000_000 || delay != 20_003_603 || distance != 2_194_861_208 || len(origins) != 229 || last.Destination != "CVG" {
		t.Errorf("%d rows, %d minutes, %d miles, %d origins, the last %+v", len(flights), delay, distance, len(origins), last)
	}

	// Batches that do not divide the row groups give the same rows.
	r, err := OpenRows(bytes.NewReader(data), int64(len(data)), rowsOf[flight](t), true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	batch := make([]flight, 7777)
	for at := 0; at < 600_000; at += len(batch) {
		if n, err := r.Read(reflect.ValueOf(batch)); n != len(batch) || err != nil {
			t.Fatalf("%d rows, %v", n, err)
		}
		if !slices.Equal(batch, flights[at:at+len(batch)]) {
			t.Fatalf("rows from %d differ", at)
		}
	}
}
