//go:build unix

package artifact_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// A pipe would block whoever opens it, for ever.
func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, fileErr := save(s, artifact.File(pipe))
	_, dirErr := save(s, artifact.Dir(dir))
	_, pathErr := save(s, artifact.Dir(pipe))
	for _, err := range []error{fileErr, dirErr, pathErr} {
		if !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "pipe\"") || !strings.Contains(err.Error(), "a named pipe") {
			t.Errorf("got %v, want Invalid naming the pipe", err)
		}
	}

	short, err := os.MkdirTemp("", "s") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	l, err := net.Listen("unix", filepath.Join(short, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := save(s, artifact.Dir(short)); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), `"sock" is a socket`) {
		t.Errorf("got %v, want Invalid naming the socket", err)
	}
	s.empty()
}

// What was stored while it changed may never have been the content.
func TestChangingFiles(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *os.File) error{
		"grows":    func(f *os.File) error { _, err := f.WriteString("more"); return err },
		"shrinks":  func(f *os.File) error { return f.Truncate(1) },
		"is other": func(f *os.File) error { _, err := f.WriteAt([]byte("y"), 0); return err },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "log")
		for _, c := range []struct {
			codec codec.Codec
			value any
		}{{codecOf[artifact.File](t), artifact.File(path)}, {codecOf[artifact.Dir](t), artifact.Dir(dir)}} {
			writeFile(t, path, strings.Repeat("x", 1<<20))
			if err := os.Chtimes(path, testTime, testTime); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			w := &hookWriter{hook: func() error { return change(f) }}
			_, err = c.codec.Encode(t.Context(), w, c.value)
			f.Close()
			if component.CodeOf(err) != component.FailedPrecondition || !strings.Contains(err.Error(), "it changed while it was stored") || !strings.Contains(err.Error(), "log") {
				t.Errorf("%T, a file that %s: got %v", c.value, name, err)
			}
		}
	}
	// A file of the kernel has no size and yet content.
	if _, err := os.Stat("/proc/version"); err != nil {
		return
	}
	s := newStore(t)
	if rec := mustSave(s, artifact.File("/proc/version")); rec.Size == 0 {
		t.Error("/proc/version was stored without its content")
	}
	dir := t.TempDir()
	if err := os.Symlink("/proc/version", filepath.Join(dir, "version")); err != nil {
		t.Fatal(err)
	}
	if _, err := save(s, artifact.Dir(dir)); component.CodeOf(err) != component.FailedPrecondition {
		t.Errorf("got %v for a file without a size", err)
	}
}

// hookWriter calls its hook after the first kilobytes.
type hookWriter struct {
	n    int
	hook func() error
}

func (w *hookWriter) Write(p []byte) (int, error) {
	before := w.n
	if w.n += len(p); before <= 1024 && w.n > 1024 {
		return len(p), w.hook()
	}
	return len(p), nil
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	s := newStore(t)
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "secret"), "x")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, fileErr := save(s, artifact.File(path))
	_, dirErr := save(s, artifact.Dir(dir))
	for _, err := range []error{fileErr, dirErr} {
		if component.CodeOf(err) != component.PermissionDenied || !strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v, want permission denied naming the file", err)
		}
	}
}
