//go:build !linux

package trial

import (
	"os"
	"strconv"
	"testing"
)

// Processes returns nothing: only Linux shows which processes come of a site.
func (s *Site) Processes(testing.TB) []Process { return nil }

// Signal does nothing.
func (p Process) Signal(os.Signal) bool { return false }

// Runs reports false.
func (p Process) Runs(string) bool { return false }

// String returns the number of the process.
func (p Process) String() string { return strconv.Itoa(p.PID) }

// Locks returns nothing: only Linux shows them.
func (s *Site) Locks(testing.TB) []string { return nil }
