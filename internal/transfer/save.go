package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
)

// streamBuffer is how much is encoded before it is handed to the store: handing over costs a switch between goroutines.
const streamBuffer = 256 << 10

// Save encodes v and stores it, unless it is small enough to travel in its record. Typ is the structural type. If encoding fails or
// ctx ends nothing becomes visible in the store.
func Save(ctx context.Context, store artifact.Store, c codec.Codec, typ string, v any) (artifact.Record, error) {
	w := &sink{ctx: ctx, store: store}
	defer w.abort() // also if the codec panics
	info, err := c.Encode(ctx, w, v)
	if err != nil {
		return artifact.Record{}, w.failed(err)
	}
	rec := artifact.Record{Codec: c.ID(), Type: typ, Meta: info.Meta, Preview: info.Preview}
	stored, err := w.close()
	if err != nil {
		return artifact.Record{}, err
	}
	if stored == nil {
		rec.Inline = append([]byte{}, w.head...)
		rec.Digest, rec.Size = digestOf(rec.Inline), int64(len(rec.Inline))
		return rec, nil
	}
	rec.Digest, rec.Size = stored.Digest, stored.Size
	return rec, nil
}

// sink keeps what is written while it is small. With the first byte beyond the limit it begins to stream everything into the store.
type sink struct {
	ctx   context.Context //nolint:containedctx // lives for one call
	store artifact.Store
	head  []byte

	pipe   *io.PipeWriter // nil while the content is small
	buffer *bufio.Writer
	put    chan putResult
	unhook func() bool
	ended  bool
}

type putResult struct {
	info artifact.Info
	err  error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.pipe == nil {
		if len(s.head)+len(p) <= artifact.InlineLimit {
			s.head = append(s.head, p...)
			return len(p), nil
		}
		s.stream()
	}
	return s.buffer.Write(p)
}

func (s *sink) stream() {
	r, w := io.Pipe()
	s.pipe, s.buffer, s.put = w, bufio.NewWriterSize(w, streamBuffer), make(chan putResult, 1)
	s.unhook = context.AfterFunc(s.ctx, func() { _ = w.CloseWithError(context.Cause(s.ctx)) })
	go func() {
		info, err := s.store.Put(s.ctx, r)
		if err != nil {
			_ = r.CloseWithError(&putError{err})
		} else {
			_ = r.Close()
		}
		s.put <- putResult{info, err}
	}()
	_, _ = s.buffer.Write(s.head) // an error stays in the buffer for the next write
	s.head = nil
}

// putError tells an error of the store, which the encoder passes on, from one of the encoder's own.
type putError struct{ err error }

func (e *putError) Error() string { return e.err.Error() }
func (e *putError) Unwrap() error { return e.err }

// close waits until everything is stored. It returns nil if nothing had to be.
func (s *sink) close() (*artifact.Info, error) {
	s.ended = true
	if s.pipe == nil {
		return nil, s.ctx.Err()
	}
	if err := s.ctx.Err(); err != nil { // known here before the store hears of it
		return nil, s.end(err)
	}
	if err := s.buffer.Flush(); err != nil {
		return nil, s.end(err)
	}
	_ = s.pipe.Close()
	res := <-s.put
	s.unhook()
	if res.err != nil {
		return nil, fmt.Errorf("store it: %w", res.err)
	}
	return &res.info, nil
}

// failed ends the stream of an encoder that failed, and returns the error that explains it best.
func (s *sink) failed(cause error) error {
	s.ended = true
	if s.pipe == nil {
		return fmt.Errorf("encode it: %w", cause)
	}
	return s.end(cause)
}

// end makes the store drop what it got, and waits for it.
func (s *sink) end(cause error) error {
	_ = s.pipe.CloseWithError(cause)
	res := <-s.put
	s.unhook()
	if s.ctx.Err() != nil && errors.Is(cause, io.ErrClosedPipe) {
		cause = context.Cause(s.ctx) // why the pipe was closed
	}
	if _, ours := asPutError(cause); ours && res.err != nil {
		return fmt.Errorf("store it: %w", res.err)
	}
	return fmt.Errorf("encode it: %w", cause)
}

func (s *sink) abort() {
	if !s.ended && s.pipe != nil {
		_ = s.end(io.ErrUnexpectedEOF)
	}
}

func asPutError(err error) (*putError, bool) {
	var put *putError
	return put, errors.As(err, &put)
}
