package command

import (
	"io"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type row struct {
	Name   string
	N      int64
	Small  uint8
	X      float64
	F      float32
	OK     bool
	At     time.Time
	Data   []byte
	Maybe  *int32
	Tagged *float64 `parquet:"tagged_column"`
}

func drawRow(t *rapid.T, numbers *rapid.Generator[float64], text *rapid.Generator[string]) row {
	r := row{
		Name: text.Draw(t, "name"), N: rapid.Int64().Draw(t, "n"), Small: rapid.Uint8().Draw(t, "small"),
		X: numbers.Draw(t, "x"), F: float32(rapid.Float32Range(-1e30, 1e30).Draw(t, "f")), OK: rapid.Bool().Draw(t, "ok"),
		At: time.Unix(rapid.Int64Range(-1e9, 9e9).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
	}
	if data := rapid.SliceOf(rapid.Byte()).Draw(t, "data"); len(data) > 0 { // empty and nil are alike in CSV
		r.Data = data
	}
	if rapid.Bool().Draw(t, "set") {
		n := rapid.Int32().Draw(t, "maybe")
		r.Maybe = &n
		x := numbers.Draw(t, "tagged")
		r.Tagged = &x
	}
	return r
}

var sameFloats = cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })

// Rows are the same after they were written and read, in every form.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	nan := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1)}))
	finite := rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64)
	text := rapid.String()
	// Package encoding/csv reads \r\n within a field as \n.
	noReturns := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != '\r' }))
	for as, draw := range map[form]func(*rapid.T) row{
		formParquet: func(t *rapid.T) row { return drawRow(t, nan, text) },
		formCSV:     func(t *rapid.T) row { return drawRow(t, nan, noReturns) },
		formJSON:    func(t *rapid.T) row { return drawRow(t, finite, text) },
	} {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			o := output{name: "Rows", typ: reflect.TypeFor[[]row](), form: as}
			rapid.Check(t, func(rt *rapid.T) {
				rows := rapid.SliceOfN(rapid.Custom(draw), 0, 5).Draw(rt, "rows")
				j := &job{dir: t.TempDir()}
				path := j.path("rows")
				if err := create(path, 0o600, func(w io.Writer) error { return j.write(t.Context(), w, as, o.typ, rows) }); err != nil {
					rt.Fatal(err)
				}
				got, err := j.decode(t.Context(), o, path, 0)
				if diff := cmp.Diff(rows, got, sameFloats); err != nil || diff != "" {
					rt.Errorf("%v\n%s", err, diff)
				}
			})
		})
	}
}
