package artifact

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// stream reads what a value names while it is encoded: until ctx ends, with errors that say what was read. It keeps the start for the
// preview.
type stream struct {
	ctx   context.Context //nolint:containedctx // lives for one call
	r     io.Reader
	what  string // for errors
	start []byte
	size  int64 // bytes read so far
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, failed(s.what, err)
	}
	n, err := s.r.Read(p)
	if room := codec.PreviewStartSize - len(s.start); room > 0 {
		s.start = append(s.start, p[:min(n, room)]...)
	}
	s.size += int64(n)
	if err != nil && err != io.EOF { //nolint:errorlint // io.EOF is never wrapped
		err = failed(s.what, err)
	}
	return n, err
}

func (s *stream) preview() string { return codec.PreviewStart(s.start, s.size) }

// copyTo writes everything to w. Errors of w are returned as they are.
func (s *stream) copyTo(w io.Writer, buf []byte) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{s}, buf)
	return err
}

// failed says what failed, and gives errors of the operating system their codes.
func failed(what string, err error) error {
	code := component.CodeOf(err)
	switch {
	case code != component.Unknown:
	case errors.Is(err, fs.ErrNotExist):
		code = component.NotFound
	case errors.Is(err, fs.ErrPermission):
		code = component.PermissionDenied
	}
	return component.Errorf(code, "%s: %w", what, err)
}

// pathFailed is failed where what names the path already.
func pathFailed(what string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return failed(what, err)
}

// valueAs returns the value that a codec was given.
func valueAs[T any](v any) (T, error) {
	t, ok := v.(T)
	if !ok {
		return t, component.Errorf(component.Invalid, "value of type %T where %T is expected", v, t)
	}
	return t, nil
}
