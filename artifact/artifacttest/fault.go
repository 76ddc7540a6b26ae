package artifacttest

import (
	"bytes"
	"io"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func faultTests() []test {
	return []test{
		{"Truncated", faultTruncated},
		{"Flipped", faultFlipped},
		{"Removed", faultRemoved},
	}
}

var faultSizes = [...]int{1, 100, 70_000, 2 << 20}

func faultTruncated(s *suite) {
	if s.Truncate == nil {
		s.Skip("the harness has no Truncate")
	}
	s.damage(s.Truncate)
}

func faultFlipped(s *suite) {
	if s.Flip == nil {
		s.Skip("the harness has no Flip")
	}
	s.damage(s.Flip)
}

// damage checks that damaged content is never read as if it were whole, and that it can be deleted and repaired.
func (s *suite) damage(harm func(*testing.T, artifact.Store, artifact.Digest)) {
	store := s.store()
	for i, size := range faultSizes {
		content := random(byte(i), size)
		digest := s.put(store, content).Digest

		harm(s.T, store, digest)
		_, err := s.read(store, digest)
		s.checkDamaged("read to the end", err, digest)
		s.checkReadFull(store, digest, size)
		if err := store.Delete(s.Context(), digest); err != nil {
			s.Errorf("Delete of damaged content: %v", err)
		}
		_, err = store.Stat(s.Context(), digest)
		s.checkCode("Stat of deleted content", err, component.NotFound)

		s.put(store, content)
		harm(s.T, store, digest)
		s.put(store, content)
		s.checkStored(store, content)
	}
	s.checkClean(store)
}

// checkReadFull reads exactly as many bytes as the content had, without looking for io.EOF.
func (s *suite) checkReadFull(store artifact.Store, digest artifact.Digest, size int) {
	s.Helper()
	r, err := store.Open(s.Context(), digest)
	if err != nil {
		s.checkDamaged("Open", err, digest)
		return
	}
	defer r.Close()
	_, err = io.ReadFull(r, make([]byte, size))
	if err == nil {
		_, err = r.Read(make([]byte, 1))
	}
	s.checkDamaged("read of as many bytes as there were", err, digest)
	_, again := r.Read(make([]byte, 1))
	s.checkDamaged("read after that", again, digest)
}

func faultRemoved(s *suite) {
	if s.Remove == nil {
		s.Skip("the harness has no Remove")
	}
	store := s.store()
	for i, size := range faultSizes {
		content := random(byte(i), size)
		digest := s.put(store, content).Digest
		s.Remove(s.T, store, digest)
		_, err := s.read(store, digest)
		s.checkCode("Open", err, component.NotFound)
		_, err = store.Stat(s.Context(), digest)
		s.checkCode("Stat", err, component.NotFound)
		s.checkList(store)
		if err := store.Delete(s.Context(), digest); err != nil {
			s.Errorf("Delete: %v", err)
		}
		if _, err := store.Put(s.Context(), bytes.NewReader(content)); err != nil {
			s.Errorf("Put: %v", err)
		}
		s.checkStored(store, content)
		if err := store.Delete(s.Context(), digest); err != nil {
			s.Errorf("Delete: %v", err)
		}
	}
}
