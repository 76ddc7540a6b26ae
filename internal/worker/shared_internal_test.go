package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
)

// newShared makes a Shared of one input of numbers.
func newShared(t *testing.T) *Shared {
	t.Helper()
	node := &graph.Node{Name: "s", Inputs: []graph.Input{{Name: "In"}}}
	numbers, err := codec.For(reflect.TypeFor[[]int](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return NewShared(nil, filepath.Join(t.TempDir(), "tmp"), node, &graph.Binding{Inputs: []graph.Port{{Type: reflect.TypeFor[[]int](), Codec: numbers}}})
}

// TestSharedForgetsFailures: one attempt cannot read an input, the next one can, and the third gets the same value.
func TestSharedForgetsFailures(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	boom, calls := errors.New("boom"), 0
	read := func(context.Context, func() (string, error)) (any, error) {
		if calls++; calls == 1 {
			return nil, boom
		}
		return []int{calls}, nil
	}
	if _, err := s.value(t.Context(), 0, artifact.Record{Digest: "d"}, read); !errors.Is(err, boom) {
		t.Errorf("the first read gave %v", err)
	}
	for range 2 {
		v, err := s.value(t.Context(), 0, artifact.Record{Digest: "d"}, read)
		if err != nil || v.([]int)[0] != 2 {
			t.Errorf("a later read gave %v, %v", v, err)
		}
	}
}

// TestSharedAfterItsEnd: an attempt that was abandoned asks late.
func TestSharedAfterItsEnd(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	dir, err := s.makeDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	if _, err := s.value(t.Context(), 0, artifact.Record{Digest: "d"}, nil); !errors.Is(err, component.ErrFailedPrecondition) {
		t.Errorf("a value after the end: %v", err)
	}
	if _, err := s.makeDir(); !errors.Is(err, component.ErrFailedPrecondition) {
		t.Errorf("a directory after the end: %v", err)
	}
}
