//go:build linux && !race

// The race detector has memory of its own, several times that of the program.

package local_test

import "testing"

func TestReasonOfMemory(t *testing.T) {
	t.Parallel()
	for _, act := range []string{"out of memory", "far out of memory"} {
		t.Run(act, func(t *testing.T) {
			t.Parallel()
			a, printed := claimed()
			a.Resources.Memory = memory
			exit, err := newRunner(t, program(act)).Run(t.Context(), a)
			if err != nil || exit.Reason != "out of memory: the step may use 64MiB" {
				t.Errorf("Run: %+v, %v; it printed\n%.2000s", exit, err, printed)
			}
		})
	}
}
