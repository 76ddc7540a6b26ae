package procgroup

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/step"
)

const (
	// target is the share of the limit, in percent, that the garbage collector keeps to.
	target = 90
	// watchPause is the time between two looks at what is used.
	watchPause = 20 * time.Millisecond
	// room is for addresses that are never used: the C library maps 8 MiB for the stack of every thread.
	room = 1 << 30
)

// LimitMemory ends this process, with its group, when it uses more memory than limit, which must be positive. It is called once, before
// the work begins. The error is of the system call; then there is no limit.
//
// Two things enforce it. What is really used, without mapped files, is looked at 50 times a second. And the system refuses what goes
// a GiB beyond the limit at once, so that the Go runtime ends the process: RLIMIT_DATA counts addresses, and cannot be exact. Children of
// the process inherit the second alone. Elsewhere than on Linux there is only the garbage collector, which works harder to stay
// below the limit.
func LimitMemory(limit step.Bytes) error {
	debug.SetMemoryLimit(min(int64(limit)/100*target, debug.SetMemoryLimit(-1)))
	if err := limitData(uint64(limit)); err != nil {
		return err
	}
	go watch(limit)
	return nil
}

// limitData bounds the private, writable addresses of the process: what it has already, the limit, and some room.
func limitData(limit uint64) error {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &r); err != nil {
		return fmt.Errorf("get the limit of memory: %w", err)
	}
	_, data := statm()
	limit += data + room
	if limit >= r.Cur {
		return nil // there is a stricter one
	}
	r.Cur = limit
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &r); err != nil {
		return fmt.Errorf("set the limit of memory: %w", err)
	}
	return nil
}

// watch ends the process when it uses more than limit.
func watch(limit step.Bytes) {
	for range time.Tick(watchPause) {
		if used, _ := statm(); step.Bytes(used) > limit {
			fmt.Fprintf(os.Stderr, "%suses %v, and may use %v\n", OutOfMemory, step.Bytes(used), limit)
			KillOwn()
		}
	}
}

// statm returns the bytes of memory that the process uses, without mapped files, and those of its private, writable addresses.
func statm() (used, data uint64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	var pages [7]uint64 // size, resident, shared, text, lib, data and stack, dirty
	for i, f := range bytes.Fields(text) {
		if i < len(pages) {
			pages[i], _ = strconv.ParseUint(string(f), 10, 64)
		}
	}
	size := uint64(os.Getpagesize())
	return (pages[1] - min(pages[1], pages[2])) * size, pages[5] * size
}
