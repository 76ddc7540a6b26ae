package procgroup

import (
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/tenon-ml/tenon/step"
)

// PeakMemory returns 0: what a process used is told by its host, see [Group.PeakMemory].
func PeakMemory() step.Bytes { return 0 }

// PeakMemory returns the most memory that one process of the group has committed; 0 if that is not known. It is called after Wait.
func (g *Group) PeakMemory() step.Bytes { return g.peak }

// jobPeak asks for the peak while there is a job.
func (g *Group) jobPeak() step.Bytes {
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	if err := windows.QueryInformationJobObject(
		g.job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil,
	); err != nil {
		return 0
	}
	return step.Bytes(info.PeakProcessMemoryUsed)
}
