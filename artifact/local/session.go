package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/tenon-ml/tenon/component"
)

const lockName = "lock"

// session is a folder for the temporary files of one open store, and a lock in it that shows that its owner is alive.
type session struct {
	dir  string
	lock *flock.Flock
}

// acquire returns the session, which lasts until release is called. The first call starts it.
func (s *store) acquire() (_ *session, release func(), _ error) {
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
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return explain("put content", err)
		}
	}
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} {
		if err := syncDir(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
			return explain("put content: flush "+dir, err)
		}
	}
	session, err := newSession(s.tmp())
	if err != nil {
		return explain("put content: create a folder in "+s.tmp(), err)
	}
	s.session = session
	return nil
}

func newSession(tmp string) (*session, error) {
	for {
		dir, err := os.MkdirTemp(tmp, "")
		if err != nil {
			return nil, err
		}
		lock := flock.New(filepath.Join(dir, lockName))
		locked, err := lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept before the lock was there
		}
		if err != nil && !lockUnsupported(err) {
			_ = os.RemoveAll(dir)
			return nil, err
		}
		// Where files cannot be locked nobody can sweep, and no lock is needed.
		if err != nil || locked && owns(lock) {
			return &session{dir: dir, lock: lock}, nil //nolint:nilerr // see above
		}
		_ = lock.Close()
	}
}

// owns reports whether the lock's file is still in its place, and was not swept between being created and locked.
func owns(lock *flock.Flock) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	placed, err := os.Lstat(lock.Path())
	return err == nil && os.SameFile(held, placed)
}

// end removes the session's folder, in which no temporary file is left.
func (s *session) end() { discard(s.dir, s.lock) }

// sweep removes the sessions whose owner is gone. What it cannot remove stays for the next time.
func sweep(tmp string) {
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return
	}
	for _, entry := range entries {
		dir := filepath.Join(tmp, entry.Name())
		lock := flock.New(filepath.Join(dir, lockName), flock.SetFlag(os.O_RDWR))
		locked, err := lock.TryLock()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			_ = os.Remove(dir) // only if empty: its owner may just be about to create the lock, and then starts over
		case err == nil && locked:
			discard(dir, lock)
		default:
			_ = lock.Close()
		}
	}
}

// discard removes a session whose lock is held: the lock last, so that nobody takes the folder for one that is still wanted.
func discard(dir string, lock *flock.Flock) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.Name() != lockName {
			_ = os.RemoveAll(filepath.Join(dir, entry.Name()))
		}
	}
	err := os.Remove(lock.Path())
	_ = lock.Close()
	if err != nil {
		_ = os.Remove(lock.Path()) // Windows removes no open file
	}
	_ = os.Remove(dir)
}

// tempFile is a file that disappears unless it is installed.
type tempFile struct {
	*os.File
	installed bool
}

func (s *session) create() (*tempFile, error) {
	f, err := os.CreateTemp(s.dir, "")
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
