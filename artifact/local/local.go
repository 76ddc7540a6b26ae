package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/scratch"
)

// Config configures the store.
type Config struct {
	// Path is the directory of the store, created if it is not there. A relative path is relative to the state
	// directory of the installation. The default is "artifacts".
	Path string `yaml:"path" doc:"directory of the content; a relative one is in the state directory"`
}

// Validate implements [component.Validator].
func (c *Config) Validate() error {
	switch {
	case c.Path == "":
		return errors.New(`path: must not be empty; leave it out for "artifacts" in the state directory`)
	case strings.ContainsRune(c.Path, 0):
		return fmt.Errorf("path: %q contains a NUL byte", c.Path)
	case c.Path == "~" || strings.HasPrefix(c.Path, "~/"):
		return fmt.Errorf("path: %q: ~ is not expanded; write the absolute path", c.Path)
	}
	return nil
}

// Flavor is the artifact store "local".
var Flavor = component.New("local", artifact.Kind, Config{Path: "artifacts"}, open).
	WithDoc("content in a directory of this machine")

func open(_ context.Context, c Config, env component.Env) (artifact.Store, error) {
	if filepath.IsAbs(c.Path) {
		return Open(c.Path)
	}
	if env.Home == "" {
		return nil, component.Errorf(component.Invalid, "path %q is relative and there is no state directory: write an absolute path", c.Path)
	}
	return Open(filepath.Join(env.Home, c.Path))
}

// Open opens the store in a directory, which it creates if it is not there, and removes what writers left that were killed.
// A relative path is relative to the working directory. The error names the path: FailedPrecondition if it is
// not a directory, PermissionDenied, Exhausted for a full disk.
//
// Close waits for calls to Put that are under way.
func Open(path string) (artifact.Store, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return nil, component.Errorf(component.Invalid, "open artifact store %q: %w", path, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, explain("open artifact store "+dir, err)
	}
	s := &store{dir: dir, buffers: sync.Pool{New: func() any { return new([bufferSize]byte) }}}
	scratch.Sweep(s.tmp())
	return s, nil
}

type store struct {
	dir     string // absolute
	buffers sync.Pool
	known   [256]atomic.Bool // the folders of sha256 that exist durably

	puts    sync.WaitGroup // under way; none is added once closed is set
	mu      sync.Mutex
	session *scratch.Dir // of temporary files; nil before the first Put
	closed  bool
}

func (s *store) tmp() string     { return filepath.Join(s.dir, "tmp") }
func (s *store) content() string { return filepath.Join(s.dir, "sha256") }

// file returns the path of a valid digest's content.
func (s *store) file(d artifact.Digest) string {
	return filepath.Join(s.content(), d.Hex()[:2], d.Hex()[2:])
}

func (s *store) Capabilities() artifact.Capabilities { return artifact.Capabilities{} }

func (s *store) Open(ctx context.Context, digest artifact.Digest) (io.ReadCloser, error) {
	f, info, err := s.openFile(ctx, digest)
	if err != nil {
		return nil, err
	}
	return artifact.VerifyReader(ctx, f, digest, info.Size()), nil
}

func (s *store) openFile(ctx context.Context, digest artifact.Digest) (*os.File, fs.FileInfo, error) {
	if err := check(ctx, "open", digest); err != nil {
		return nil, nil, err
	}
	// Stat first: opening something like a named pipe would block.
	if _, err := s.stat(digest); err != nil {
		return nil, nil, explainContent("open", digest, err)
	}
	f, err := os.Open(s.file(digest))
	if err != nil {
		return nil, nil, explainContent("open", digest, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, explainContent("open", digest, err)
	}
	return f, info, nil
}

func (s *store) Stat(ctx context.Context, digest artifact.Digest) (artifact.Info, error) {
	if err := check(ctx, "stat", digest); err != nil {
		return artifact.Info{}, err
	}
	info, err := s.stat(digest)
	if err != nil {
		return artifact.Info{}, explainContent("stat", digest, err)
	}
	return describe(digest, info), nil
}

func (s *store) stat(digest artifact.Digest) (fs.FileInfo, error) {
	info, err := os.Lstat(s.file(digest))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, component.Errorf(component.Corrupt, "%s is not a regular file: remove it", s.file(digest))
	}
	return info, nil
}

func (s *store) Delete(ctx context.Context, digest artifact.Digest) error {
	if err := check(ctx, "delete", digest); err != nil {
		return err
	}
	if err := os.Remove(s.file(digest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explainContent("delete", digest, err)
	}
	return nil
}

func (s *store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.puts.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil {
		s.session.Remove()
		s.session = nil
	}
	return nil
}

func describe(digest artifact.Digest, info fs.FileInfo) artifact.Info {
	return artifact.Info{Digest: digest, Size: info.Size(), ModTime: info.ModTime().Round(0).In(time.UTC)}
}
