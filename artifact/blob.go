package artifact

import (
	"context"
	"io"

	"github.com/tenon-ml/tenon/internal/codec"
)

// Blob is content that is read as a stream when asked.
type Blob struct {
	open func(context.Context) (io.ReadCloser, error)
}

// NewBlob returns a blob.
func NewBlob(open func(context.Context) (io.ReadCloser, error)) Blob { return Blob{open: open} }

// TenonCodec is for this module alone.
func (Blob) TenonCodec() (codec.Codec, error) { return codec.Codec{}, nil }
