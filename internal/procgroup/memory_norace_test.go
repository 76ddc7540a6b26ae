//go:build linux && !race

// The race detector has memory of its own, several times that of the program.

package procgroup_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/internal/procgroup"
)

// A host that has used much itself does not count for the worker.
func TestPeakMemory(t *testing.T) {
	t.Parallel()
	makeSlice(128 << 20)
	run := func(deed string) (own, seen int64) {
		g, printed := group(t, self(deed))
		if state, err := g.Wait(); err != nil || !state.Success() {
			t.Fatalf("Wait: %v, %v", state, err)
		}
		own, err := strconv.ParseInt(all(t, printed), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return own, int64(g.PeakMemory())
	}
	if own, seen := run("peak"); own == 0 || own > 64<<20 || seen != 0 {
		t.Errorf("own is %d, seen %d: want a little, and 0", own, seen)
	}
	if own, _ := run("peak of 64 MiB"); own < 64<<20 || own > 128<<20 {
		t.Errorf("own is %d, want 64 MiB and a little", own)
	}
}

func TestLimitMemory(t *testing.T) {
	t.Parallel()
	for deed, want := range map[string]string{"allocate": procgroup.OutOfMemory, "allocate a lot": "fatal error: "} {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			g, printed := group(t, self(deed))
			state, err := g.Wait()
			text := all(t, printed)
			if err != nil || state.Success() || !strings.HasPrefix(text, want) {
				t.Errorf("Wait: %v, %v; it printed\n%.500s", state, err, text)
			}
		})
	}
	t.Run("stay below", func(t *testing.T) {
		t.Parallel()
		g, printed := group(t, self("stay below"))
		if state, err := g.Wait(); err != nil || !state.Success() {
			t.Errorf("Wait: %v, %v; it printed\n%.500s", state, err, all(t, printed))
		}
	})
}
