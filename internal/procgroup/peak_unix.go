//go:build unix

package procgroup

import (
	"runtime"
	"syscall"

	"github.com/tenon-ml/tenon/step"
)

// PeakMemory returns the largest resident set that this process, or a child that it waited for, has had; 0 if the system does not tell.
func PeakMemory() step.Bytes {
	var children syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children); err != nil {
		return ownPeak()
	}
	return max(ownPeak(), maxRSS(&children))
}

func maxRSS(r *syscall.Rusage) step.Bytes {
	switch {
	case r == nil:
		return 0
	case runtime.GOOS == "darwin" || runtime.GOOS == "ios":
		return step.Bytes(r.Maxrss)
	}
	return step.Bytes(r.Maxrss) << 10
}

// rusage is that of the leader and of the children that it waited for; nil if it is not known.
func (g *Group) rusage() *syscall.Rusage {
	state := g.cmd.ProcessState
	if state == nil {
		return nil
	}
	r, _ := state.SysUsage().(*syscall.Rusage)
	return r
}
