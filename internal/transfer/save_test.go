package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
)

func TestInlineLimit(t *testing.T) {
	t.Parallel()
	if artifact.InlineLimit != 4096 {
		t.Fatalf("the limit is %d", artifact.InlineLimit)
	}
	for size, inline := range map[int]bool{0: true, 1: true, 4095: true, 4096: true, 4097: false, 1 << 20: false} {
		d := newDisk(t)
		content := bytes.Repeat([]byte{7}, size)
		rec := save(t, d, content)
		want := artifact.Record{
			Digest: artifact.NewDigest(sha256.Sum256(content)), Size: int64(size), Codec: "bytes/1", Type: "[]uint8",
			Meta: map[string]any{"length": size}, Preview: rec.Preview,
		}
		if inline {
			want.Inline = content
		}
		if diff := cmp.Diff(want, rec); diff != "" || (rec.Inline != nil) != inline {
			t.Errorf("%d bytes: (-want +got)\n%.1000s", size, diff)
		}
		if inline {
			d.empty()
		} else if info, err := d.Stat(t.Context(), rec.Digest); err != nil || info.Size != int64(size) {
			t.Errorf("%d bytes: the store has %d, %v", size, info.Size, err)
		}
		if got, err := contentOf(t, d, rec); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: content of %d bytes, %v", size, len(got), err)
		}
		if got, err := load(t.Context(), t, d, rec, content); err != nil || !bytes.Equal(got.([]byte), content) {
			t.Errorf("%d bytes: did not come back: %v", size, err)
		}
	}
}

// writes is a value that is written in pieces; a nil piece is a call of the hook instead.
type writes [][]byte

func codecOfWrites(hook func() error) codec.Codec {
	return codec.Codec{
		Name: "test/writes", Version: 1, Type: reflect.TypeFor[writes](),
		Encode: func(_ context.Context, w io.Writer, v any) (codec.Info, error) {
			for _, p := range v.(writes) {
				if p == nil {
					if err := hook(); err != nil {
						return codec.Info{}, err
					}
					continue
				}
				n, err := w.Write(p)
				if err != nil {
					return codec.Info{}, err
				}
				if n != len(p) {
					return codec.Info{}, io.ErrShortWrite
				}
				clear(p) // a writer may not keep what it was given
			}
			return codec.Info{Meta: map[string]any{"pieces": len(v.(writes))}, Preview: "pieces"}, nil
		},
	}
}

// In whatever pieces a value is written, its record is that of the whole.
func TestSaveInPieces(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	rapid.Check(t, func(rt *rapid.T) {
		var pieces writes
		var whole []byte
		for _, size := range rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 2, 100, 2047, 2048, 4095, 4096, 4097, 300_000}), 0, 6).Draw(rt, "sizes") {
			p := bytes.Repeat([]byte{byte(len(pieces) + 1)}, size)
			pieces, whole = append(pieces, p), append(whole, p...)
		}
		rec, err := transfer.Save(context.Background(), d, codecOfWrites(nil), "writes", pieces)
		if err != nil {
			rt.Fatal(err)
		}
		if rec.Digest != artifact.NewDigest(sha256.Sum256(whole)) || rec.Size != int64(len(whole)) || (rec.Inline != nil) != (len(whole) <= 4096) {
			rt.Fatalf("%d bytes became %s of %d bytes, inline: %v", len(whole), rec.Digest, rec.Size, rec.Inline != nil)
		}
		if got, err := contentOf(t, d, rec); err != nil || !bytes.Equal(got, whole) {
			rt.Fatalf("%d bytes came back as %d, %v", len(whole), len(got), err)
		}
	})
}

func piece(size int) []byte { return bytes.Repeat([]byte("x"), size) }

