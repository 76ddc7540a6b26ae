package export

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"image"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stored is content in memory.
type stored struct {
	data []byte
	id   string // of the codec
	temp func() string
	ends error // in place of io.EOF
}

func (s stored) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(s.data), ending{s.ends})), nil
}
func (s stored) Size() int64              { return int64(len(s.data)) }
func (s stored) Version() int             { return 1 }
func (s stored) Meta() map[string]any     { return nil }
func (s stored) TempDir() (string, error) { return s.temp(), nil }

// ending is the end of content that verifies, or does not.
type ending struct{ err error }

func (e ending) Read([]byte) (int, error) { return 0, cmp.Or(e.err, io.EOF) }

// store encodes a value as a step's output is.
func store(t testing.TB, v any) stored {
	t.Helper()
	c, err := codec.For(reflect.TypeOf(v), nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := c.Encode(t.Context(), &b, v); err != nil {
		t.Fatal(err)
	}
	return stored{data: b.Bytes(), id: c.ID(), temp: t.TempDir}
}

func (s stored) kind() Kind { return KindOf(s.id, s.data[:min(len(s.data), HeadSize)]) }

type bird struct {
	Name   string
	Mass   *float64 `parquet:"mass in \"kg\""`
	Small  float32
	Count  uint64
	Seen   time.Time
	Ringed bool
	Tag    []byte
}

func birds(t testing.TB) []bird {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones: %v", err)
	}
	mass, none := 1e-9, math.NaN()
	return []bird{
		{Name: "plain", Mass: &mass, Small: 0.1, Count: math.MaxUint64, Seen: time.Date(2026, 7, 1, 12, 0, 0, 5, berlin), Ringed: true, Tag: []byte{0, 255}},
		{Name: "comma, \"quote\"\nand line \x1b[31m", Mass: &none, Small: float32(math.Inf(-1)), Seen: time.Unix(0, 0).UTC(), Tag: []byte{}},
		{Name: "not UTF-8 \xff", Seen: time.Date(-300, 1, 1, 0, 0, 0, 0, time.UTC)},
		{},
	}
}

type nested struct {
	Name string
	List []map[string]int
	F    float64
	None *int
	At   time.Time
}

// TestForms holds what each kind of value becomes against a golden file.
func TestForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		v    any
		kind Kind
	}{
		{"rows", birds(t), Rows},
		{"no rows", []bird{}, Rows},
		{"nil rows", []bird(nil), Rows},
		{"floats", []float64{1, 0.1, math.Copysign(0, -1), math.NaN(), math.Inf(1), 1e300, 5e-324}, Numbers},
		{"small floats", []float32{0.1, 1e30, float32(math.Inf(-1))}, Numbers},
		{"ints", []int{math.MinInt64, 0, math.MaxInt64}, Numbers},
		{"bytes with signs", []int8{-128, -1, 0, 127}, Numbers},
		{"short", []uint16{0, 65535}, Numbers},
		{"large", []uint64{math.MaxUint64}, Numbers},
		{"no numbers", []int32{}, Numbers},
		{"nil numbers", []int32(nil), Numbers},
		{"number", 12, Value},
		{"float", math.Inf(1), Value},
		{"struct", nested{"a\x1b[0m", []map[string]int{{"b": 1, "a": 2}, nil}, 0.5, nil, time.Unix(1, 2).UTC()}, Value},
	}
	var all strings.Builder
	for _, test := range tests {
		s := store(t, test.v)
		if got := s.kind(); got != test.kind {
			t.Errorf("%s is %s, want %s", test.name, got, test.kind)
		}
		for _, f := range test.kind.Forms()[1:] {
			var b bytes.Buffer
			if err := Convert(t.Context(), &b, s, test.kind, f); err != nil {
				t.Errorf("%s as %s: %v", test.name, f, err)
			}
			all.WriteString("-- " + test.name + " as " + string(f) + " --\n" + b.String())
			wellFormed(t, test.name, f, b.Bytes())
		}
	}
	golden(t, "forms.txt", strings.NewReplacer("\x1b", "\\x1b", "\xff", "\\xff").Replace(all.String()))
}

