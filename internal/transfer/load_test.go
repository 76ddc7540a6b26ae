package transfer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/transfer"
)

type row struct {
	Name  string
	Value float64
	At    time.Time
}

type model struct {
	Name    string
	Weights map[string][]float64
}

// values has one of every codec, with so many items.
func values(t *testing.T, n int) map[string]any {
	t.Helper()
	text := strings.Repeat("text ", n)
	dir := t.TempDir()
	path := filepath.Join(dir, "data.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := make([]row, n)
	weights := make([]float64, n)
	for i := range rows {
		rows[i] = row{strings.Repeat("r", i%17) + time.Unix(int64(i), 0).String(), float64(i) / 3, time.Unix(int64(i), 0)}
		weights[i] = 1 / float64(i+1)
	}
	img := image.NewGray(image.Rect(0, 0, n, 7))
	noise := rand.NewPCG(1, 2)
	for i := range img.Pix {
		img.Pix[i] = byte(noise.Uint64())
	}
	return map[string]any{
		"bytes":   []byte(text),
		"text":    text,
		"cbor":    model{"m", map[string][]float64{"a": weights}},
		"numeric": weights,
		"parquet": rows,
		"table":   artifact.TableOf(rows),
		"png":     img,
		"file":    artifact.File(path),
		"dir":     artifact.Dir(dir),
		"blob":    artifact.BlobOf([]byte(text)),
	}
}

// read loads a value and reads what it reads only when asked.
func read(ctx context.Context, t *testing.T, store artifact.Store, rec artifact.Record, like any) error {
	t.Helper()
	v, err := load(ctx, t, store, rec, like)
	if err != nil {
		return err
	}
	if blob, ok := v.(artifact.Blob); ok {
		r, err := blob.Open(ctx)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(io.Discard, r)
		return err
	}
	return nil
}

// Content that was damaged on disk is never returned as a value, whatever codec reads it.
func TestDamagedContent(t *testing.T) {
	t.Parallel()
	for name, v := range values(t, 3000) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			rec := save(t, d, v)
			if rec.Inline != nil {
				t.Fatalf("%d bytes are inline", rec.Size)
			}
			if err := read(t.Context(), t, d, rec, v); err != nil {
				t.Fatalf("undamaged: %v", err)
			}
			good, err := os.ReadFile(d.path(rec.Digest))
			if err != nil {
				t.Fatal(err)
			}
			damage := map[string][]byte{
				"emptied":       {},
				"first byte":    append([]byte{good[0] ^ 1}, good[1:]...),
				"middle":        append(append(bytes.Clone(good[:len(good)/2]), good[len(good)/2]^0x80), good[len(good)/2+1:]...),
				"last byte":     append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1),
				"truncated":     good[:len(good)-1],
				"cut in half":   good[:len(good)/2],
				"extended":      append(bytes.Clone(good), 0),
				"other content": bytes.Repeat([]byte{0}, len(good)),
			}
			for what, content := range damage {
				writeFile(t, d.path(rec.Digest), content)
				if err := read(t.Context(), t, d, rec, v); !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(rec.Digest)) {
					t.Errorf("%s: got %v, want Corrupt naming %s", what, err, rec.Digest)
				}
			}
			if err := os.Remove(d.path(rec.Digest)); err != nil {
				t.Fatal(err)
			}
			if err := read(t.Context(), t, d, rec, v); !errors.Is(err, component.ErrNotFound) || !strings.Contains(err.Error(), string(rec.Digest)) {
				t.Errorf("deleted: got %v, want NotFound naming %s", err, rec.Digest)
			}
		})
	}
}

func TestDamagedInlineContent(t *testing.T) {
	t.Parallel()
	for name, v := range values(t, 3) {
		d := newDisk(t)
		rec := save(t, d, v)
		if rec.Inline == nil {
			t.Fatalf("%s: %d bytes are not inline", name, rec.Size)
		}
		if err := read(t.Context(), t, d, rec, v); err != nil {
			t.Fatalf("%s: undamaged: %v", name, err)
		}
		good := rec.Inline
		for i := 0; i < len(good); i += 1 + len(good)/100 {
			rec.Inline = bytes.Clone(good)
			rec.Inline[i] ^= 1 << (i % 8)
			if err := read(t.Context(), t, d, rec, v); !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(rec.Digest)) {
				t.Fatalf("%s: byte %d flipped: got %v, want Corrupt naming %s", name, i, err, rec.Digest)
			}
		}
		for _, content := range [][]byte{{}, good[:len(good)-1], append(bytes.Clone(good), 0)} {
			rec.Inline = content
			if err := read(t.Context(), t, d, rec, v); !errors.Is(err, component.ErrCorrupt) {
				t.Errorf("%s: %d bytes of %d: got %v, want Corrupt", name, len(content), len(good), err)
			}
		}
		rec.Inline = nil
		if err := read(t.Context(), t, d, rec, v); !errors.Is(err, component.ErrNotFound) {
			t.Errorf("%s: deleted: got %v, want NotFound", name, err)
		}
	}
}

