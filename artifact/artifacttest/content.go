package artifacttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// random returns bytes that depend on seed and size alone.
func random(seed byte, size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(content)
	return content
}

func digestOf(content []byte) artifact.Digest { return artifact.NewDigest(sha256.Sum256(content)) }

// put stores content and checks what Put says of it.
func (s *suite) put(store artifact.Store, content []byte) artifact.Info {
	s.Helper()
	info, err := store.Put(s.Context(), bytes.NewReader(content))
	if err != nil {
		s.Fatalf("Put of %d bytes: %v", len(content), err)
	}
	s.checkInfo(info, content)
	return info
}

func (s *suite) checkInfo(info artifact.Info, content []byte) {
	s.Helper()
	if want := digestOf(content); info.Digest != want || info.Size != int64(len(content)) {
		s.Errorf("Put gave %s and %d bytes, want %s and %d bytes", info.Digest, info.Size, want, len(content))
	}
	if info.ModTime.IsZero() {
		s.Error("Put gave no ModTime")
	}
}

// checkStored fails the test unless the store holds exactly this content under its digest.
func (s *suite) checkStored(store artifact.Store, content []byte) {
	s.Helper()
	digest := digestOf(content)
	info, err := store.Stat(s.Context(), digest)
	if err != nil || info.Digest != digest || info.Size != int64(len(content)) {
		s.Errorf("Stat gave %+v and %v, want %s and %d bytes", info, err, digest, len(content))
	}
	got, err := s.read(store, digest)
	if err != nil || !bytes.Equal(got, content) {
		s.Errorf("read of %s gave %d bytes and %v, want the %d bytes that were put", digest, len(got), err, len(content))
	}
}

// read opens content and reads it to its end.
func (s *suite) read(store artifact.Store, digest artifact.Digest) ([]byte, error) {
	s.Helper()
	r, err := store.Open(s.Context(), digest)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	if closed := r.Close(); closed != nil && err == nil {
		s.Errorf("Close of the reader: %v", closed)
	}
	return content, err
}

// list returns the digests of everything, in pages of the given size.
func (s *suite) list(store artifact.Store, limit int) []artifact.Digest {
	s.Helper()
	var digests []artifact.Digest
	for after := artifact.Digest(""); ; {
		page, err := store.List(s.Context(), after, limit)
		if err != nil {
			s.Fatalf("List after %q: %v", after, err)
		}
		for _, info := range page {
			if info.Digest <= after {
				s.Fatalf("List gave %s after %s", info.Digest, after)
			}
			after = info.Digest
			digests = append(digests, info.Digest)
		}
		if len(page) > limit {
			s.Fatalf("List gave %d infos with limit %d", len(page), limit)
		}
		if len(page) < limit {
			return digests
		}
	}
}

// checkList fails the test unless the store holds exactly these contents.
func (s *suite) checkList(store artifact.Store, contents ...[]byte) {
	s.Helper()
	want := make([]artifact.Digest, len(contents))
	for i, content := range contents {
		want[i] = digestOf(content)
	}
	slices.Sort(want)
	if got := s.list(store, 10_000); !slices.Equal(got, want) {
		s.Errorf("the store lists %v, want %v", got, want)
	}
}

// checkCode fails the test unless err has the code and a text that is fit to be printed.
func (s *suite) checkCode(what string, err error, want component.Code) {
	s.Helper()
	if err == nil || component.CodeOf(err) != want {
		s.Errorf("%s: got %v (code %v), want an error with code %v", what, err, component.CodeOf(err), want)
		return
	}
	if len(err.Error()) > 2000 {
		s.Errorf("%s: the error has %d bytes", what, len(err.Error()))
	}
}

// checkDamaged fails the test unless err has code Corrupt and names the digest.
func (s *suite) checkDamaged(what string, err error, digest artifact.Digest) {
	s.Helper()
	s.checkCode(what, err, component.Corrupt)
	if !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(digest)) {
		s.Errorf("%s: got %v, want ErrCorrupt and the digest in its text", what, err)
	}
}

// checkClean fails the test unless the store soon has nothing temporary. Stores behind a network may clean up
// after the caller has gone.
func (s *suite) checkClean(store artifact.Store) {
	s.Helper()
	if s.Temporaries == nil {
		return
	}
	s.eventually("nothing temporary is left", func() bool { return s.Temporaries(s.T, store) == 0 })
}

// eventually polls until done, for what has no signal.
func (s *suite) eventually(what string, done func() bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			s.Fatalf("still not so: %s", what)
		case <-tick.C:
		}
	}
}
