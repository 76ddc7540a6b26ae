package local

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// syncDir does nothing: Windows flushes no directories, NTFS journals them.
func syncDir(string) error { return nil }

// readOnly does nothing: a file with the read-only attribute can be neither replaced nor removed.
func readOnly(*os.File) error { return nil }

// replace renames. A file that is being read cannot be replaced on Windows: if it has the same size it is kept and refreshed.
// What readers find damaged is replaced by a Put when they have closed it.
func replace(from, to string) error {
	err := os.Rename(from, to)
	if err == nil || !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return err
	}
	temp, tempErr := os.Lstat(from)
	placed, placedErr := os.Lstat(to)
	if tempErr != nil || placedErr != nil || !placed.Mode().IsRegular() || temp.Size() != placed.Size() {
		return err
	}
	if err := os.Chtimes(to, time.Time{}, temp.ModTime()); err != nil {
		return err
	}
	return os.Remove(from)
}

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

func isInTheWay(err error) bool {
	return errors.Is(err, windows.ERROR_DIRECTORY) || errors.Is(err, syscall.ENOTDIR)
}
