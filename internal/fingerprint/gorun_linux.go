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

// tick is the resolution of start times: USER_HZ is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// parentGoRun describes the parent process, if it is "go run".
func parentGoRun() (goRun, bool) {
	proc := fmt.Sprintf("/proc/%d/", os.Getppid())
	exe, err := os.Readlink(proc + "exe")
	if err != nil || filepath.Base(exe) != "go" {
		return goRun{}, false
	}
	dir, err := os.Readlink(proc + "cwd")
	if err != nil {
		return goRun{}, false
	}
	line, err := os.ReadFile(proc + "cmdline")
	if err != nil {
		return goRun{}, false
	}
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	if subcommand(args) != "run" { // "go generate" starts programs that were built at some time
		return goRun{}, false
	}
	started, err := startOf(proc)
	if err != nil {
		return goRun{}, false
	}
	return goRun{started: started, exe: exe, dir: dir, args: args[1:]}, true
}

// subcommand returns the "run" of "go run", or of "go -C dir run".
func subcommand(args []string) string {
	for i := 1; i < len(args); i++ {
		switch {
		case args[i] == "-C" || args[i] == "--C":
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// startOf returns when a process started, by the clock that stamps files. That clock ticks and so may be late; the result is early by as
// much, and by up to a tick of start times: a file that was written later has a later time.
func startOf(proc string) (time.Time, error) {
	stat, err := os.ReadFile(proc + "stat")
	if err != nil {
		return time.Time{}, err
	}
	// The second field is the command in parentheses, which may hold anything; start time is field 22, see proc(5).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return time.Time{}, fmt.Errorf("%sstat has %d fields", proc, len(fields))
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	var up, late unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return time.Time{}, err
	}
	if err := unix.ClockGetres(unix.CLOCK_REALTIME_COARSE, &late); err != nil {
		return time.Time{}, err
	}
	return time.Now().Add(time.Duration(ticks)*tick - time.Duration(up.Nano()) - time.Duration(late.Nano())), nil
}

// The file systems whose times are of this host's clock, to a second or better, by the numbers of statfs(2).
var localFileSystems = map[int64]bool{
	unix.EXT4_SUPER_MAGIC:      true, // also ext2 and ext3
	unix.XFS_SUPER_MAGIC:       true,
	unix.BTRFS_SUPER_MAGIC:     true,
	unix.F2FS_SUPER_MAGIC:      true,
	unix.TMPFS_MAGIC:           true,
	unix.OVERLAYFS_SUPER_MAGIC: true,
	0x2fc12fc1:                 true, // ZFS
	0xca451a4e:                 true, // bcachefs
}

func localFileSystem(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(path, &s) == nil && localFileSystems[int64(uint32(s.Type))]
}
