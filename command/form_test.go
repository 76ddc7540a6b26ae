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

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
)

type row struct {
	Name string
	N    int64
}

type rowsOut struct{ Rows artifact.Ref[[]row] }

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
	type in struct {
		Points artifact.Ref[artifact.Table[point]]
	}
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
