//go:build unix

package filememo

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// Identity changes whenever the content of a file may have changed.
func Identity(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Sprintf("%d.%d", info.Size(), info.ModTime().UnixNano())
	}
	return fmt.Sprintf("%d.%d.%d.%d.%d", info.Size(), info.ModTime().UnixNano(), changeTime(s).UnixNano(), s.Ino, s.Dev)
}

// Changed returns the later of the times at which content and inode of a file changed. A tool may set the first, not the second.
func Changed(info fs.FileInfo) time.Time {
	s, ok := info.Sys().(*syscall.Stat_t)
	if ok && changeTime(s).After(info.ModTime()) {
		return changeTime(s)
	}
	return info.ModTime()
}
