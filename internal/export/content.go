package export

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// Content is the content of a record in a store. Not safe for concurrent use.
type Content struct {
	store artifact.Store
	rec   artifact.Record
	dir   string // of temporary files; empty until it is needed
}

var _ codec.Content = (*Content)(nil)

// NewContent returns the content of a record, which the store must hold unless it is inline. The caller closes it.
func NewContent(store artifact.Store, rec artifact.Record) *Content {
	return &Content{store: store, rec: rec}
}

// Open opens the bytes, which the reader verifies at their end. The error of a gathered list has the code Invalid.
func (c *Content) Open(ctx context.Context) (io.ReadCloser, error) {
	return transfer.Content(ctx, c.store, c.rec)
}

// Size in bytes.
func (c *Content) Size() int64 { return c.rec.Size }

// Version of the codec that wrote the bytes; 0 if the record does not say.
func (c *Content) Version() int {
	_, version, _ := codec.ParseID(c.rec.Codec)
	return version
}

// Meta is what the codec extracted.
func (c *Content) Meta() map[string]any { return c.rec.Meta }

// TempDir returns a directory that Close removes.
func (c *Content) TempDir() (string, error) {
	if c.dir == "" {
		dir, err := os.MkdirTemp("", "tenon-export-*")
		if err != nil {
			return "", component.Errorf(component.Unavailable, "make a directory for temporary files: %w", err)
		}
		c.dir = dir
	}
	return os.MkdirTemp(c.dir, "value-*")
}

// Kind tells the kind of the content, for which it may read its start.
func (c *Content) Kind(ctx context.Context) (Kind, error) {
	if k := kindOfCodec(c.rec.Codec); k != "" {
		return k, nil
	}
	r, err := c.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	return KindOf(c.rec.Codec, head[:n]), nil
}

// Close removes temporary files.
func (c *Content) Close() error {
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}
