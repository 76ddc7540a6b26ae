package worker

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
)

// traffic is the artifact store of one attempt. It counts the bytes that the attempt moves: of artifacts, of sources, and of what travels
// in records. Values that are read later hold on to it.
type traffic struct {
	artifact.Store
	read, written atomic.Int64
}

func (t *traffic) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	return t.Store.Put(ctx, &countedReader{r, &t.written})
}

func (t *traffic) Open(ctx context.Context, digest artifact.Digest) (io.ReadCloser, error) {
	r, err := t.Store.Open(ctx, digest)
	if err != nil {
		return nil, err
	}
	return &countedContent{countedReader{r, &t.read}, r}, nil
}

// countedOpener counts what is read of outside data. A path is taken for data that is read once.
type countedOpener struct {
	ref.Opener
	read *atomic.Int64
}

func (o *countedOpener) Open(ctx context.Context, p ref.Pin) (io.ReadCloser, error) {
	r, err := o.Opener.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	return &countedContent{countedReader{r, o.read}, r}, nil
}

func (o *countedOpener) Path(ctx context.Context, p ref.Pin) (string, error) {
	path, err := o.Opener.Path(ctx, p)
	if err == nil {
		o.read.Add(p.Size)
	}
	return path, err
}

type countedReader struct {
	r     io.Reader
	count *atomic.Int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.count.Add(int64(n))
	return n, err
}

type countedContent struct {
	countedReader
	io.Closer
}

// inlineSize is how many bytes of rec, or of its elements, travel in the record.
func inlineSize(rec artifact.Record) int64 {
	n := int64(len(rec.Inline))
	for i := range rec.Elements {
		n += inlineSize(rec.Elements[i])
	}
	return n
}
