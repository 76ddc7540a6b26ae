package codec

import (
	"bytes"
	"context"
	"io"
)

// memory is content that is at hand, within other content.
type memory struct {
	data    []byte
	version int
	tempDir func() (string, error)
}

func (m memory) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m.data)), nil
}
func (m memory) Size() int64              { return int64(len(m.data)) }
func (m memory) Version() int             { return m.version }
func (m memory) Meta() map[string]any     { return nil }
func (m memory) TempDir() (string, error) { return m.tempDir() }
