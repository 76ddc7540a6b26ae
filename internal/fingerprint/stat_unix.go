//go:build unix

package fingerprint

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// identity changes whenever the content of a file may have changed.
func identity(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.ModTime().UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%d.%d.%d.%d", info.ModTime().UnixNano(), changeTime(s).UnixNano(), s.Ino, s.Dev)
}

// changed returns the later of the times at which content and inode of a file changed. A tool may set the first, not the second.
func changed(info fs.FileInfo) time.Time {
	s, ok := info.Sys().(*syscall.Stat_t)
	if ok && changeTime(s).After(info.ModTime()) {
		return changeTime(s)
	}
	return info.ModTime()
}
