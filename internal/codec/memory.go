package codec

import (
	"bytes"
	"context"
	"io"
	"os"
)

// memory is content that is at hand.
type memory struct {
	data    []byte
	version int
	meta    map[string]any
}

func (m memory) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(m.data)), nil
}
func (m memory) Size() int64              { return int64(len(m.data)) }
func (m memory) Version() int             { return m.version }
func (m memory) Meta() map[string]any     { return m.meta }
func (m memory) TempDir() (string, error) { return os.MkdirTemp("", "tenon-codec-") }
