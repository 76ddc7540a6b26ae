//go:build unix && !linux

package procgroup

import (
	"syscall"

	"github.com/tenon-ml/tenon/step"
)

func ownPeak() step.Bytes {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return maxRSS(&r)
}

// PeakMemory returns the largest resident set that the leader, or a child that it waited for, has had; 0 if that is not known. It is
// called after Wait.
func (g *Group) PeakMemory() step.Bytes { return maxRSS(g.rusage()) }
