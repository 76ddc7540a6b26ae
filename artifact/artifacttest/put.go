package artifacttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing/iotest"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func putTests() []test {
	return []test{
		{"Sizes", putSizes},
		{"Readers", putReaders},
		{"SameBytesOnce", putSameBytesOnce},
		{"ModTime", putModTime},
		{"NotVisibleBeforeItsEnd", putNotVisibleBeforeItsEnd},
		{"FailingReader", putFailingReader},
		{"AfterDelete", putAfterDelete},
	}
}

// sizes are the sizes of content at which buffers and messages begin and end.
var sizes = [...]int{0, 1, 511, 4096, 32<<10 + 1, 64 << 10, 256<<10 - 1, 256 << 10, 256<<10 + 1, 512 << 10, 1<<20 + 1, 4<<20 + 3}

func putSizes(s *suite) {
	store := s.store()
	var contents [][]byte
	for i, size := range sizes {
		content := random(byte(i), size)
		contents = append(contents, content)
		s.put(store, content)
	}
	for _, content := range contents {
		s.checkStored(store, content)
	}
	s.checkList(store, contents...)
	s.checkClean(store)
}

func putReaders(s *suite) {
	store := s.store()
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one byte at a time":       iotest.OneByteReader,
		"half of what is asked":    iotest.HalfReader,
		"io.EOF with the last one": iotest.DataErrReader,
	} {
		for i, size := range []int{0, 1, 70_000, 300_000} {
			content := random(byte(i), size)
			info, err := store.Put(s.Context(), wrap(bytes.NewReader(content)))
			if err != nil {
				s.Errorf("Put of %d bytes, %s: %v", size, name, err)
				continue
			}
			s.checkInfo(info, content)
			s.checkStored(store, content)
		}
	}
}

func putSameBytesOnce(s *suite) {
	store := s.store()
	var contents [][]byte
	for i, size := range []int{0, 100, 1 << 20} {
		content := random(byte(i), size)
		contents = append(contents, content)
		for range 3 {
			s.put(store, content)
		}
	}
	s.checkList(store, contents...)
	s.checkClean(store)
}

func putModTime(s *suite) {
	store := s.store()
	for _, size := range []int{0, 100, 1 << 20} {
		content := random(1, size)
		first := s.put(store, content)
		stat := func() artifact.Info {
			info, err := store.Stat(s.Context(), first.Digest)
			if err != nil {
				s.Fatalf("Stat: %v", err)
			}
			return info
		}
		if got := stat().ModTime; !got.Equal(first.ModTime) {
			s.Fatalf("Stat gives ModTime %v, want %v as Put", got, first.ModTime)
		}
		// Clocks of stores are coarse: repeat until it moves.
		s.eventually(fmt.Sprintf("Put of %d bytes that are there refreshes their ModTime", size), func() bool {
			again := s.put(store, content).ModTime
			if again.Before(first.ModTime) {
				s.Errorf("ModTime went back from %v to %v", first.ModTime, again)
			}
			return again.After(first.ModTime) && stat().ModTime.After(first.ModTime)
		})
	}
}

// readFunc is a reader.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func putNotVisibleBeforeItsEnd(s *suite) {
	store := s.store()
	for i, size := range []int{100, 3 << 20} {
		content := random(byte(i), size)
		looked := false
		look := readFunc(func([]byte) (int, error) {
			looked = true
			_, err := store.Stat(s.Context(), digestOf(content))
			s.checkCode("Stat before the end of Put", err, component.NotFound)
			_, err = store.Open(s.Context(), digestOf(content))
			s.checkCode("Open before the end of Put", err, component.NotFound)
			s.checkList(store)
			return 0, io.EOF
		})
		if _, err := store.Put(s.Context(), io.MultiReader(bytes.NewReader(content), look)); err != nil || !looked {
			s.Fatalf("Put: %v; it read to the end: %v", err, looked)
		}
		s.checkStored(store, content)
		if err := store.Delete(s.Context(), digestOf(content)); err != nil {
			s.Fatalf("Delete: %v", err)
		}
	}
}

func putFailingReader(s *suite) {
	store := s.store()
	broken := errors.New("the reader broke")
	for _, size := range sizes {
		content := random(1, size)
		for name, r := range map[string]io.Reader{
			"after the bytes":          io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)),
			"with the last bytes":      iotest.DataErrReader(io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken))),
			"with io.ErrUnexpectedEOF": io.MultiReader(bytes.NewReader(content), iotest.ErrReader(io.ErrUnexpectedEOF)),
		} {
			info, err := store.Put(s.Context(), r)
			if !errors.Is(err, broken) && !errors.Is(err, io.ErrUnexpectedEOF) {
				s.Errorf("Put from a reader that fails after %d bytes, %s: got %+v and %v, want the reader's error", size, name, info, err)
			}
			_, err = store.Stat(s.Context(), digestOf(content))
			s.checkCode("Stat after a failed Put", err, component.NotFound)
		}
	}
	coded := component.Errorf(component.Exhausted, "quota of the source")
	_, err := store.Put(s.Context(), iotest.ErrReader(coded))
	s.checkCode("Put from a reader that fails with a code", err, component.Exhausted)
	s.checkList(store)
	s.checkClean(store)
}

func putAfterDelete(s *suite) {
	store := s.store()
	content := random(1, 1000)
	for range 3 {
		s.put(store, content)
		s.checkStored(store, content)
		if err := store.Delete(s.Context(), digestOf(content)); err != nil {
			s.Fatalf("Delete: %v", err)
		}
		_, err := store.Stat(s.Context(), digestOf(content))
		s.checkCode("Stat after Delete", err, component.NotFound)
		_, err = s.read(store, digestOf(content))
		s.checkCode("Open after Delete", err, component.NotFound)
		s.checkList(store)
	}
}
