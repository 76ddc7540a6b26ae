//go:build cgo

package points

// #include <stddef.h>
// #include <stdint.h>
import "C"

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// pointsBeforeWrite is called before SQLite writes to a file, on the thread that does.
//
//export pointsBeforeWrite
func pointsBeforeWrite(fd C.int, buf unsafe.Pointer, n C.size_t, at C.int64_t) {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd)))
	if err != nil {
		return
	}
	var torn bool
	switch {
	case strings.HasSuffix(path, "-wal"):
		torn = current.writing(int(n))
	case strings.HasSuffix(path, ".db"):
		torn = due(Database)
	}
	if !torn {
		return
	}
	if _, err := syscall.Pwrite(int(fd), unsafe.Slice((*byte)(buf), int(n)/2), int64(at)); err != nil {
		panic(err)
	}
	fall("")
}

// pointsUnlocked is called when a process that has written to the log lets others do so.
//
//export pointsUnlocked
func pointsUnlocked() { current.unlocked() }
