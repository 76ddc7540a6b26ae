package codedoc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/fingerprint"
)

var update = flag.Bool("update", false, "write golden files")

func part(name, file string, line int, text string) fingerprint.Part {
	sum := sha256.Sum256([]byte(text))
	return fingerprint.Part{Name: name, File: file, Line: line, Digest: hex.EncodeToString(sum[:])}
}

func small() *codedoc.Code {
	scale, runs := part("example.com/app.Scale", "example.com/app/features.go", 41, "scale"), part("what runs first and what is linked", "", 0, "order")
	c := &codedoc.Code{}
	c.Add("sha256:load", []fingerprint.Part{part("example.com/app.Load", "example.com/app/load.go", 7, "load"), scale, runs})
	c.Add("sha256:fit", []fingerprint.Part{part("example.com/app.Fit", "example.com/app/fit.go", 12, "fit"), scale, runs})
	c.Add("sha256:unknown", nil)
	return c
}

func packed(t testing.TB, c *codedoc.Code) []byte {
	t.Helper()
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unpacked(t testing.TB, data []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	raw, err := d.DecodeAll(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The form is held: what is recorded stays readable.
func TestGolden(t *testing.T) {
	t.Parallel()
	const path = "testdata/v1.json"
	got := append(unpacked(t, packed(t, small())), '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the form changed (-want +got):\n%s", diff)
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codedoc.Parse(e.EncodeAll(want, nil))
	if err != nil {
		t.Fatal(err)
	}
	if parts := c.Parts("sha256:fit"); len(parts) != 3 || c.Count("sha256:fit") != 3 || c.Has("sha256:unknown") || c.Parts("sha256:unknown") != nil {
		t.Errorf("%+v, unknown: %v", parts, c.Parts("sha256:unknown"))
	}
}

// What is added comes back, and the same gives the same bytes.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	parts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fingerprint.Part {
		return part(rapid.StringMatching(`[a-c]{1,2}`).Draw(t, "name"), rapid.SampledFrom([]string{"", "x/a.go", "x/b.go"}).Draw(t, "file"),
			rapid.IntRange(0, 3).Draw(t, "line"), rapid.StringMatching(`[xy]?`).Draw(t, "text"))
	}), 0, 8)
	rapid.Check(t, func(t *rapid.T) {
		lists := rapid.SliceOfN(parts, 1, 5).Draw(t, "lists")
		one, two := &codedoc.Code{}, &codedoc.Code{}
		for i, list := range lists {
			one.Add(strconv.Itoa(i), list)
			two.Add(strconv.Itoa(i), list)
		}
		a, err := one.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := two.Encode(); err != nil || !bytes.Equal(a, b) {
			t.Fatalf("the same parts give other bytes, %v", err)
		}
		read := &codedoc.Code{}
		if a != nil {
			if read, err = codedoc.Parse(a); err != nil {
				t.Fatal(err)
			}
		}
		for i, list := range lists {
			name := strconv.Itoa(i)
			for what, c := range map[string]*codedoc.Code{"added": one, "read": read} {
				if got := c.Parts(name); !slices.Equal(got, list) || c.Count(name) != len(list) || c.Has(name) != (len(list) > 0) {
					t.Fatalf("%s: list %d is %v, want %v", what, i, got, list)
				}
			}
		}
	})
}

func TestNothingIsKnown(t *testing.T) {
	t.Parallel()
	var none *codedoc.Code
	if data, err := none.Encode(); data != nil || err != nil || none.Has("x") || none.Parts("x") != nil || none.Count("x") != 0 {
		t.Errorf("%v, %v", data, err)
	}
	if data, err := (&codedoc.Code{}).Encode(); data != nil || err != nil {
		t.Errorf("%v, %v", data, err)
	}
}

func TestBadDigest(t *testing.T) {
	t.Parallel()
	for _, digest := range []string{"", "00", strings.Repeat("0", 66), strings.Repeat("x", 64)} {
		c := &codedoc.Code{}
		c.Add("sha256:fit", []fingerprint.Part{{Name: "example.com/app.Fit", Digest: digest}})
		if _, err := c.Encode(); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "example.com/app.Fit") {
			t.Errorf("%q: %v", digest, err)
		}
	}
}

