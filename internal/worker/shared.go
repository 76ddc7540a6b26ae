package worker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// Shared holds the inputs that the elements of one mapped step share on one host: each is decoded once. It is safe for
// concurrent use; make one with [NewShared].
type Shared struct {
	store   artifact.Store
	tempDir string
	node    *graph.Node
	bind    *graph.Binding

	mu     sync.Mutex
	values map[int]*sharedValue // by input; nil once it is closed
	dir    string
}

type sharedValue struct {
	once  sync.Once
	known atomic.Bool // value and err are set
	rec   artifact.Record
	value any
	err   error
}

// NewShared returns an empty Shared for a node, whose files live under tempDir.
func NewShared(store artifact.Store, tempDir string, node *graph.Node, bind *graph.Binding) *Shared {
	return &Shared{store: store, tempDir: tempDir, node: node, bind: bind, values: map[int]*sharedValue{}}
}

// value returns the i-th input, which read decodes when it is first asked for.
func (s *Shared) value(ctx context.Context, i int, rec artifact.Record, read reader) (any, error) {
	s.mu.Lock()
	if s.values == nil { // by an attempt that was abandoned
		s.mu.Unlock()
		return nil, component.Errorf(component.FailedPrecondition, "the step has ended")
	}
	v := s.values[i]
	if v == nil || v.rec.Digest != rec.Digest {
		v = &sharedValue{rec: rec}
		s.values[i] = v
	}
	s.mu.Unlock()
	v.once.Do(func() {
		v.err = errors.New("decoding it ended its goroutine")
		v.value, v.err = read(context.WithoutCancel(ctx), s.makeDir) // the value outlives the attempt that reads it first
		v.known.Store(true)
	})
	if v.err != nil {
		s.mu.Lock()
		if s.values[i] == v {
			delete(s.values, i) // another attempt may have more luck
		}
		s.mu.Unlock()
	}
	return v.value, v.err
}

// reader decodes a value. Dir makes the directory for its files.
type reader func(ctx context.Context, dir func() (string, error)) (any, error)

func (s *Shared) makeDir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		return "", component.Errorf(component.FailedPrecondition, "the step has ended")
	}
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

// Close hashes the shared values again, after the last element has ended, and forgets them. The error, with code Invalid, names the input
// that an element changed.
func (s *Shared) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		defer os.RemoveAll(s.dir)
	}
	var errs []error
	for i, v := range s.values {
		if !v.known.Load() || v.err != nil {
			continue // an abandoned attempt may still be reading
		}
		name := s.node.Inputs[i].Name
		changed, err := s.changed(ctx, i, v)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("hash shared input %s again: %w", name, err))
		case changed:
			errs = append(errs, component.Errorf(component.Invalid,
				"an element changed input %s, which all elements share: copy it before changing it, or leave out ShareInputs", name))
		}
	}
	s.values = nil
	return errors.Join(errs...)
}

// changed reports whether a value is not what was read. A codec need not write the very bytes that it read: in doubt the content is read
// anew and compared as the codec writes it now.
func (s *Shared) changed(ctx context.Context, i int, v *sharedValue) (bool, error) {
	port := s.bind.Inputs[i]
	if streams(port) {
		return false, nil
	}
	now, err := digest(ctx, port, v.rec, v.value)
	if err != nil || now == v.rec.Digest {
		return false, err
	}
	var again [2]artifact.Digest
	for k := range again {
		fresh, err := port.Load(ctx, s.store, v.rec, s.freshDir)
		if err != nil {
			return false, err
		}
		if again[k], err = digest(ctx, port, v.rec, fresh); err != nil {
			return false, err
		}
	}
	return again[0] == again[1] && now != again[0], nil // a codec that writes something else each time tells nothing
}

// streams reports whether a value is opened anew by each reader, so that nobody can change it: a blob or a table.
func streams(port graph.Port) bool {
	_, ok := reflect.New(port.Type).Interface().(codec.SelfCoded)
	return ok && (port.Codec.Name == "blob" || port.Codec.Name == "parquet")
}

// freshDir makes a directory within that of the shared values, whose lock is held.
func (s *Shared) freshDir() (string, error) { return os.MkdirTemp(s.dir, "again-*") }

// digest is that of a value as it would be stored.
func digest(ctx context.Context, port graph.Port, rec artifact.Record, value any) (artifact.Digest, error) {
	if rec.Codec != artifact.GatherCodec {
		now, err := transfer.Save(ctx, hashOnly{}, port.Codec, rec.Type, value)
		return now.Digest, err
	}
	list := reflect.ValueOf(value)
	records := make([]artifact.Record, list.Len())
	for i := range records {
		var err error
		if records[i], err = transfer.Save(ctx, hashOnly{}, port.Elem, "", list.Index(i).Interface()); err != nil {
			return "", err
		}
	}
	return transfer.Gather(records, rec.Type).Digest, nil
}

// hashOnly is a store that keeps nothing.
type hashOnly struct{ artifact.Store }

func (hashOnly) Put(_ context.Context, r io.Reader) (artifact.Info, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(h, r, make([]byte, 256<<10))
	return artifact.Info{Digest: artifact.NewDigest([32]byte(h.Sum(nil))), Size: n}, err
}
