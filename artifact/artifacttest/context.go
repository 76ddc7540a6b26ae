package artifacttest

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/tenon-ml/tenon/component"
)

func contextTests() []test {
	return []test{
		{"EndedBefore", contextEndedBefore},
		{"EndsDuringPut", contextEndsDuringPut},
		{"EndsDuringRead", contextEndsDuringRead},
	}
}

// contexts returns contexts that have ended, by the error they end with.
func (s *suite) contexts() map[error]context.Context {
	canceled, cancel := context.WithCancel(s.Context())
	cancel()
	expired, cancel := context.WithTimeout(s.Context(), 0)
	s.Cleanup(cancel)
	return map[error]context.Context{context.Canceled: canceled, context.DeadlineExceeded: expired}
}

// checkEnded fails the test unless err wraps a context's error and has its code.
func (s *suite) checkEnded(what string, err, want error) {
	s.Helper()
	code := component.Canceled
	if errors.Is(want, context.DeadlineExceeded) {
		code = component.DeadlineExceeded
	}
	s.checkCode(what, err, code)
	if !errors.Is(err, want) {
		s.Errorf("%s: got %v, want an error that wraps %q", what, err, want)
	}
}

func contextEndedBefore(s *suite) {
	store := s.store()
	content := random(1, 1000)
	digest := s.put(store, content).Digest
	for want, ctx := range s.contexts() {
		_, err := store.Put(ctx, bytes.NewReader(random(2, 1000)))
		s.checkEnded("Put", err, want)
		r, err := store.Open(ctx, digest)
		if err == nil {
			_, err = io.ReadAll(r)
			r.Close()
		}
		s.checkEnded("Open or read", err, want)
		_, err = store.Stat(ctx, digest)
		s.checkEnded("Stat", err, want)
		s.checkEnded("Delete", store.Delete(ctx, digest), want)
		_, err = store.List(ctx, "", 10)
		s.checkEnded("List", err, want)
	}
	s.checkStored(store, content)
	s.checkList(store, content)
	s.checkClean(store)
}

func contextEndsDuringPut(s *suite) {
	store := s.store()
	for _, after := range []int{0, 1000, 1 << 20, 8 << 20} {
		ctx, cancel := context.WithCancel(s.Context())
		head := random(byte(after), after)
		endless := readFunc(func(p []byte) (int, error) {
			cancel()
			clear(p)
			return len(p), nil
		})
		_, err := store.Put(ctx, io.MultiReader(bytes.NewReader(head), endless))
		s.checkEnded("Put from a reader that goes on", err, context.Canceled)

		ctx, cancel = context.WithCancel(s.Context())
		heeds := readFunc(func([]byte) (int, error) {
			cancel()
			return 0, ctx.Err()
		})
		_, err = store.Put(ctx, io.MultiReader(bytes.NewReader(head), heeds))
		s.checkEnded("Put from a reader that heeds the context", err, context.Canceled)
		s.checkList(store)
	}
	s.checkClean(store)
	s.checkList(store)
}

func contextEndsDuringRead(s *suite) {
	store := s.store()
	content := random(1, 8<<20)
	digest := s.put(store, content).Digest
	for _, after := range []int{0, 1, 1 << 20} {
		ctx, cancel := context.WithCancel(s.Context())
		r, err := store.Open(ctx, digest)
		if err != nil {
			cancel()
			s.Fatalf("Open: %v", err)
		}
		got := make([]byte, after)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, content[:after]) {
			s.Errorf("the first %d bytes: other bytes, or %v", after, err)
		}
		cancel()
		_, err = io.ReadAll(r)
		s.checkEnded("read", err, context.Canceled)
		_, err = r.Read(make([]byte, 1))
		s.checkEnded("read after that", err, context.Canceled)
		if err := r.Close(); err != nil {
			s.Errorf("Close of the reader: %v", err)
		}
	}
	s.checkStored(store, content)
}