// What would be too large is left out.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	c := &codedoc.Code{}
	var parts []fingerprint.Part
	for i := range 200_000 { // digests do not compress
		parts = append(parts, part("x", "", i, strconv.Itoa(i)))
	}
	c.Add("sha256:fit", parts)
	if data, err := c.Encode(); data != nil || err != nil {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := string(unpacked(t, packed(t, small())))
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	change := func(from, to string) []byte {
		if !strings.Contains(good, from) {
			t.Fatalf("no %s in %s", from, good)
		}
		return e.EncodeAll([]byte(strings.Replace(good, from, to, 1)), nil)
	}
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":            {nil, component.ErrCorrupt},
		"not compressed":     {[]byte(good), component.ErrCorrupt},
		"cut":                {packed(t, small())[:40], component.ErrCorrupt},
		"too long":           {make([]byte, 5<<20), component.ErrCorrupt},
		"a bomb":             {e.EncodeAll(make([]byte, 64<<20), nil), component.ErrCorrupt},
		"no JSON":            {e.EncodeAll([]byte("{"), nil), component.ErrCorrupt},
		"a newer version":    {change(`"version":1`, `"version":2`), component.ErrUnsupported},
		"a name too many":    {change(`"names":[`, `"names":["x",`), component.ErrCorrupt},
		"a file of none":     {change(`"places":[1,`, `"places":[9,`), component.ErrCorrupt},
		"a negative file":    {change(`"places":[1,`, `"places":[-1,`), component.ErrCorrupt},
		"a negative line":    {change(`"places":[1,7,`, `"places":[1,-7,`), component.ErrCorrupt},
		"a part of none":     {change(`"sha256:load":[0,3]`, `"sha256:load":[4,1]`), component.ErrCorrupt},
		"more parts":         {change(`"sha256:load":[0,3]`, `"sha256:load":[0,9223372036854775807]`), component.ErrCorrupt},
		"a negative part":    {change(`"sha256:load":[0,3]`, `"sha256:load":[-1,1]`), component.ErrCorrupt},
		"no parts":           {change(`"sha256:load":[0,3]`, `"sha256:load":[]`), component.ErrCorrupt},
		"half a pair":        {change(`"sha256:load":[0,3]`, `"sha256:load":[0]`), component.ErrCorrupt},
		"very much at once":  {change(`"sha256:load":[0,3]`, `"sha256:load":[0,3`+strings.Repeat(",0,4", 70_000)+`]`), component.ErrCorrupt},
		"not a text of JSON": {change(`"digests":"`, `"digests":"?`), component.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := codedoc.Parse(test.data); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(packed(f, small()))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := codedoc.Parse(data)
		if err != nil {
			return
		}
		again := packed(t, c)
		if again == nil {
			return
		}
		if _, err := codedoc.Parse(again); err != nil {
			t.Errorf("what was read is written so that it cannot be read: %v", err)
		}
	})
}

// large is a program of 5,000 declarations and 200 steps, each of which reaches 1,000 that all reach, and some of its own.
func large() (prints []string, lists [][]fingerprint.Part) {
	var all []fingerprint.Part
	for i := range 5000 {
		all = append(all, part(fmt.Sprintf("example.com/company/app/package%02d.Declaration%04d", i/100, i), fmt.Sprintf("example.com/company/app/package%02d/file%d.go", i/100, i/20), i%20*15, strconv.Itoa(i)))
	}
	for s := range 200 {
		var list []fingerprint.Part
		for i, p := range all {
			if i < 1000 || i%50 == s%50 || i/20 == s {
				list = append(list, p)
			}
		}
		prints, lists = append(prints, fmt.Sprintf("sha256:%064d", s)), append(lists, list)
	}
	return prints, lists
}

func BenchmarkLarge(b *testing.B) {
	prints, lists := large()
	size := 0
	for b.Loop() {
		c := &codedoc.Code{}
		for i := range prints {
			c.Add(prints[i], lists[i])
		}
		data, err := c.Encode()
		if err != nil {
			b.Fatal(err)
		}
		size = len(data)
	}
	b.ReportMetric(float64(size), "bytes")
}

// A small program should not notice.
func BenchmarkSmall(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		packed(b, small())
	}
}

func BenchmarkParse(b *testing.B) {
	prints, lists := large()
	c := &codedoc.Code{}
	for i := range prints {
		c.Add(prints[i], lists[i])
	}
	data := packed(b, c)
	for b.Loop() {
		if _, err := codedoc.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
