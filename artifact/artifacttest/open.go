package artifacttest

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing/iotest"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func openTests() []test {
	return []test{
		{"Reader", openReader},
		{"ReadersAreIndependent", openReadersAreIndependent},
		{"CloseBeforeTheEnd", openCloseBeforeTheEnd},
		{"NotFound", openNotFound},
		{"DeletedMeanwhile", openDeletedMeanwhile},
		{"Capabilities", capabilitiesAreConstant},
	}
}

func openReader(s *suite) {
	store := s.store()
	for i, size := range []int{0, 1, 100_000} {
		content := random(byte(i), size)
		s.put(store, content)
		r, err := store.Open(s.Context(), digestOf(content))
		if err != nil {
			s.Fatalf("Open: %v", err)
		}
		if err := iotest.TestReader(r, content); err != nil {
			s.Errorf("the reader of %d bytes: %v", size, err)
		}
		if n, err := r.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			s.Errorf("Read after the end gave %d and %v, want io.EOF", n, err)
		}
		if err := r.Close(); err != nil {
			s.Errorf("Close of the reader: %v", err)
		}
	}
}

func openReadersAreIndependent(s *suite) {
	store := s.store()
	content := random(1, 300_000)
	s.put(store, content)
	var readers [3]io.ReadCloser
	for i := range readers {
		r, err := store.Open(s.Context(), digestOf(content))
		if err != nil {
			s.Fatalf("Open: %v", err)
		}
		defer r.Close()
		readers[i] = r
	}
	var got [len(readers)]bytes.Buffer
	for range 3 {
		for i, r := range readers {
			if _, err := io.CopyN(&got[i], r, 100_000); err != nil {
				s.Fatalf("reader %d: %v", i, err)
			}
		}
	}
	for i := range got {
		if !bytes.Equal(got[i].Bytes(), content) {
			s.Errorf("reader %d gave other bytes", i)
		}
	}
}

func openCloseBeforeTheEnd(s *suite) {
	store := s.store()
	content := random(1, 4<<20)
	s.put(store, content)
	for _, read := range []int{0, 1, 1 << 20} {
		r, err := store.Open(s.Context(), digestOf(content))
		if err != nil {
			s.Fatalf("Open: %v", err)
		}
		got := make([]byte, read)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, content[:read]) {
			s.Errorf("the first %d bytes: other bytes, or %v", read, err)
		}
		if err := r.Close(); err != nil {
			s.Errorf("Close of the reader after %d bytes: %v", read, err)
		}
	}
	s.checkStored(store, content)
}

func openNotFound(s *suite) {
	store := s.store()
	s.put(store, random(1, 10))
	for _, digest := range []artifact.Digest{
		digestOf([]byte("never stored")),
		artifact.Digest("sha256:" + strings.Repeat("0", 64)),
		artifact.Digest("sha256:" + strings.Repeat("f", 64)),
	} {
		_, err := s.read(store, digest)
		s.checkCode("Open", err, component.NotFound)
		_, err = store.Stat(s.Context(), digest)
		s.checkCode("Stat", err, component.NotFound)
		if err := store.Delete(s.Context(), digest); err != nil {
			s.Errorf("Delete of what is not there: %v", err)
		}
	}
	s.checkList(store, random(1, 10))
}

// What is deleted while it is being read may end with an error, but not with wrong bytes.
func openDeletedMeanwhile(s *suite) {
	store := s.store()
	content := random(1, 4<<20)
	s.put(store, content)
	r, err := store.Open(s.Context(), digestOf(content))
	if err != nil {
		s.Fatalf("Open: %v", err)
	}
	defer r.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(r, head); err != nil {
		s.Fatalf("Read: %v", err)
	}
	deleted := store.Delete(s.Context(), digestOf(content)) // a store may refuse while there are readers
	tail, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(slices.Concat(head, tail), content) {
		s.Errorf("the reader gave %d wrong bytes and no error", len(head)+len(tail))
	}
	if deleted != nil && err != nil {
		s.Errorf("neither deleted (%v) nor readable (%v)", deleted, err)
	}
}

func capabilitiesAreConstant(s *suite) {
	store := s.store()
	before := store.Capabilities()
	s.put(store, random(1, 10))
	if after := store.Capabilities(); after != before {
		s.Errorf("Capabilities changed from %+v to %+v", before, after)
	}
}
