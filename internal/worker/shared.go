package worker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// Shared holds the inputs that the elements of one mapped step share on one host: each is decoded once. It is safe for
// concurrent use; make one with [NewShared].
type Shared struct {
	tempDir string

	mu     sync.Mutex
	values map[sharedKey]*sharedValue
	dir    string
}

type sharedKey struct {
	input  int
	digest artifact.Digest
}

type sharedValue struct {
	once  sync.Once
	value any
	err   error
}

// NewShared returns an empty Shared whose files live under tempDir.
func NewShared(tempDir string) *Shared {
	return &Shared{tempDir: tempDir, values: map[sharedKey]*sharedValue{}}
}

func (s *Shared) value(ctx context.Context, k sharedKey, read func(context.Context, func() (string, error)) (any, error)) (any, error) {
	s.mu.Lock()
	v := s.values[k]
	if v == nil {
		v = &sharedValue{}
		s.values[k] = v
	}
	s.mu.Unlock()
	// The value outlives the attempt that reads it first.
	v.once.Do(func() { v.value, v.err = read(context.WithoutCancel(ctx), s.makeDir) })
	if v.err != nil {
		s.mu.Lock()
		delete(s.values, k) // another attempt may have more luck
		s.mu.Unlock()
	}
	return v.value, v.err
}

func (s *Shared) makeDir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		return s.dir, nil
	}
	if err := os.MkdirAll(s.tempDir, 0o700); err != nil {
		return "", component.Errorf(component.Unavailable, "make a directory for shared inputs: %w", err)
	}
	var err error
	s.dir, err = os.MkdirTemp(s.tempDir, "shared-*")
	return s.dir, err
}

// Close hashes the shared values again, after the last element has ended, and forgets them. The error names the input of the node that
// an element changed.
func (s *Shared) Close(ctx context.Context, node *graph.Node, bind *graph.Binding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer os.RemoveAll(s.dir)
	var errs []error
	for k, v := range s.values {
		port := bind.Inputs[k.input]
		if port.Codec.ID() == "blob/1" || v.value == nil {
			continue // a stream is opened anew by each reader
		}
		rec, err := transfer.Save(ctx, hashOnly{}, port.Codec, node.Inputs[k.input].Type, v.value)
		if err != nil {
			errs = append(errs, fmt.Errorf("step %s: hash shared input %s again: %w", node.Name, node.Inputs[k.input].Name, err))
		} else if rec.Digest != k.digest {
			errs = append(errs, component.Errorf(component.Invalid,
				"step %s changed its input %s, which its elements share: copy it before changing it, or leave out ShareInputs", node.Name, node.Inputs[k.input].Name))
		}
	}
	s.values = map[sharedKey]*sharedValue{}
	return errors.Join(errs...)
}

// hashOnly is a store that keeps nothing.
type hashOnly struct{ artifact.Store }

func (hashOnly) Put(_ context.Context, r io.Reader) (artifact.Info, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(h, r, make([]byte, 256<<10))
	return artifact.Info{Digest: artifact.NewDigest([32]byte(h.Sum(nil))), Size: n}, err
}