func TestLoadCanceled(t *testing.T) {
	t.Parallel()
	for name, v := range values(t, 3000) {
		d := newDisk(t)
		rec := save(t, d, v)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := read(ctx, t, d, rec, v); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want canceled", name, err)
		}
	}
}

func TestLoadByOtherCodec(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	rec := save(t, d, "text")
	for id, want := range map[string]struct {
		code component.Code
		text string
	}{
		"cbor/1":    {component.Invalid, "was written by codec cbor/1 and cannot be read by text/1"},
		"text/2":    {component.Unsupported, "was written by codec text/2, this program reads up to version 1"},
		"gather/1":  {component.Invalid, "gather/1"},
		"text":      {component.Corrupt, "text"},
		"text/":     {component.Corrupt, ""},
		"text/0":    {component.Corrupt, ""},
		"text/-1":   {component.Corrupt, ""},
		"text/1e99": {component.Corrupt, ""},
		"/1":        {component.Corrupt, ""},
		"":          {component.Corrupt, ""},
	} {
		rec.Codec = id
		if _, err := load(t.Context(), t, d, rec, ""); component.CodeOf(err) != want.code || !strings.Contains(err.Error(), want.text) || !strings.Contains(err.Error(), rec.Digest.Short()) {
			t.Errorf("codec %q: got %v (%v), want %v", id, err, component.CodeOf(err), want.code)
		}
	}
}

// Every value has a directory of its own, so that files of the same name do not meet.
func TestFilesOfTheSameName(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	parent := t.TempDir()
	got := map[string]string{}
	for _, content := range []string{"one", "two"} {
		path := filepath.Join(t.TempDir(), "data.csv")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		rec := save(t, d, artifact.File(path))
		for range 2 {
			v, err := transfer.Load(t.Context(), d, codecFor(t, fileType), rec, func() (string, error) { return parent, nil })
			if err != nil {
				t.Fatal(err)
			}
			got[string(v.(artifact.File))] = content
		}
	}
	if len(got) != 4 {
		t.Errorf("four loads made the files %v", got)
	}
	for path, want := range got {
		if content, err := os.ReadFile(path); err != nil || string(content) != want || filepath.Base(path) != "data.csv" {
			t.Errorf("%s holds %q, %v", path, content, err)
		}
	}
}

// A value that needs no files makes none.
func TestTempDirOnlyForFiles(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]string{3: {"file", "dir"}, 3000: {"file", "dir", "table"}} {
		for name, v := range values(t, n) {
			d := newDisk(t)
			asked := false
			_, err := transfer.Load(t.Context(), d, codecFor(t, typeOf(v)), save(t, d, v), func() (string, error) {
				asked = true
				return t.TempDir(), nil
			})
			if err != nil || asked != strings.Contains(strings.Join(want, " "), name) {
				t.Errorf("%s of %d: asked for a directory: %v, %v", name, n, asked, err)
			}
		}
	}
	d := newDisk(t)
	broken := errors.New("no disk")
	for name, v := range values(t, 3) {
		if name != "file" && name != "dir" {
			continue
		}
		if _, err := transfer.Load(t.Context(), d, codecFor(t, typeOf(v)), save(t, d, v), func() (string, error) { return "", broken }); !errors.Is(err, broken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Records come back from the metadata store as JSON.
func TestLoadFromStoredRecord(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	stored := func(rec artifact.Record) (again artifact.Record) {
		data, err := json.Marshal(rec)
		if err == nil {
			err = json.Unmarshal(data, &again)
		}
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	for _, v := range []any{"", "text", []byte(nil), []byte{}, []byte{1}, []int(nil), []int{}, []row(nil), []row{}, 0.0, model{}, map[string]int(nil), true} {
		got, err := load(t.Context(), t, d, stored(save(t, d, v)), v)
		if err != nil || !cmp.Equal(got, v) {
			t.Errorf("%#v came back as %#v, %v", v, got, err)
		}
	}
	for _, n := range []int{3, 3000} {
		for name, v := range values(t, n) {
			if err := read(t.Context(), t, d, stored(save(t, d, v)), v); err != nil {
				t.Errorf("%s of %d: %v", name, n, err)
			}
		}
	}
	list := transfer.Gather([]artifact.Record{save(t, d, ""), save(t, d, "a")}, "list")
	got, err := transfer.LoadList(t.Context(), d, codecFor(t, typeOf("")), typeOf([]string{}), stored(list), nil)
	if err != nil || !cmp.Equal(got, []string{"", "a"}) {
		t.Errorf("list came back as %#v, %v", got, err)
	}
}
