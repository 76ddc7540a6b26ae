//go:build unix

package procgroup_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// What a leader leaves behind ends with it.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		code   int
	}{
		"child":              {"sleep 1000 & exit 0", 0},
		"child of failed":    {"sleep 1000 & exit 5", 5},
		"grandchild":         {"sh -c 'sh -c \"sleep 1000 & sleep 1000\" & sleep 1000' & exit 0", 0},
		"deaf to SIGTERM":    {"(trap '' TERM HUP INT; while :; do sleep 1; done) & exit 0", 0},
		"many":               {"for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; exit 0", 0},
		"stopped":            {"sleep 1000 & kill -STOP $!; exit 0", 0},
		"killed by a signal": {"sleep 1000 & kill -SEGV $$", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, printed := group(t, exec.Command("sh", "-c", c.script))
			state, err := g.Wait()
			if err != nil || state.ExitCode() != c.code {
				t.Errorf("Wait: %v, %v", state, err)
			}
			all(t, printed)
		})
	}
}

// A process with much memory takes a while to die.
func TestWaitForTheDying(t *testing.T) {
	t.Parallel()
	g, printed := group(t, self("leave a large child"))
	if state, err := g.Wait(); err != nil || !state.Success() {
		t.Errorf("Wait: %v, %v", state, err)
	}
	conn, err := printed.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Read(func(fd uintptr) bool {
		if n, err := syscall.Read(int(fd), make([]byte, 1)); n != 0 || err != nil {
			t.Errorf("it lives: %d, %v", n, err)
		}
		return true
	})
	if err != nil {
		t.Error(err)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	g, printed := group(t, exec.Command("sh", "-c", "trap '' TERM HUP INT; sleep 1000 & echo ready; while :; do sleep 1000; done"))
	await(t, printed, "ready")
	g.Kill()
	state, err := g.Wait()
	if err != nil || state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("Wait: %v, %v", state, err)
	}
	all(t, printed)
}

// Every process of the group is asked to end, and may take its time.
func TestTerminate(t *testing.T) {
	t.Parallel()
	const child = `sh -c 'trap "echo child asked; exit 0" TERM; echo child ready; while :; do sleep 0.1; done' & `
	g, printed := group(t, exec.Command("sh", "-c", `trap 'wait; echo asked; exit 7' TERM; `+child+`while :; do sleep 0.1; done`))
	await(t, printed, "child ready")
	g.Terminate()
	state, err := g.Wait()
	if err != nil || state.ExitCode() != 7 {
		t.Errorf("Wait: %v, %v", state, err)
	}
	g.Terminate() // does nothing
	if text := all(t, printed); !strings.Contains(text, "child asked\n") || !strings.HasSuffix(text, "\nasked\n") {
		t.Errorf("it printed %q", text)
	}
}

// A process that does not lead its group ends alone.
func TestKillOwnWithoutGroup(t *testing.T) {
	t.Parallel()
	g, _ := group(t, self("parent of own"))
	if state, err := g.Wait(); err != nil || state.ExitCode() != 7 {
		t.Errorf("Wait: %v, %v", state, err)
	}
}
