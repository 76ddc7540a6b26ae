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

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func readBlob(ctx context.Context, b artifact.Blob) (string, error) {
	r, err := b.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return string(content), err
}

func TestBlob(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "small", strings.Repeat("large", 100_000)} {
		s := newStore(t)
		rec := mustSave(s, artifact.BlobOf([]byte(content)))
		if want := artifact.NewDigest(sha256.Sum256([]byte(content))); rec.Digest != want || rec.Codec != "blob/1" || rec.Type != "blob" {
			t.Errorf("recorded %s by %s, want %s by blob/1", rec.Digest, rec.Codec, want)
		}
		blob := mustLoad[artifact.Blob](s, rec)
		for range 2 { // as often as one likes
			if got, err := readBlob(t.Context(), blob); err != nil || got != content {
				t.Errorf("read %d bytes of %d: %v", len(got), len(content), err)
			}
		}
		if again := mustSave(s, blob); again.Digest != rec.Digest {
			t.Errorf("handed on it is %s, was %s", again.Digest, rec.Digest)
		}
	}
}

// Nothing is read before it is asked for.
func TestBlobIsLazy(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rec := mustSave(s, artifact.BlobOf(bytes.Repeat([]byte("x"), 5000)))
	blob := mustLoad[artifact.Blob](s, rec)
	if err := s.Delete(t.Context(), rec.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := readBlob(t.Context(), blob); !errors.Is(err, component.ErrNotFound) || !strings.Contains(err.Error(), string(rec.Digest)) {
		t.Errorf("got %v, want not found with the digest", err)
	}
}

func TestBlobIsVerifiedAtItsEnd(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	content := bytes.Repeat([]byte("x"), 5000)
	rec := mustSave(s, artifact.BlobOf(content))
	content[4999] = 'y'
	blob := mustLoad[artifact.Blob](stored{damaged{s, content}, t}, rec)
	if _, err := readBlob(t.Context(), blob); !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(rec.Digest)) {
		t.Errorf("got %v, want Corrupt with the digest", err)
	}
}

type failingCloser struct {
	io.Reader
	err error
}

func (f failingCloser) Close() error { return f.err }

func TestBlobErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	long := strings.Repeat("x", 1<<20)
	opens := func(r io.ReadCloser, err error) artifact.Blob {
		return artifact.NewBlob(func(context.Context) (io.ReadCloser, error) { return r, err })
	}
	s := newStore(t)
	for name, test := range map[string]struct {
		blob artifact.Blob
		is   error
		want string
	}{
		"zero":      {artifact.Blob{}, component.ErrInvalid, "blob without content: make it with artifact.NewBlob or artifact.BlobOf"},
		"nil":       {artifact.NewBlob(nil), component.ErrInvalid, "blob without content"},
		"open":      {opens(nil, broken), broken, "open blob: connection reset"},
		"no reader": {opens(nil, nil), nil, "neither a reader nor an error"},
		"read":      {opens(io.NopCloser(iotest.ErrReader(broken)), nil), broken, "read blob: connection reset"},
		"midway":    {opens(io.NopCloser(io.MultiReader(strings.NewReader(long), iotest.ErrReader(broken))), nil), broken, "read blob: connection reset"},
		"close":     {opens(failingCloser{strings.NewReader(long), broken}, nil), broken, "close blob: connection reset"},
	} {
		_, err := save(s, test.blob)
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	s.empty()
	if _, err := (artifact.Blob{}).Open(t.Context()); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("zero: Open gave %v", err)
	}
}

func TestBlobIsClosedAndCanceled(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	closed := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	endless := artifact.NewBlob(func(context.Context) (io.ReadCloser, error) {
		return &endlessReader{cancel: cancel, closed: closed}, nil
	})
	var w bytes.Buffer
	_, err := codecOf[artifact.Blob](t).Encode(ctx, &w, endless)
	if !errors.Is(err, context.Canceled) || component.CodeOf(err) != component.Canceled {
		t.Errorf("got %v, want canceled", err)
	}
	<-closed
	s.empty()
}

// endlessReader cancels what reads it, some way in.
type endlessReader struct {
	n      int
	cancel func()
	closed chan struct{}
}

func (e *endlessReader) Read(p []byte) (int, error) {
	if e.n += len(p); e.n > 1<<20 {
		e.cancel()
	}
	return len(p), nil
}

func (e *endlessReader) Close() error { close(e.closed); return nil }

// Types that would lose the path, or other fields beside it, are refused when the pipeline is built.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	type report struct {
		artifact.File
		Title string
	}
	type nested struct{ Report artifact.File }
	for name, check := range map[string]func() error{
		"embedded": func() error { return codecError[report]() },
		"field":    func() error { return codecError[nested]() },
		"list":     func() error { return codecError[[]artifact.Dir]() },
		"pointer":  func() error { return codecError[*artifact.Blob]() },
	} {
		if err := check(); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "artifact.Ref of its own") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
