package artifact

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// Blob is content that is read as a stream, and only when asked: nothing of it is in memory or on the local disk. Its bytes are stored
// as they are.
//
// A step returns a Blob made by [NewBlob] or [BlobOf]; it is opened and read once, when the step has returned. A step receives a Blob
// that reads from the artifact store, as often as it is opened, while the attempt lasts.
//
// The zero Blob has no content: opening and storing it are errors. A Blob is immutable and safe for concurrent use if the function given
// to NewBlob is.
type Blob struct {
	open func(context.Context) (io.ReadCloser, error)
}

// NewBlob returns a blob of what open opens: each time the whole content from its start, which the caller closes. An error
// of reading or closing it while it is stored fails the step, and nothing is stored.
func NewBlob(open func(context.Context) (io.ReadCloser, error)) Blob { return Blob{open: open} }

// BlobOf returns a blob of data, which must not be changed afterwards.
func BlobOf(data []byte) Blob {
	return NewBlob(func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
}

// Open opens the content, which the caller closes. Ctx governs the reader too. Content from the artifact store is verified: its
// reader returns an error with code Corrupt in place of io.EOF when the bytes are not those that were stored, so only a
// caller that reads to the end knows that it got the right ones.
func (b Blob) Open(ctx context.Context) (io.ReadCloser, error) {
	if b.open == nil {
		return nil, component.Errorf(component.Invalid, "blob without content: make it with artifact.NewBlob or artifact.BlobOf")
	}
	r, err := b.open(ctx)
	if err != nil {
		return nil, failed("open blob", err)
	}
	if r == nil {
		return nil, errors.New("open blob: the function given to NewBlob returned neither a reader nor an error")
	}
	return r, nil
}

// TenonCodec is for this module alone.
func (Blob) TenonCodec() (codec.Codec, error) {
	return codec.Codec{Name: "blob", Version: 1, Type: reflect.TypeFor[Blob](), Encode: encodeBlob, Decode: decodeBlob}, nil
}

func encodeBlob(ctx context.Context, w io.Writer, v any) (codec.Info, error) {
	blob, err := valueAs[Blob](v)
	if err != nil {
		return codec.Info{}, err
	}
	r, err := blob.Open(ctx)
	if err != nil {
		return codec.Info{}, err
	}
	s := &stream{ctx: ctx, r: r, what: "read blob"}
	err = s.copyTo(w, make([]byte, 64<<10))
	// A reader may learn only at its end that it failed: a program that exits with an error, a download.
	if closeErr := r.Close(); err == nil && closeErr != nil {
		err = failed("close blob", closeErr)
	}
	if err != nil {
		return codec.Info{}, err
	}
	return codec.Info{Preview: s.preview()}, nil
}

// decodeBlob reads nothing.
func decodeBlob(_ context.Context, c codec.Content) (any, error) { return NewBlob(c.Open), nil }