// An encoder that fails leaves nothing behind, wherever it fails.
func TestSaveFailsMidway(t *testing.T) {
	t.Parallel()
	broken := component.Errorf(component.FailedPrecondition, "the model has no weights")
	for name, v := range map[string]writes{
		"at once":      {nil},
		"while inline": {piece(100), nil},
		"at the limit": {piece(4096), nil},
		"just beyond":  {piece(4097), nil},
		"streaming":    {piece(4097), piece(3 << 20), nil},
	} {
		d := newDisk(t)
		_, err := transfer.Save(t.Context(), d, codecOfWrites(func() error { return broken }), "writes", v)
		if !errors.Is(err, broken) || component.CodeOf(err) != component.FailedPrecondition || strings.Count(err.Error(), "no weights") != 1 {
			t.Errorf("%s: got %v", name, err)
		}
		d.empty()

		func() {
			defer func() {
				if p := recover(); p != "no weights" {
					t.Errorf("%s: recovered %v, want the codec's panic", name, p)
				}
			}()
			_, _ = transfer.Save(t.Context(), d, codecOfWrites(func() error { panic("no weights") }), "writes", v)
		}()
		d.empty()
	}
}

func TestSaveCanceled(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]writes{
		"while inline": {piece(100), nil, piece(100)},
		"streaming":    {piece(4097), piece(3 << 20), nil, piece(3 << 20), piece(3 << 20)},
		"at the end":   {piece(4097), piece(3 << 20), nil},
	} {
		d := newDisk(t)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := transfer.Save(ctx, d, codecOfWrites(func() error { cancel(); return nil }), "writes", v)
		if !errors.Is(err, context.Canceled) || component.CodeOf(err) != component.Canceled {
			t.Errorf("%s: got %v, want canceled", name, err)
		}
		d.empty()
	}
}

// An encoder that waits for something else is told by a store that fails, at its next write.
func TestSaveToFailingStore(t *testing.T) {
	t.Parallel()
	full := component.Errorf(component.Exhausted, "no space left")
	for name, after := range map[string]int64{"at once": 0, "later": 2 << 20} {
		store := &failingStore{after: after, err: full}
		_, err := transfer.Save(t.Context(), store, codecOfWrites(nil), "writes", writes{piece(5000), piece(4 << 20), piece(4 << 20)})
		if !errors.Is(err, full) || component.CodeOf(err) != component.Exhausted || err.Error() != "store it: no space left" {
			t.Errorf("%s: got %v (%v)", name, err, component.CodeOf(err))
		}
	}
	// The store's error counts also if it comes after the last byte.
	_, err := transfer.Save(t.Context(), &failingStore{after: 5000, err: full}, codecOfWrites(nil), "writes", writes{piece(5000)})
	if !errors.Is(err, full) {
		t.Errorf("at the end: got %v", err)
	}
}

// failingStore reads so many bytes and then fails.
type failingStore struct {
	artifact.Store
	after int64
	err   error
}

func (s *failingStore) Put(_ context.Context, r io.Reader) (artifact.Info, error) {
	_, _ = io.CopyN(io.Discard, r, s.after)
	return artifact.Info{}, s.err
}

// The limits of previews in package codec, which cannot import this one's, are the same.
func TestPreviewLimit(t *testing.T) {
	t.Parallel()
	if codec.PreviewStartSize < artifact.PreviewLimit {
		t.Errorf("previews are made from the first %d bytes", codec.PreviewStartSize)
	}
	long := strings.Repeat("x", 2*artifact.PreviewLimit)
	if got := codec.Printable(long); len(got) != artifact.PreviewLimit {
		t.Errorf("a preview is cut to %d bytes, want %d", len(got), artifact.PreviewLimit)
	}
	if got := codec.Printable(long[:artifact.PreviewLimit-len("…")]); strings.Contains(got, "…") {
		t.Errorf("a preview of %d bytes was cut", len(got))
	}
	type row struct{ A, B, C, D, E, F, G, H string }
	d := newDisk(t)
	for _, v := range []any{long, []byte(long), []string{long}, map[string]string{"a": long}, make([]float64, 10_000), make([]row, 1000),
		[]row{{long, long, long, long, long, long, long, long}}, strings.Repeat("\x00", 5000), strings.Repeat("é", 5000)} {
		if rec := save(t, d, v); len(rec.Preview) > artifact.PreviewLimit || strings.ToValidUTF8(rec.Preview, "") != rec.Preview {
			t.Errorf("%T: preview of %d bytes", v, len(rec.Preview))
		}
	}
}
