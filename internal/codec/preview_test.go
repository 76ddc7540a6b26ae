package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/component"
)

// TestDescriptions shows metadata and preview of each codec.
func TestDescriptions(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	describe := func(title string, s stored) {
		fmt.Fprintf(&b, "== %s\n%s%s\n", title, metaText(s.info), s.info.Preview)
		if !utf8.ValidString(s.info.Preview) || len(s.info.Preview) > previewLimit {
			t.Errorf("%s: preview of %d bytes", title, len(s.info.Preview))
		}
	}
	describe("bool", trip(t, true))
	describe("metric", trip(t, 0.978))
	describe("NaN", trip(t, math.NaN()))
	describe("text", trip(t, "two\nlines, a tab\t, \x1b[31mno colours\x00, no \xff bytes, no \u202ebidi"))
	describe("bytes that are text", trip(t, []byte("plain")))
	describe("bytes that are not", trip(t, []byte("\x89PNG\r\n\x1a\n....")))
	describe("no bytes", trip(t, []byte{}))
	describe("nil", trip(t, []byte(nil)))
	describe("numbers", trip(t, []int16{3, -1, 4}))
	describe("matrix", trip(t, [][]float64{{1, 2, 3}, {4, 5, 6}}))
	describe("ragged", trip(t, [][]float64{{1, 2, 3}, {4}}))
	describe("tensor", trip(t, [][2][]int8{{{1}, {2}}, {{3}, {4}}, {{5}, {6}}}))
	describe("strings", trip(t, []string{"a", "\"b\""}))
	describe("map", trip(t, map[string]int{"b": 1, "a": 2}))
	describe("struct", trip(t, nested{Tags: []string{"x"}}))
	describe("marshaled", trip(t, level(3)))
	mass := 3750.5
	seen := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	describe("rows", trip(t, []flat{
		{Name: "Adelie", Mass: &mass, Seen: seen, Photo: []byte("....")},
		{Name: "a long name that does not fit into a column", Seen: seen.AddDate(1, 0, 0)},
		{Name: "two\nlines"},
	}))
	describe("no rows", trip(t, []flat{}))
	describe("nil rows", trip(t, []flat(nil)))
	describe("many rows", trip(t, make([]struct{ N int }, 12)))
	golden(t, "descriptions.txt", b.String())
}

// TestPreviewsOfLargeValues: a preview shows the start of a value whatever its size, and costs no second encoding.
func TestPreviewsOfLargeValues(t *testing.T) {
	t.Parallel()
	many := make([]string, 100_000)
	for i := range many {
		many[i] = "äöü"
	}
	for name, s := range map[string]stored{
		"strings": trip(t, many), "one string": trip(t, []string{strings.Repeat("ä", 1<<20)}), "text": trip(t, strings.Repeat("ä", 1<<20)), "bytes": trip(t, [][]byte{make([]byte, 1<<20)}),
		"map": trip(t, map[string]string{strings.Repeat("k", 5000): "v"}),
	} {
		p := s.info.Preview
		if len(p) > previewLimit || len(p) < previewLimit-100 || !utf8.ValidString(p) || !strings.HasSuffix(p, ellipsis) || strings.Contains(p, "\ufffd") {
			t.Errorf("%s: preview of %d bytes: %.80q", name, len(p), p)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := strings.Repeat(drawString.Draw(rt, "s"), rapid.IntRange(1, 200).Draw(rt, "times"))
		p := Printable(s)
		if len(p) > previewLimit || !utf8.ValidString(p) {
			rt.Fatalf("%d bytes", len(p))
		}
		for _, r := range p {
			if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == '\u202e' {
				rt.Fatalf("%q", r)
			}
		}
	})
}

func TestCleanInfo(t *testing.T) {
	t.Parallel()
	i, err := CleanInfo(Info{Meta: map[string]any{"rows": 3, "list": []int{1}}, Preview: "a\x00"})
	if err != nil || !reflect.DeepEqual(i.Meta, map[string]any{"rows": 3.0, "list": []any{1.0}}) || i.Preview != `a\u0000` {
		t.Errorf("%v %v", i, err)
	}
	for _, meta := range []map[string]any{{"nan": math.NaN()}, {"chan": make(chan int)}, {"big": strings.Repeat("x", 65<<10)}} {
		if _, err := CleanInfo(Info{Meta: meta}); err == nil {
			t.Errorf("%.40v is accepted", meta)
		}
	}
}

