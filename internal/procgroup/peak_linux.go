package procgroup

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"github.com/tenon-ml/tenon/step"
)

// ownPeak is the largest resident set that this process has had. What getrusage tells would include that of the parent.
func ownPeak() step.Bytes {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	number, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	kib, _ := strconv.ParseInt(string(number), 10, 64)
	return step.Bytes(kib << 10)
}

// hostPeak is what a child begins with: the largest resident set of this process, or of its own parent.
func hostPeak() step.Bytes {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return maxRSS(&r)
}

// PeakMemory returns the largest resident set that the leader, or a child that it waited for, has had; 0 if that is not known. It is
// called after Wait.
//
// What Linux counts for a process includes what its parent had when it started the process, and so tells something only if it is more.
// The leader itself knows better: see [PeakMemory].
func (g *Group) PeakMemory() step.Bytes {
	if peak := maxRSS(g.rusage()); peak > g.hostPeak {
		return peak
	}
	return 0
}
