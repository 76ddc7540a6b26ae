package metadatatest

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

func protocolTests() []test {
	return []test{
		{"Interleaved", protocolInterleaved},
		{"Hammer", protocolHammer},
	}
}

// blobs is an artifact store that knows only which contents it has.
type blobs struct {
	mu  sync.Mutex
	has map[artifact.Digest]bool
}

func (b *blobs) put(d artifact.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.has[d] = true
}

func (b *blobs) remove(d artifact.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.has, d)
}

func (b *blobs) holds(d artifact.Digest) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.has[d]
}

func (b *blobs) list() []artifact.Digest {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.has))
}

// record does what a writer does whose batch refers to content: it puts what is not there, and revives it.
func (s *suite) record(b *blobs, batch metadata.Batch) error {
	for {
		err := s.Apply(s.Context(), batch)
		var condemned *metadata.CondemnedError
		if !errors.As(err, &condemned) {
			return err
		}
		for _, d := range condemned.Digests {
			if !b.holds(d) {
				b.put(d)
			}
		}
		if _, err := s.Revive(s.Context(), condemned.Digests, condemned.Generation); err != nil {
			return err
		}
		runtime.Gosched()
	}
}

// collect is one round of garbage collection; between its steps it calls pause.
func (s *suite) collect(b *blobs, pause func()) error {
	condemned, err := s.Condemn(s.Context(), b.list())
	if err != nil {
		return err
	}
	pause()
	begun, err := s.BeginDelete(s.Context(), condemned)
	if err != nil {
		return err
	}
	pause()
	for _, d := range begun {
		b.remove(d)
	}
	pause()
	return s.EndDelete(s.Context(), begun)
}

// A collection runs from begin to end, or in part, between any two steps of a writer: no record is without its bytes.
func protocolInterleaved(s *suite) {
	r := s.run()
	for before := range 5 { // the collector's steps before the writer puts the bytes
		for after := range 5 - before { // and those between that and its record
			content := fmt.Sprintf("%d and %d", before, after)
			store, d := &blobs{has: map[artifact.Digest]bool{}}, digest(content)
			store.put(d)
			paused, resume := make(chan struct{}), make(chan struct{})
			collected := make(chan error)
			go func() {
				<-resume
				err := s.collect(store, func() { paused <- struct{}{}; <-resume })
				close(paused)
				collected <- err
			}()
			advance := func(n int) {
				for range n {
					resume <- struct{}{}
					<-paused
				}
			}
			advance(before)
			store.put(d)
			advance(after)
			recorded := make(chan error)
			go func() {
				recorded <- s.record(store, steps(withOutput(step(r.ID, content, metadata.StepSucceeded), stored(content))))
			}()
			close(resume)
			for range paused { // the collector goes on beside the writer
			}
			if err := errors.Join(<-collected, <-recorded); err != nil {
				s.Fatal(err)
			}
			if !store.holds(d) {
				s.Errorf("after %s steps of the collector before and after its put, a record is without its bytes", content)
			}
		}
	}
}

// Writers, hits, deletes and the collector all at once: what a record refers to is there as long as the record is.
func protocolHammer(s *suite) {
	const writers, rounds, contents = 4, 25, 3
	store := &blobs{has: map[artifact.Digest]bool{}}
	check := func(d artifact.Digest, when string) {
		if !store.holds(d) {
			s.Errorf("%s a record is without its bytes", when)
		}
	}
	var writing atomic.Int32
	writing.Store(writers)
	together(writers+1, func(i int) {
		if i == writers {
			for writing.Load() > 0 {
				if err := s.collect(store, runtime.Gosched); err != nil {
					s.Error(err)
					return
				}
			}
			return
		}
		defer writing.Add(-1)
		for round := range rounds {
			content := fmt.Sprint("content ", (round+i)%contents)
			d, r := digest(content), newRun()
			// The bytes are looked for, or a result that has them, as a step does.
			if hit, err := s.Lookup(s.Context(), []string{content}); err != nil {
				s.Error(err)
			} else if _, found := hit[content]; !found && !store.holds(d) {
				store.put(d)
			}
			b := metadata.Batch{Create: []metadata.Run{r}, Steps: []metadata.Step{keyed(r.ID, "train", content, moment(round), content)}}
			if err := s.record(store, b); err != nil {
				s.Error(err)
				return
			}
			check(d, "after its commit")
			r.State = metadata.RunSucceeded
			if err := s.Apply(s.Context(), metadata.Batch{Update: []metadata.Run{r}}); err != nil {
				s.Error(err)
			}
			if round%2 == 0 {
				if _, err := s.Forget(s.Context(), []string{content}, time.Time{}); err != nil {
					s.Error(err)
				}
				continue
			}
			if err := s.DeleteRun(s.Context(), r.ID); err != nil {
				s.Error(err)
			}
		}
	})
}
