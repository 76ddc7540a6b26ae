package codec

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
)

// spoolLimit is up to which size content is spooled to memory rather than to a file.
const spoolLimit = 8 << 20

// Spooled is verified content that can be read at any place.
type Spooled struct {
	io.ReaderAt
	size int64
	path string
	file *os.File
}

// Size in bytes.
func (s *Spooled) Size() int64 { return s.size }

// Close releases the memory, or removes the file.
func (s *Spooled) Close() error {
	if s.file == nil {
		return nil
	}
	_ = s.file.Close()
	return os.Remove(s.path)
}

// Spool reads content to its end, where its digest is verified, and keeps it: in memory if it is small, else in a temporary file.
func Spool(ctx context.Context, c Content) (*Spooled, error) {
	if c.Size() <= spoolLimit {
		data, err := readAll(ctx, c)
		if err != nil {
			return nil, err
		}
		return &Spooled{ReaderAt: bytes.NewReader(data), size: int64(len(data))}, nil
	}
	path, size, err := SpoolFile(ctx, c, "spool")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &Spooled{ReaderAt: f, size: size, path: path, file: f}, nil
}

// SpoolFile writes verified content to a new file of the given base name in a temporary directory of c. A file whose content does
// not verify is removed.
func SpoolFile(ctx context.Context, c Content, name string) (path string, size int64, err error) {
	dir, err := c.TempDir()
	if err != nil {
		return "", 0, err
	}
	r, err := c.Open(ctx)
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	path = filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", 0, err
	}
	size, err = CopyBuffered(f, r)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(path)
		return "", 0, err
	}
	return path, size, nil
}

// CopyBuffered copies with a buffer that makes system calls rare.
func CopyBuffered(w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 512<<10))
}
