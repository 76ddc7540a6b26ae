package artifact

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// decodeDir unpacks what encodeDir wrote. The archive may be hostile: see unpacker.
func decodeDir(ctx context.Context, c codec.Content) (_ any, err error) {
	parent, err := c.TempDir()
	if err != nil {
		return nil, err
	}
	r, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	dir := filepath.Join(parent, "dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, failed("unpack directory", err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, failed("unpack directory", err)
	}
	defer func() { _ = root.Close() }()

	in := bufio.NewReaderSize(r, 64<<10)
	u := &unpacker{root: root, tar: tar.NewReader(in), left: c.Size(), buf: make([]byte, min(max(c.Size(), 512), copyBuffer))}
	unpackErr := u.unpack()
	if _, local := errors.AsType[*localError](unpackErr); local {
		return nil, unpackErr
	}
	// Damaged bytes explain a malformed archive, so the digest comes first.
	rest, err := io.Copy(io.Discard, in)
	switch {
	case err != nil:
		return nil, err
	case unpackErr != nil:
		return nil, unpackErr
	case rest > 0:
		return nil, malformed("%d bytes after its end", rest)
	}
	return Dir(dir), nil
}

// unpacker creates the files of an archive below a root. It accepts only what encodeDir writes, as far as that matters: files and
// directories, each named once and in order, after the directory that it is in, and together no larger than the archive itself. It never
// creates links, so no name can lead out of the root.
type unpacker struct {
	root *os.Root
	tar  *tar.Reader
	left int64 // bytes that files may still have
	buf  []byte

	last    string   // order of the last name
	parents []string // the directory that is being filled, after those that it is in
}

// localError is an error of this machine, not of the archive.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

func malformed(format string, args ...any) error {
	return component.Errorf(component.Corrupt, "directory archive is malformed: "+format, args...)
}

func (u *unpacker) unpack() error {
	for {
		h, err := u.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return malformed("%w", err)
		}
		if err := u.entry(h); err != nil {
			return err
		}
	}
}

func (u *unpacker) entry(h *tar.Header) error {
	name, isDir := h.Name, h.Typeflag == tar.TypeDir
	if isDir {
		name = strings.TrimSuffix(name, "/")
	}
	if !isDir && h.Typeflag != tar.TypeReg {
		return malformed("entry %.200q of type %q is neither a file nor a directory", h.Name, h.Typeflag)
	}
	if !fs.ValidPath(name) || name == "." {
		return malformed("entry %.200q has a name that may lead out of the directory", h.Name)
	}
	local, err := filepath.Localize(name)
	if err != nil {
		return component.Errorf(component.Invalid, "directory holds %.200q, which is no possible name on this system", name)
	}
	if err := u.place(name); err != nil {
		return err
	}
	if isDir {
		u.parents = append(u.parents, name)
		if err := u.root.Mkdir(local, 0o755); err != nil {
			return u.failed(name, err)
		}
		return nil
	}
	if u.left -= h.Size; h.Size < 0 || u.left < 0 {
		return malformed("file %.200q of %d bytes is larger than what the archive holds", name, h.Size)
	}
	return u.file(name, local, h.FileInfo().Mode()&0o100 != 0)
}

// place checks that a name comes after the last one, and its directory before it.
func (u *unpacker) place(name string) error {
	// With this separator the order of bytes is that of a walk: "a", "a/b", "a-b".
	order := strings.ReplaceAll(name, "/", "\x00")
	if order <= u.last {
		return malformed("entry %.200q is there twice or out of order", name)
	}
	u.last = order
	parent := path.Dir(name)
	for len(u.parents) > 0 && u.parents[len(u.parents)-1] != parent {
		u.parents = u.parents[:len(u.parents)-1]
	}
	if parent != "." && len(u.parents) == 0 {
		return malformed("entry %.200q comes without its directory", name)
	}
	return nil
}

func (u *unpacker) file(name, local string, executable bool) error {
	perm := fs.FileMode(0o644)
	if executable {
		perm = 0o755
	}
	f, err := u.root.OpenFile(local, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return u.failed(name, err)
	}
	_, err = io.CopyBuffer(localWriter{f}, struct{ io.Reader }{u.tar}, u.buf)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = &localError{closeErr}
	}
	if _, local := errors.AsType[*localError](err); local {
		return u.failed(name, err)
	}
	if err != nil {
		return malformed("file %.200q: %w", name, err)
	}
	return nil
}

// failed explains that this system refused to create a file or directory.
func (u *unpacker) failed(name string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return component.Errorf(component.Invalid, "directory holds %.200q and another name that is the same on this system", name)
	}
	if errors.Is(err, syscall.ENAMETOOLONG) {
		return component.Errorf(component.Invalid, "directory holds %.200q…, a name that is too long for this system", name)
	}
	return &localError{failed(fmt.Sprintf("unpack directory: %.200q", name), err)}
}

// localWriter marks the errors of writing, to tell them from those of the archive.
type localWriter struct{ f *os.File }

func (w localWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = &localError{err}
	}
	return n, err
}
