package command_test

import (
	"image"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
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

type rowsOut struct{ Rows artifact.Ref[[]row] }

// Rows are the same after a program has copied them, in every form.
func TestRowsComeBack(t *testing.T) {
	t.Parallel()
	nan := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1)}))
	finite := rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64)
	text := rapid.String()
	// Package encoding/csv reads \r\n within a field as \n.
	noReturns := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != '\r' }))
	type rows struct{ Parquet, CSV, JSON artifact.Ref[[]row] }
	spec := deed("copy", "{Parquet}", "{out.Parquet}", "{CSV:csv}", "{out.CSV:csv}", "{JSON:json}", "{out.JSON:json}")
	draw := func(t *rapid.T, numbers *rapid.Generator[float64], text *rapid.Generator[string]) artifact.Ref[[]row] {
		one := rapid.Custom(func(t *rapid.T) row { return drawRow(t, numbers, text) })
		return artifact.New(rapid.SliceOfN(one, 0, 5).Draw(t, "rows"))
	}
	rapid.Check(t, func(rt *rapid.T) {
		in := rows{draw(rt, nan, text), draw(rt, nan, noReturns), draw(rt, finite, text)}
		out, err := command.Run[rows](t.Context(), command.With(spec, in))
		if err != nil {
			rt.Fatal(err)
		}
		for form, pair := range map[string][2]artifact.Ref[[]row]{"parquet": {in.Parquet, out.Parquet}, "csv": {in.CSV, out.CSV}, "json": {in.JSON, out.JSON}} {
			if diff := cmp.Diff(pair[0].Value(), pair[1].Value(), sameFloats); diff != "" {
				rt.Errorf("%s: %s", form, diff)
			}
		}
	})
}

// An empty line is no row, but one of an empty text is.
func TestEmptyTexts(t *testing.T) {
	t.Parallel()
	type word struct{ Word string }
	type words struct{ Words artifact.Ref[[]word] }
	in := words{artifact.New([]word{{"a"}, {""}, {""}, {"b"}})}
	out, err := command.Run[words](t.Context(), command.With(deed("copy", "{Words:csv}", "{out.Words:csv}"), in))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.Words.Value(), out.Words.Value()); diff != "" {
		t.Error(diff)
	}
}

// More rows than one batch, and than fit in what is kept in memory.
func TestManyRows(t *testing.T) {
	t.Parallel()
	type point struct {
		I int
		X float64
	}
	type in struct{ Points artifact.Ref[artifact.Table[point]] }
	type out struct {
		Table artifact.Ref[artifact.Table[point]]
		Rows  artifact.Ref[[]point]
	}
	const n = 10_000
	points := make([]point, n)
	for i := range points {
		points[i] = point{i, float64(i) / 7}
	}
	for _, form := range []string{"parquet", "csv"} {
		spec := deed("copy", "{Points:"+form+"}", "{out.Table:"+form+"}", "{Points:"+form+"}", "{out.Rows:"+form+"}")
		got, err := command.Run[out](t.Context(), command.With(spec, in{artifact.New(artifact.TableOf(points))}))
		if err != nil {
			t.Fatal(err)
		}
		table, err := got.Table.Value().Collect(t.Context())
		if diff := cmp.Diff(points, table); err != nil || diff != "" {
			t.Errorf("%s: %v\n%.1000s", form, err, diff)
		}
		if diff := cmp.Diff(points, got.Rows.Value()); diff != "" {
			t.Errorf("%s: %.1000s", form, diff)
		}
	}
}

// run1 copies one value through a program.
func run1[T any](t *testing.T, value T) T {
	t.Helper()
	type in struct{ V artifact.Ref[T] }
	out, err := command.Run[artifact.Ref[T]](t.Context(), command.With(deed("copy", "{V}", "{out}"), in{artifact.New(value)}))
	if err != nil {
		t.Fatalf("%T: %v", value, err)
	}
	return out.Value()
}

func same[T any](t *testing.T, value T) {
	t.Helper()
	if diff := cmp.Diff(value, run1(t, value)); diff != "" {
		t.Errorf("%T: %s", value, diff)
	}
}

func TestValuesComeBack(t *testing.T) {
	t.Parallel()
	type inner struct {
		Label string `json:"label"`
		Deep  map[string][]int
	}
	type model struct {
		Weights [][]float64
		Bias    *float64 `json:",omitempty"`
		At      time.Time
		In      inner
		Raw     []byte
		Pair    [2]uint16
	}
	bias := 0.5
	same(t, model{[][]float64{{1, 2}, nil, {}}, &bias, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), inner{"é\n\"", map[string][]int{"a": {1}, "b": nil}}, []byte{0, 255}, [2]uint16{1, 2}})
	same(t, model{})
	same(t, []float64{1, 2.5, math.MaxFloat64, math.SmallestNonzeroFloat64})
	same(t, []int64{math.MaxInt64, math.MinInt64})
	same(t, []float64(nil))
	same(t, map[int]string{-1: "x"})
	same(t, 0.1)
	same(t, true)
	same(t, &bias)
	same(t, time.Hour)
	same(t, "text with {Rows} and \x00\n")
	same(t, "")
	same(t, []byte("\xff\x00bytes"))
	same(t, []byte{})
	same(t, [][]string{{"a"}})
}

func TestImage(t *testing.T) {
	t.Parallel()
	img := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	img.SetNRGBA(1, 1, color.NRGBA{1, 2, 3, 4})
	if diff := cmp.Diff(img, run1(t, img)); diff != "" {
		t.Error(diff)
	}
	if got := run1[image.Image](t, img); got.Bounds() != img.Bounds() || got.At(1, 1) != img.At(1, 1) {
		t.Errorf("it is %v", got)
	}
}

func TestFilesComeBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := string(run1(t, artifact.File(path)))
	if text, err := os.ReadFile(got); string(text) != "weights" || err != nil || got == path {
		t.Errorf("%s holds %q, %v", got, text, err)
	}
	copied := string(run1(t, artifact.Dir(dir)))
	if text, err := os.ReadFile(filepath.Join(copied, "model.onnx")); string(text) != "weights" || err != nil {
		t.Errorf("%s holds %q, %v", copied, text, err)
	}
	r, err := run1(t, artifact.BlobOf([]byte("blob"))).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if text, err := io.ReadAll(r); string(text) != "blob" || err != nil {
		t.Errorf("the blob is %q, %v", text, err)
	}
}

// A file that is stored as it is gets the name that the command gives it.
func TestFileName(t *testing.T) {
	t.Parallel()
	type out struct {
		Plot  artifact.Ref[artifact.File]
		Model artifact.Ref[[]byte]
	}
	got, err := command.Run[out](t.Context(), command.With(deed("write", "{out.Plot:plot.svg}", "<svg/>", "{out.Model:model.pkl}", "pickle"), struct{}{}))
	if err != nil {
		t.Fatal(err)
	}
	if name := filepath.Base(string(got.Plot.Value())); name != "plot.svg" || string(got.Model.Value()) != "pickle" {
		t.Errorf("got %s and %q", name, got.Model.Value())
	}
}

type imageT = image.Image
