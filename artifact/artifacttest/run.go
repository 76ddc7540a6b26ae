package artifacttest

import (
	"testing"

	"github.com/tenon-ml/tenon/artifact"
)

// Harness is what the suite needs of an implementation. Its functions fail the test with t.Fatal when they cannot do their
// work, and may be called concurrently for different stores. A store argument is always one that Open or Reopen returned.
type Harness struct {
	// Open returns a new, empty store. The suite closes it before the test's cleanup functions run. Required.
	Open func(t *testing.T) artifact.Store

	// Reopen returns another store on the same content, while the first is still open or after it was closed.
	Reopen func(t *testing.T, store artifact.Store) artifact.Store

	// Truncate cuts off the second half of stored content, behind the store's back.
	Truncate func(t *testing.T, store artifact.Store, digest artifact.Digest)

	// Flip changes one byte in the middle of stored content, which has at least one, and keeps its size.
	Flip func(t *testing.T, store artifact.Store, digest artifact.Digest)

	// Remove makes stored content disappear.
	Remove func(t *testing.T, store artifact.Store, digest artifact.Digest)

	// Temporaries returns how many unfinished pieces of content (temporary files, parts of uploads) the store has now.
	Temporaries func(t *testing.T, store artifact.Store) int

	// StreamSize is the size of the long stream in bytes. Zero means 1 GiB, or 64 MiB with -short.
	StreamSize int64
}

// Run runs the conformance suite as subtests of t.
func Run(t *testing.T, h Harness) {
	if h.Open == nil {
		t.Fatal("artifacttest: Harness.Open is required")
	}
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Stream", streamTests()}, // alone, before the parallel ones
		{"Put", putTests()},
		{"Open", openTests()},
		{"Digest", digestTests()},
		{"List", listTests()},
		{"Fault", faultTests()},
		{"Context", contextTests()},
		{"Concurrent", concurrentTests()},
		{"Lifetime", lifetimeTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					if group.name != "Stream" {
						t.Parallel()
					}
					test.run(&suite{T: t, Harness: h})
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(s *suite)
}

// suite is one running test.
type suite struct {
	*testing.T
	Harness
}

// store opens a new store that is closed at the end of the test.
func (s *suite) store() artifact.Store {
	s.Helper()
	store := s.Open(s.T)
	s.Cleanup(func() {
		if err := store.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	})
	return store
}
