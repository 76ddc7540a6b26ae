package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/export"
)

// recordOf is the record of a value, with its content in it.
func recordOf(t *testing.T, v any) artifact.Record {
	t.Helper()
	c, err := codec.For(reflect.TypeOf(v), nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	info, err := c.Encode(t.Context(), &b, v)
	if err != nil {
		t.Fatal(err)
	}
	meta := map[string]any{} // as a metadata store keeps it
	text, err := json.Marshal(info.Meta)
	if err == nil {
		err = json.Unmarshal(text, &meta)
	}
	if err != nil {
		t.Fatal(err)
	}
	return artifact.Record{
		Digest: artifact.NewDigest(sha256.Sum256(b.Bytes())), Size: int64(b.Len()), Codec: c.ID(), Type: codec.TypeString(c.Type, nil),
		Inline: append([]byte{}, b.Bytes()...), Meta: meta, Preview: info.Preview,
	}
}

type measured struct {
	Species string
	Island  string
	Bill    float64
	Mass    *int
	Seen    time.Time
	Ringed  bool
	Photo   []byte
	Note    string `parquet:"a note\twith \x1b[31mcolour"`
}

func measurements(n int) []measured {
	rows := make([]measured, n)
	for i := range rows {
		rows[i] = measured{
			Species: []string{"Adelie", "Gentoo", "Chinstrap penguin (Pygoscelis antarcticus)"}[i%3], Island: "Torgersen", Bill: 39.1 + float64(i)/7,
			Seen: time.Date(2026, 1, 1+i, 12, 0, 0, 0, time.UTC), Ringed: i%2 == 0, Photo: make([]byte, i), Note: "line\nbreak \x1b]0;title\x07",
		}
		if i%4 != 0 {
			mass := 3750 + i
			rows[i].Mass = &mass
		}
	}
	return rows
}

type wide struct {
	C01, C02, C03, C04, C05, C06, C07, C08, C09, C10, C11, C12, C13, C14, C15, C16, C17, C18, C19, C20, C21, C22, C23, C24, C25, C26, C27, C28, C29, C30 int64
}

type model struct {
	Name    string
	Weights [][]float64
	Std     []float64
	Layers  map[string]int
	Nested  *model
	Empty   []string
}

func asFile(t *testing.T, name string, data []byte) artifact.Record {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return recordOf(t, artifact.File(path))
}

func looks(t *testing.T) []struct {
	name string
	rec  artifact.Record
} {
	t.Helper()
	var lines, long strings.Builder
	for i := range 100 {
		fmt.Fprintf(&lines, "line %d\twith a tab\r\n", i)
	}
	for i := range 1000 {
		long.WriteString("word" + strconv.Itoa(i) + " ")
	}
	dir := t.TempDir()
	for i := range 30 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%02d.txt", i)), make([]byte, i*100), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	numbers := make([]float64, 1000)
	for i := range numbers {
		numbers[i] = math.Sqrt(float64(i))
	}
	m := model{Name: "a\x1b[2Jb", Std: numbers[:40], Weights: [][]float64{numbers[:3], numbers[:3]}, Layers: map[string]int{"input": 4, "hidden": 16}, Nested: &model{Name: "inner", Std: numbers[:2]}}
	var jpg, anim bytes.Buffer
	if err := jpeg.Encode(&jpg, image.NewGray(image.Rect(0, 0, 40, 30)), nil); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&anim, image.NewGray(image.Rect(0, 0, 4, 3)), nil); err != nil {
		t.Fatal(err)
	}
	opaque := recordOf(t, []byte{0, 1, 2, 3})
	opaque.Codec, opaque.Type, opaque.Preview = "acme/dense/1", "acme/dense", "2 x 3\x1b[31m"
	return []struct {
		name string
		rec  artifact.Record
	}{
		{"many rows", recordOf(t, measurements(50))},
		{"few rows", recordOf(t, measurements(2))},
		{"no rows", recordOf(t, measurements(0))},
		{"many columns", recordOf(t, []wide{{}, {C01: math.MinInt64}})},
		{"parquet file", asFile(t, "rows.parquet", recordOf(t, measurements(1)).Inline)},
		{"number", recordOf(t, 12)},
		{"struct", recordOf(t, m)},
		{"numbers", recordOf(t, numbers)},
		{"short numbers", recordOf(t, []int8{-1, 0, 1})},
		{"text", recordOf(t, "one\ntwo")},
		{"empty text", recordOf(t, "")},
		{"long text", recordOf(t, lines.String())},
		{"long line", recordOf(t, long.String())},
		{"hostile text", recordOf(t, "\x1b[31mred\x1b[0m \x1b]0;title\x07 back\b \x9b2J right\u202eto left \xff")},
		{"image", recordOf(t, image.NewGray(image.Rect(0, 0, 1440, 576)))},
		{"jpeg file", asFile(t, "photo.jpg", jpg.Bytes())},
		{"gif file", asFile(t, "a.gif", anim.Bytes())},
		{"directory", recordOf(t, artifact.Dir(dir))},
		{"empty directory", recordOf(t, artifact.Dir(filepath.Join(dir, "empty")))},
		{"opaque", opaque},
	}
}

// TestLook holds what a terminal shows of each kind of artifact. Nothing of it may be wider, or higher, or hold control characters.
func TestLook(t *testing.T) {
	t.Parallel()
	for _, width := range []int{80, 120} {
		var all strings.Builder
		for _, test := range looks(t) {
			const rows = 19
			c := newCLI(App{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Environ: []string{"COLUMNS=" + strconv.Itoa(width)}})
			content := export.NewContent(nil, test.rec)
			kind, err := content.Kind(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			g, err := c.glanceAt(t.Context(), test.rec, content, kind, width, rows)
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			if err := content.Close(); err != nil {
				t.Error(err)
			}
			text := g.text.String()
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			for _, line := range lines {
				if textWidth(line) > width {
					t.Errorf("%s at %d columns: %q is %d wide", test.name, width, line, textWidth(line))
				}
			}
			if strings.ContainsFunc(text, isControl) || len(lines) > rows+1 {
				t.Errorf("%s at %d columns: %d lines\n%q", test.name, width, len(lines), text)
			}
			all.WriteString("-- " + test.name + " --\n" + text)
			if g.rest != "" {
				all.WriteString("… " + g.rest + "\n")
			}
		}
		golden(t, fmt.Sprintf("look-%d.txt", width), all.String())
	}
}

// TestJSONText holds that laying out changes nothing but spaces.
func TestJSONText(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for _, in := range []string{`1`, `"a b"`, `[]`, `{}`, `{"a":[],"b":{},"c":null}`, `[1,[2,[3,4]],{"a":true}]`, `[` + strings.Repeat(`1234567,`, 50) + `0]`, `{"` + strings.Repeat("k", 100) + `":["` + strings.Repeat("v", 100) + `",1]}`, deep, `{broken`} {
		for _, width := range []int{0, 1, 20, 80} {
			got := jsonText([]byte(in), width)
			if bare := strings.NewReplacer(" ", "", "\n", ""); bare.Replace(got) != bare.Replace(in) {
				t.Errorf("at %d columns %.100s became %.200s", width, in, got)
			}
		}
	}
}

func TestPlainWriter(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := &plainWriter{w: &b}
	for _, part := range []string{"a\x1b", "[31mred", "\nä", "\xff\r\n", strings.Repeat("é", longLine), "\x07"} {
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "ared\nä\ufffd\n"+strings.Repeat("é", longLine)+"·"; got != want {
		t.Errorf("got %.100q… of %d bytes, want %.100q… of %d", got, len(got), want, len(want))
	}
}
