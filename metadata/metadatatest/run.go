package metadatatest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Harness is what the suite needs of an implementation. Its functions fail the test with t.Fatal when they cannot do their work, and may
// be called concurrently for different stores. A store argument is always one that Open or Reopen returned.
type Harness struct {
	// Open returns a new, empty store. The suite closes it before the test's cleanup functions run. Required.
	Open func(t *testing.T) metadata.Store

	// Reopen returns another store on the same data, while the first is still open or after it was closed.
	Reopen func(t *testing.T, store metadata.Store) metadata.Store
}

// Run runs the conformance suite as subtests of t.
func Run(t *testing.T, h Harness) {
	if h.Open == nil {
		t.Fatal("metadatatest: Harness.Open is required")
	}
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Apply", applyTests()},
		{"Fence", fenceTests()},
		{"State", stateTests()},
		{"Lookup", lookupTests()},
		{"Runs", runTests()},
		{"Steps", stepTests()},
		{"Attempts", attemptTests()},
		{"Checkpoints", checkpointTests()},
		{"Signals", signalTests()},
		{"Artifacts", artifactTests()},
		{"Versions", versionTests()},
		{"Names", nameTests()},
		{"Results", resultTests()},
		{"Forget", forgetTests()},
		{"Delete", deleteTests()},
		{"Stacks", stackTests()},
		{"Content", contentTests()},
		{"Protocol", protocolTests()},
		{"Values", valueTests()},
		{"Lifetime", lifetimeTests()},
		{"Concurrent", concurrentTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					s := &suite{subtest: subtest{t}, Harness: h}
					s.Store = s.open()
					test.run(s)
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(s *suite)
}

// suite is one running test with its store.
type suite struct {
	subtest
	Harness
	metadata.Store
}

// subtest is a level below, so that the suite's Run is that of the store.
type subtest struct{ *testing.T }

// open opens a new store that is closed at the end of the test.
func (s *suite) open() metadata.Store {
	s.Helper()
	return s.closing(s.Harness.Open(s.T))
}

// reopen opens another store on the same data.
func (s *suite) reopen() metadata.Store {
	s.Helper()
	if s.Reopen == nil {
		s.Skip("the harness has no Reopen")
	}
	return s.closing(s.Reopen(s.T, s.Store))
}

func (s *suite) closing(store metadata.Store) metadata.Store {
	s.Cleanup(func() {
		if err := store.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	})
	return store
}

// apply applies batches that must succeed.
func (s *suite) apply(batches ...metadata.Batch) {
	s.Helper()
	for _, b := range batches {
		if err := s.Apply(s.Context(), b); err != nil {
			s.Fatalf("Apply: %v", err)
		}
	}
}

// refuses applies a batch that must be refused with a code.
func (s *suite) refuses(what string, b metadata.Batch, code component.Code) {
	s.Helper()
	s.checkCode(what, s.Apply(s.Context(), b), code)
}

func (s *suite) checkCode(what string, err error, code component.Code) {
	s.Helper()
	switch {
	case err == nil:
		s.Errorf("%s succeeds, want an error with code %q", what, code)
	case component.CodeOf(err) != code:
		s.Errorf("%s: code %q, want %q: %v", what, component.CodeOf(err), code, err)
	}
}

// equal compares records: times by their instant, nil and empty alike, NaN equal to itself.
func (s *suite) equal(what string, got, want any) {
	s.Helper()
	s.equalBy(what, got, want)
}

func (s *suite) equalBy(what string, got, want any, options ...cmp.Option) {
	s.Helper()
	if diff := cmp.Diff(want, got, append(options, cmpopts.EquateEmpty(), cmpopts.EquateNaNs())...); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// all reads a listing to its end in pages of a size.
func all[T any](s *suite, limit int, fetch func(metadata.Cursor) (metadata.Page[T], error)) []T {
	s.Helper()
	var items []T
	for c := (metadata.Cursor{Limit: limit}); ; {
		page, err := fetch(c)
		if err != nil {
			s.Fatal(err)
		}
		if len(page.Items) > limit || page.Next != "" && len(page.Items) < limit {
			s.Fatalf("a page of %d has %d items, and the next cursor is %q", limit, len(page.Items), page.Next)
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items
		}
		c.After = page.Next
	}
}
