package artifact_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func verify(ctx context.Context, r io.Reader, of string, size int64) io.ReadCloser {
	return artifact.VerifyReader(ctx, io.NopCloser(r), artifact.NewDigest(sha256.Sum256([]byte(of))), size)
}

func TestVerifyReader(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "a", strings.Repeat("tenon", 1000)} {
		for _, size := range []int64{-1, int64(len(content))} {
			if err := iotest.TestReader(verify(t.Context(), strings.NewReader(content), content, size), []byte(content)); err != nil {
				t.Errorf("%d bytes, size %d: %v", len(content), size, err)
			}
			r := verify(t.Context(), iotest.DataErrReader(strings.NewReader(content)), content, size)
			if got, err := io.ReadAll(r); err != nil || string(got) != content {
				t.Errorf("%d bytes with their io.EOF, size %d: %v", len(content), size, err)
			}
		}
	}
}

func TestVerifyReaderCorrupt(t *testing.T) {
	t.Parallel()
	const content = "the quick brown fox"
	for _, test := range []struct {
		name, stored string
		size         int64
		want         string
	}{
		{"flipped", "the quick brown fix", 19, "its 19 bytes have the digest sha256:"},
		{"flipped, size unknown", "the quick brown fix", -1, "its 19 bytes have the digest sha256:"},
		{"short", "the quick", 19, "it ends after 9 of its 19 bytes"},
		{"short, size unknown", "the quick", -1, "its 9 bytes have the digest sha256:"},
		{"long", content + "!", 19, "it has more than its 19 bytes"},
		{"long, size unknown", content + "!", -1, "its 20 bytes have the digest sha256:"},
		{"gone", "", 19, "it ends after 0 of its 19 bytes"},
		{"other size", content, 18, "it has more than its 18 bytes"},
	} {
		digest := artifact.NewDigest(sha256.Sum256([]byte(content)))
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"":                           func(r io.Reader) io.Reader { return r },
			", one byte at a time":       iotest.OneByteReader,
			", io.EOF with the last one": iotest.DataErrReader,
		} {
			r := verify(t.Context(), wrap(strings.NewReader(test.stored)), content, test.size)
			_, err := io.ReadAll(r)
			if !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(digest)) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s%s: got %v, want Corrupt with %q", test.name, name, err, test.want)
			}
			if _, again := r.Read(make([]byte, 1)); !errors.Is(again, err) {
				t.Errorf("%s%s: then got %v, want the same error", test.name, name, again)
			}
		}
	}
}

// A caller that knows the size need not see io.EOF: it must not get wrong bytes either.
func TestVerifyReaderWithholdsTheEnd(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{"abcX", "abcde"} {
		if n, err := io.ReadFull(verify(t.Context(), strings.NewReader(stored), "abcd", 4), make([]byte, 4)); !errors.Is(err, component.ErrCorrupt) {
			t.Errorf("ReadFull of %q gave %d bytes and %v, want Corrupt", stored, n, err)
		}
	}
}

func TestVerifyReaderFailure(t *testing.T) {
	t.Parallel()
	broken := component.Errorf(component.Unavailable, "connection reset")
	r := verify(t.Context(), io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), "abcd", 4)
	_, err := io.ReadAll(r)
	if !errors.Is(err, broken) || component.CodeOf(err) != component.Unavailable || !strings.Contains(err.Error(), "sha256:") {
		t.Errorf("got %v, want the reader's error with its code and the digest", err)
	}
	if _, again := r.Read(make([]byte, 1)); !errors.Is(again, err) {
		t.Errorf("then got %v, want the same error", again)
	}

	stuck := verify(t.Context(), io.MultiReader(strings.NewReader("abcd"), iotest.ErrReader(nil)), "abcd", 4)
	if _, err := io.ReadAll(stuck); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v from a reader that never ends, want %v", err, io.ErrNoProgress)
	}
}

func TestVerifyReaderContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := verify(ctx, strings.NewReader("abcd"), "abcd", 4)
	if _, err := r.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Read(make([]byte, 2)); !errors.Is(err, context.Canceled) || component.CodeOf(err) != component.Canceled {
		t.Errorf("got %v, want canceled", err)
	}

	ctx, cancel = context.WithTimeout(t.Context(), 0)
	defer cancel()
	if _, err := verify(ctx, strings.NewReader("abcd"), "abcd", 4).Read(make([]byte, 2)); component.CodeOf(err) != component.DeadlineExceeded {
		t.Errorf("got %v, want deadline exceeded", err)
	}
}

func TestVerifyReaderClosed(t *testing.T) {
	t.Parallel()
	r := verify(t.Context(), strings.NewReader("abcd"), "abcd", 4)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]byte, 4)); n > 0 || err == nil || err == io.EOF {
		t.Errorf("Read after Close gave %d bytes and %v", n, err)
	}
}

// Whatever is stored and however it is read: the right bytes, or Corrupt.
func TestVerifyReaderProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "content")
		stored := rapid.OneOf(rapid.Just(content), rapid.SliceOfN(rapid.Byte(), 0, 64)).Draw(t, "stored")
		size := rapid.SampledFrom([]int64{-1, int64(len(content))}).Draw(t, "size")
		r := verify(context.Background(), bytes.NewReader(stored), string(content), size)
		var got []byte
		for {
			p := make([]byte, rapid.IntRange(1, 32).Draw(t, "read"))
			n, err := r.Read(p)
			got = append(got, p[:n]...)
			if err == nil {
				continue
			}
			if equal := bytes.Equal(content, stored); equal != (err == io.EOF) || !equal && !errors.Is(err, component.ErrCorrupt) {
				t.Fatalf("stored equal to content: %v, error: %v", equal, err)
			}
			break
		}
		if bytes.Equal(content, stored) && !bytes.Equal(got, content) {
			t.Fatalf("got %q, want %q", got, content)
		}
	})
}
