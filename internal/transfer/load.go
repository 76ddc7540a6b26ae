package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// parallel is how many elements of one list are read at once.
const parallel = 8

// Load reads the value that rec describes. TempDir returns a directory that lives as long as the value may be used; it is called only
// for a value that needs files.
func Load(ctx context.Context, store artifact.Store, c codec.Codec, rec artifact.Record, tempDir func() (string, error)) (any, error) {
	version, err := checkCodec(c, rec)
	if err != nil {
		return nil, err
	}
	v, err := c.Decode(ctx, &content{store: store, rec: rec, version: version, tempDir: tempDir})
	if err == nil {
		return v, nil
	}
	// Damage explains whatever a codec makes of it, who may have given up before the end.
	if damage := verify(ctx, store, rec); errors.Is(damage, component.ErrCorrupt) {
		return nil, damage
	}
	return nil, err
}

// verify reads content to its end.
func verify(ctx context.Context, store artifact.Store, rec artifact.Record) error {
	r, err := Content(ctx, store, rec)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// LoadList reads a gathered list, element by element, into a slice of listType. It is never nil.
func LoadList(ctx context.Context, store artifact.Store, elem codec.Codec, listType reflect.Type, rec artifact.Record, tempDir func() (string, error)) (any, error) {
	if listType.Kind() != reflect.Slice {
		return nil, component.Errorf(component.Invalid, "a gathered list cannot become a %v", listType)
	}
	if got := Gather(rec.Elements, rec.Type).Digest; got != rec.Digest {
		return nil, component.Errorf(component.Corrupt, "gathered list %s is corrupt: its %d elements have the digest %s", rec.Digest, len(rec.Elements), got)
	}
	list := reflect.MakeSlice(listType, len(rec.Elements), len(rec.Elements))
	load := func(ctx context.Context, i int) error {
		v, err := Load(ctx, store, elem, rec.Elements[i], tempDir)
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		if v != nil { // an element of an interface type may be nil
			list.Index(i).Set(reflect.ValueOf(v))
		}
		return nil
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var failed atomic.Bool
	for i := range rec.Elements {
		if failed.Load() {
			break
		}
		if rec.Elements[i].Inline != nil {
			if err := load(ctx, i); err != nil {
				_ = group.Wait()
				return nil, err
			}
			continue
		}
		group.Go(func() error {
			err := load(groupCtx, i)
			if err != nil {
				failed.Store(true)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return list.Interface(), nil
}

// content is a record as its codec sees it.
type content struct {
	store   artifact.Store
	rec     artifact.Record
	version int
	tempDir func() (string, error)
}

func (c *content) Open(ctx context.Context) (io.ReadCloser, error) {
	return Content(ctx, c.store, c.rec)
}
func (c *content) Size() int64          { return c.rec.Size }
func (c *content) Version() int         { return c.version }
func (c *content) Meta() map[string]any { return c.rec.Meta }

// TempDir returns a directory of this value alone, since two values may have files of the same name.
func (c *content) TempDir() (string, error) {
	parent, err := c.tempDir()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, "value-*")
	if err != nil {
		return "", component.Errorf(component.Unavailable, "make a directory for a value: %w", err)
	}
	return dir, nil
}
