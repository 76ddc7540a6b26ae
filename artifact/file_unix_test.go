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
