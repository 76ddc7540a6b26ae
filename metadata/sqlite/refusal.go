package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tenon-ml/tenon/component"
)

// What to do about a refusal of the system.
const (
	mayWrite  = "the database must be readable and writable, and so must its directory"
	freeSpace = "the disk is full: free space on it, which \"tenon gc\" may do"
	freeFiles = "raise the limit of open files (ulimit -n), or do less at once"
)

const (
	// probeSize is the size in bytes of the largest piece that SQLite asks for at once: the index of the log grows by 32 KiB.
	probeSize = 64 << 10
	// probeFiles is how many files SQLite may have had open besides when it was refused one: a driver may have closed them since.
	probeFiles = 4
)

// fileError is why the file cannot be opened or made.
func fileError(err error) error {
	code, hint := reason(err)
	if code == component.Unknown {
		code, hint = component.Invalid, "the path must be that of a file in an existing directory"
	}
	return component.Errorf(code, "metadata: %w: %s", err, hint)
}

// reason tells what an error of the system means; Unknown if it is none of those that a person can do something about.
func reason(err error) (component.Code, string) {
	is := func(errno syscall.Errno) bool { return errors.Is(err, errno) }
	switch {
	case errors.Is(err, fs.ErrPermission), is(syscall.EROFS):
		return component.PermissionDenied, mayWrite
	case noSpace(err):
		return component.Exhausted, freeSpace
	case is(syscall.EMFILE), is(syscall.ENFILE):
		return component.Exhausted, freeFiles
	}
	return component.Unknown, ""
}

func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// full reports whether an error is that of a full disk.
func (s *store) full(err error) bool {
	return errors.Is(err, component.ErrExhausted) && (resultCode(err) == sqliteFull || noSpace(err) || noSpace(s.probe()))
}

// refusal is why SQLite could not read or write. It tells little of that, so the system is asked for the like again.
func (s *store) refusal(result int) (code component.Code, hint string) {
	if code, hint := reason(s.probe()); code != component.Unknown {
		return code, ": " + hint
	}
	switch result {
	case sqliteFull:
		return component.Exhausted, ": " + freeSpace
	case sqliteIOErr:
		return component.Unavailable, ": the disk cannot be read or written"
	}
	return component.PermissionDenied, ": " + mayWrite
}

// probe makes a file beside the database, writes to it, and removes it, with some more files open.
func (s *store) probe() error {
	for range probeFiles {
		dir, err := os.Open(filepath.Dir(s.path))
		if err != nil {
			return err
		}
		defer dir.Close()
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+"-probe-*")
	if err != nil {
		return err
	}
	_ = os.Remove(f.Name()) // before anything can happen to this process; Windows does it only in the end
	_, err = f.Write(make([]byte, probeSize))
	err = errors.Join(err, f.Close())
	_ = os.Remove(f.Name())
	return err
}
