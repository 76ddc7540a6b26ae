package main

import "syscall"

// free returns how many bytes may be written where dir is.
func free(dir string) (int64, error) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(dir, &fs)
	return int64(fs.Bavail) * fs.Bsize, err
}
