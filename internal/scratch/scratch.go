// Package scratch gives a process directories for its temporary files. A lock in each shows that its owner lives: the system frees it
// however the process ends, so that others can remove what was left behind, and can tell that its owner is gone.
package scratch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

const lockName = "lock"

// Dir is a directory for temporary files. It lasts until [Dir.Remove], or until its process has ended and another calls [Sweep].
type Dir struct {
	path string
	lock *flock.Flock
}

// New makes a directory in parent, which must exist. The error is of package os.
func New(parent string) (*Dir, error) {
	for {
		path, err := os.MkdirTemp(parent, "")
		if err != nil {
			return nil, err
		}
		lock := flock.New(filepath.Join(path, lockName))
		locked, err := lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept before the lock was there
		}
		if err != nil && !lockUnsupported(err) {
			_ = os.RemoveAll(path)
			return nil, err
		}
		// Where files cannot be locked nobody can sweep, and no lock is needed.
		if err != nil || locked && owns(lock) {
			return &Dir{path, lock}, nil //nolint:nilerr // see above
		}
		_ = lock.Close()
	}
}

// Path returns the directory's path.
func (d *Dir) Path() string { return d.path }

// Name returns its name within its parent, which [InUse] takes.
func (d *Dir) Name() string { return filepath.Base(d.path) }

// Remove removes the directory with all that is in it.
func (d *Dir) Remove() { discard(d.path, d.lock) }

// owns reports whether the lock's file is still in its place, and was not swept between being created and locked.
func owns(lock *flock.Flock) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	placed, err := os.Lstat(lock.Path())
	return err == nil && os.SameFile(held, placed)
}

// InUse reports whether the owner of the directory with the given name in parent lives. In doubt it does.
func InUse(parent, name string) bool {
	if name != filepath.Base(name) {
		return true
	}
	lock := existing(filepath.Join(parent, name))
	locked, err := lock.TryLock()
	_ = lock.Close()
	return !locked && !errors.Is(err, fs.ErrNotExist)
}

// Sweep removes the directories in parent whose owner is gone. What it cannot remove stays for the next time.
func Sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(parent, entry.Name())
		lock := existing(path)
		locked, err := lock.TryLock()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			_ = os.Remove(path) // only if empty: its owner may just be about to create the lock, and then starts over
		case err == nil && locked:
			discard(path, lock)
		default:
			_ = lock.Close()
		}
	}
}

// existing is the lock of a directory, which is not created if it is not there.
func existing(path string) *flock.Flock {
	return flock.New(filepath.Join(path, lockName), flock.SetFlag(os.O_RDWR))
}

// discard removes a directory whose lock is held: the lock last, so that nobody takes the directory for one that is still wanted. If something
// cannot be removed the lock's file stays too, since [Sweep] knows by it what to try again.
func discard(path string, lock *flock.Flock) {
	entries, err := os.ReadDir(path)
	for _, entry := range entries {
		if entry.Name() != lockName {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, entry.Name())))
		}
	}
	if err != nil {
		_ = lock.Close()
		return
	}
	err = os.Remove(lock.Path())
	_ = lock.Close()
	if err != nil {
		_ = os.Remove(lock.Path()) // Windows removes no open file
	}
	_ = os.Remove(path)
}
