package artifacttest

import (
	"bytes"
	"errors"
	"sync"
	"testing/iotest"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func concurrentTests() []test {
	return []test{
		{"SameContent", concurrentSameContent},
		{"DifferentContent", concurrentDifferentContent},
		{"TwoStores", concurrentTwoStores},
		{"PutAndDelete", concurrentPutAndDelete},
	}
}

// together runs f in n goroutines that start at once, and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// tryPut is put for goroutines: it does not end the test.
func (s *suite) tryPut(store artifact.Store, content []byte) {
	s.Helper()
	info, err := store.Put(s.Context(), bytes.NewReader(content))
	if err != nil {
		s.Errorf("Put of %d bytes: %v", len(content), err)
		return
	}
	s.checkInfo(info, content)
}

func concurrentSameContent(s *suite) {
	store := s.store()
	var contents [][]byte
	for i, size := range []int{0, 100, 1 << 20} {
		content := random(byte(i), size)
		contents = append(contents, content)
		together(16, func(int) {
			s.tryPut(store, content)
			s.checkStored(store, content)
		})
	}
	s.checkList(store, contents...)
	s.checkClean(store)
}

func concurrentDifferentContent(s *suite) {
	store := s.store()
	broken := errors.New("the reader broke")
	contents := make([][]byte, 32)
	for i := range contents {
		contents[i] = random(byte(i), i*i*500)
	}
	together(len(contents), func(i int) {
		if _, err := store.Put(s.Context(), iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(contents[1])))); err == nil {
			s.Error("Put from a failing reader: no error")
		}
		s.tryPut(store, contents[i])
		s.checkStored(store, contents[i])
		if _, err := store.Put(s.Context(), iotest.ErrReader(broken)); !errors.Is(err, broken) {
			s.Errorf("Put from a failing reader: %v", err)
		}
		if _, err := store.List(s.Context(), "", 10); err != nil {
			s.Errorf("List: %v", err)
		}
	})
	s.checkList(store, contents...)
	s.checkClean(store)
}

func concurrentTwoStores(s *suite) {
	if s.Reopen == nil {
		s.Skip("the harness has no Reopen")
	}
	first := s.store()
	second := s.Reopen(s.T, first)
	defer func() {
		if err := second.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	}()
	stores := [...]artifact.Store{first, second}
	same := random(0, 1<<20)
	contents := [][]byte{same}
	for i := 1; i <= 8; i++ {
		contents = append(contents, random(byte(i), i*100_000))
	}
	together(len(contents), func(i int) {
		store, other := stores[i%2], stores[(i+1)%2]
		s.tryPut(store, same)
		s.tryPut(store, contents[i])
		s.checkStored(other, contents[i])
	})
	s.checkList(first, contents...)
	s.checkList(second, contents...)
	s.checkClean(first)
}

// Put and Delete of one content race: at every moment it is there whole or not at all, and the last word counts.
func concurrentPutAndDelete(s *suite) {
	store := s.store()
	for i, size := range []int{50, 300_000} {
		content := random(byte(i), size)
		digest := digestOf(content)
		together(9, func(i int) {
			for range 5 {
				switch i % 3 {
				case 0:
					s.tryPut(store, content)
				case 1:
					if err := store.Delete(s.Context(), digest); err != nil {
						s.Errorf("Delete: %v", err)
					}
				case 2:
					got, err := s.read(store, digest)
					if err == nil && !bytes.Equal(got, content) {
						s.Errorf("read gave %d wrong bytes", len(got))
					}
					if err != nil && component.CodeOf(err) != component.NotFound {
						s.Errorf("read: %v, want the content or not found", err)
					}
				}
			}
		})
		s.put(store, content)
		s.checkStored(store, content)
	}
	if got := len(s.list(store, 10)); got != 2 {
		s.Errorf("the store lists %d contents, want 2", got)
	}
	s.checkClean(store)
}
