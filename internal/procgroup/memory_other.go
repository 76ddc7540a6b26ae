//go:build !linux

package procgroup

import (
	"runtime/debug"

	"github.com/tenon-ml/tenon/step"
)

// LimitMemory lets the garbage collector work harder to stay below limit, which must be positive. Nothing else enforces it on this system.
func LimitMemory(limit step.Bytes) error {
	debug.SetMemoryLimit(min(int64(limit)/100*90, debug.SetMemoryLimit(-1)))
	return nil
}