// wellFormed reads a form as other tools do.
func wellFormed(t *testing.T, name string, f Form, data []byte) {
	t.Helper()
	if f == CSV {
		if _, err := csv.NewReader(bytes.NewReader(data)).ReadAll(); err != nil {
			t.Errorf("%s as CSV: %v", name, err)
		}
		return
	}
	for line := range bytes.Lines(data) {
		if !json.Valid(line) {
			t.Errorf("%s as JSON: %q", name, line)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	png := store(t, image.NewGray(image.Rect(0, 0, 1, 1))).data
	rows := store(t, birds(t)).data
	for _, test := range []struct {
		codec string
		head  []byte
		want  Kind
	}{
		{"file/1", png, Image},
		{"file/1", rows, Rows},
		{"blob/1", []byte("a,b\n1,2\n"), Text},
		{"bytes/1", []byte("<html>"), Text},
		{"file/1", []byte{0, 1, 2}, Opaque},
		{"file/1", nil, Text}, // an empty file is an empty text
		{"png/1", nil, Image},
		{"dir/1", nil, Archive},
		{"marshaled-text/1", png, Text},
		{"parquet/2", rows, Opaque},
		{"acme/dense/1", []byte{0x80, 0}, Opaque},
		{"acme/dense/1", []byte("1 2 3"), Text},
		{"gather/1", nil, Text},
		{"", rows, Opaque},
		{"cbor", rows, Opaque},
	} {
		if got := KindOf(test.codec, test.head[:min(len(test.head), HeadSize)]); got != test.want {
			t.Errorf("%s beginning with %.10q is %s, want %s", test.codec, test.head, got, test.want)
		}
	}
}

func TestFormsThatThereAreNot(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		v    any
		form Form
		want string
	}{
		{"text", CSV, "it cannot be written as csv: it can as raw"},
		{12, CSV, "it cannot be written as csv: it can as raw, json"},
		{[]int{1}, "yaml", "it cannot be written as yaml: it can as raw, json, csv"},
		{[]int{1}, Raw, "it cannot be written as raw: it can as raw, json, csv"},
	} {
		s := store(t, test.v)
		err := Convert(t.Context(), io.Discard, s, s.kind(), test.form)
		if err == nil || err.Error() != test.want || component.CodeOf(err) != component.Invalid {
			t.Errorf("%v as %s: %v", test.v, test.form, err)
		}
	}
}

// TestDamage: whatever is wrong with content is an error, at the latest at the end.
func TestDamage(t *testing.T) {
	t.Parallel()
	damaged := component.Errorf(component.Corrupt, "the bytes have another digest")
	for _, v := range []any{birds(t), []float64{1, 2, 3}, []int8{}, nested{}} {
		s := store(t, v)
		s.ends = damaged
		if err := Convert(t.Context(), io.Discard, s, s.kind(), JSON); !errors.Is(err, damaged) {
			t.Errorf("%T that does not verify: %v", v, err)
		}
		for _, form := range s.kind().Forms()[1:] {
			for _, cut := range []int{0, 3, 7, len(s.data) - 1} {
				short := store(t, v)
				short.data = short.data[:min(cut, max(0, len(short.data)-1))]
				if err := Convert(t.Context(), io.Discard, short, s.kind(), form); component.CodeOf(err) != component.Corrupt {
					t.Errorf("%T cut to %d bytes as %s: %v", v, cut, form, err)
				}
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, v := range []any{birds(t), make([]float64, 1<<20)} {
		s := store(t, v)
		if err := Convert(ctx, io.Discard, s, s.kind(), CSV); !errors.Is(err, context.Canceled) {
			t.Errorf("%T after the end: %v", v, err)
		}
	}
}

// sized is content that says that it has another size.
type sized struct {
	stored
	size int64
}

func (s sized) Size() int64 { return s.size }

func TestSizeOfValues(t *testing.T) {
	t.Parallel()
	for size, want := range map[int64]component.Code{MaxValue + 1: component.Exhausted, 0: component.Corrupt} {
		if err := Convert(t.Context(), io.Discard, sized{store(t, 12), size}, Value, JSON); component.CodeOf(err) != want {
			t.Errorf("a value of %d bytes: %v", size, err)
		}
	}
}

// FuzzConvert gives the readers content that nobody wrote: no panic, and no more memory than the content gives cause for.
func FuzzConvert(f *testing.F) {
	for _, v := range []any{[]bird{{Name: "a"}, {Name: "b"}}, []float32{1, 2}, nested{Name: "a"}} {
		s := store(f, v)
		f.Add(string(s.kind()), s.data)
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		s := stored{data: data, temp: t.TempDir}
		for _, form := range Kind(kind).Forms()[1:] {
			var b bytes.Buffer
			if err := Convert(t.Context(), &limited{w: &b, left: 16 << 20}, s, Kind(kind), form); err == nil {
				wellFormed(t, kind, form, b.Bytes())
			}
		}
	})
}

// limited is a reader of the output who has had enough.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, io.ErrShortWrite
	}
	return l.w.Write(p)
}

func BenchmarkRows(b *testing.B) {
	rows := make([]bird, 200_000)
	for i := range rows {
		rows[i] = bird{Name: "Adelie penguin", Count: uint64(i), Seen: time.Unix(int64(i), 0).UTC(), Small: float32(i) / 3}
	}
	s := store(b, rows)
	for _, form := range []Form{CSV, JSON} {
		b.Run(string(form), func(b *testing.B) {
			b.SetBytes(int64(len(rows)))
			for b.Loop() {
				if err := Convert(b.Context(), io.Discard, s, Rows, form); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