// TestEncodingStreams: memory does not grow with the value, and an error of the writer ends the encoding.
func TestEncodingStreams(t *testing.T) {
	t.Parallel()
	type item struct {
		Name string
		Data []byte
	}
	value := make([]item, 5000)
	for i := range value {
		value[i] = item{"name", bytes.Repeat([]byte{byte(i)}, 1000)}
	}
	value[17].Data = make([]byte, 1<<20)
	c := codecFor[[][]item](t)
	var w largest
	if _, err := c.Encode(t.Context(), &w, [][]item{value}); err != nil {
		t.Fatal(err)
	}
	if w.total < 6_000_000 || w.most > 1<<20 || w.writes < 50 {
		t.Errorf("%d bytes in %d writes of up to %d bytes", w.total, w.writes, w.most)
	}
	for _, c := range []Codec{c, codecFor[[]float64](t), codecFor[[]flat](t), codecFor[string](t), codecFor[[]byte](t), codecFor[level](t)} {
		var v any
		switch c.Type.Kind() {
		case reflect.String:
			v = "x"
		case reflect.Uint8:
			v = level(1)
		case reflect.Slice:
			v = reflect.MakeSlice(c.Type, 3, 3).Interface()
		}
		if _, err := c.Encode(t.Context(), full{}, v); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", c.ID(), err)
		}
	}
}

type largest struct{ total, most, writes int }

func (l *largest) Write(p []byte) (int, error) {
	l.total, l.most, l.writes = l.total+len(p), max(l.most, len(p)), l.writes+1
	return len(p), nil
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestReadErrorsComeThrough: the verdict on a digest, given in place of io.EOF, is what every codec returns.
func TestReadErrorsComeThrough(t *testing.T) {
	t.Parallel()
	bad := component.Errorf(component.Corrupt, "content sha256:00 is corrupt")
	for name, s := range map[string]struct {
		Codec
		stored
	}{
		"cbor":    {codecFor[map[string]int](t), trip(t, map[string]int{"a": 1})},
		"numeric": {codecFor[[]float64](t), trip(t, []float64{1})},
		"nil":     {codecFor[[]float64](t), trip(t, []float64(nil))},
		"parquet": {codecFor[[]flat](t), trip(t, []flat{{}})},
		"text":    {codecFor[string](t), trip(t, "a")},
		"bytes":   {codecFor[[]byte](t), trip(t, []byte("a"))},
		"level":   {codecFor[level](t), trip(t, level(1))},
		"image":   {codecFor[image.Image](t), encode(t, codecFor[image.Image](t), image.NewGray(image.Rect(0, 0, 1, 1)))},
	} {
		if _, err := s.Decode(t.Context(), failing{s.stored, bad}); !errors.Is(err, bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// failing is content whose reader ends with an error.
type failing struct {
	stored
	err error
}

func (f failing) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(f.data), errReader{f.err})), nil
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// TestAnotherProcessWritesTheSameBytes runs this test binary again.
func TestAnotherProcessWritesTheSameBytes(t *testing.T) {
	t.Parallel()
	digest := func() string {
		v := reflect.ValueOf(newSpecimen(t))
		var b bytes.Buffer
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				data, err := Canonical(v.Field(i).Interface())
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "%s %x\n", f.Name, data)
			}
		}
		fmt.Fprintf(&b, "%x\n", encode(t, codecFor[[]allKinds](t), allKindsRows(t)).data)
		return b.String()
	}
	if os.Getenv("TENON_CODEC_CHILD") != "" {
		fmt.Print(digest())
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAnotherProcessWritesTheSameBytes$")
	cmd.Env = append(os.Environ(), "TENON_CODEC_CHILD=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, _, _ := strings.Cut(string(out), "PASS\n"); got != digest() {
		t.Errorf("another process writes\n%s\nthis one\n%s", got, digest())
	}
}
