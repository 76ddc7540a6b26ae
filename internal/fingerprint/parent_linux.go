package fingerprint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// goCommandStart returns when the parent process started, if it is the go command. Start times have a resolution of 10 ms, so
// the time returned is up to that much too early, which is the safe side.
func goCommandStart() (time.Time, bool) {
	parent := os.Getppid()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", parent))
	if err != nil || filepath.Base(exe) != "go" {
		return time.Time{}, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", parent))
	if err != nil {
		return time.Time{}, false
	}
	// The second field is the command in parentheses, which may hold anything; start time is field 22, see proc(5).
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	if end < 0 || len(fields) < 20 {
		return time.Time{}, false
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return time.Time{}, false
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every architecture that Go runs on
	age := time.Duration(up.Nano()) - time.Duration(ticks)*tick
	return time.Now().Add(-age), true
}
