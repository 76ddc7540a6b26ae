package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/scratch"
)

// acquire returns the directory of the temporary files, which lasts until release is called. The first call makes it.
func (s *store) acquire() (_ *scratch.Dir, release func(), _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, component.Errorf(component.FailedPrecondition, "put content: artifact store %s: %w", s.dir, fs.ErrClosed)
	}
	if s.session == nil {
		if err := s.begin(); err != nil {
			return nil, nil, err
		}
	}
	s.puts.Add(1)
	return s.session, s.puts.Done, nil
}

func (s *store) begin() error {
	for _, dir := range []string{s.content(), s.tmp()} {
		// Not its parents: what is written where the store was, before somebody moved it away, is lost.
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return explain("put content", err)
		}
	}
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} {
		if err := syncDir(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
			return explain("put content: flush "+dir, err)
		}
	}
	session, err := scratch.New(s.tmp())
	if err != nil {
		return explain("put content: create a folder in "+s.tmp(), err)
	}
	s.session = session
	return nil
}

// tempFile is a file that disappears unless it is installed.
type tempFile struct {
	*os.File
	installed bool
}

func createTemp(dir string) (*tempFile, error) {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return nil, err
	}
	return &tempFile{File: f}, nil
}

// seal flushes and closes the file and makes it read-only.
func (f *tempFile) seal() error {
	err := readOnly(f.File)
	if err == nil {
		// Not the kernel's coarse clock: a later Put must not seem earlier than one that refreshed with time.Now.
		err = os.Chtimes(f.Name(), time.Time{}, time.Now())
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// discard removes the file if it was not installed.
func (f *tempFile) discard() {
	if f.installed {
		return
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
}
