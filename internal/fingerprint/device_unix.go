//go:build unix

package fingerprint

import (
	"io/fs"
	"syscall"
)

// onLocal reports whether a file is on a file system whose times can be trusted.
func (r *reader) onLocal(info fs.FileInfo, path string) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	device := uint64(s.Dev) //nolint:unconvert // an int32 on macOS
	local, known := r.local[device]
	if !known {
		local = localFileSystem(path)
		r.local[device] = local
	}
	return local
}
