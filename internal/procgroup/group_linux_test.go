package procgroup_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/internal/procgroup"
)

// script runs a shell script whose first command waits until release is closed.
func script(t *testing.T, text string) (g *procgroup.Group, printed *os.File, release func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	cmd := exec.Command("sh", "-c", text)
	cmd.Stdin = r
	g, printed = group(t, cmd)
	r.Close()
	return g, printed, func() { w.Close() }
}

const escapes = "sh -c 'echo escaped; exec sleep 1000' & read released;"

// What left the group of a leader that fails, or is killed, is found.
func TestEscaped(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"session":     "setsid " + escapes,
		"job control": "set -m; " + escapes,
		"twice":       "setsid setsid " + escapes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, printed, release := script(t, text+" exit 1")
			await(t, printed, "escaped")
			release()
			if state, err := g.Wait(); err != nil || state.ExitCode() != 1 {
				t.Errorf("Wait: %v, %v", state, err)
			}
			all(t, printed)
		})
		t.Run(name+", killed", func(t *testing.T) {
			t.Parallel()
			g, printed, _ := script(t, text)
			await(t, printed, "escaped")
			g.Kill()
			if state, err := g.Wait(); err != nil || state.Success() {
				t.Errorf("Wait: %v, %v", state, err)
			}
			all(t, printed)
		})
	}
}

// A leader that ended well may have sent something away.
func TestSentAway(t *testing.T) {
	t.Parallel()
	g, printed, release := script(t, "setsid sh -c 'echo $$; exec sleep 1000' & read released; exit 0")
	var pid int
	if _, err := fmt.Fscanln(printed, &pid); err != nil {
		t.Fatal(err)
	}
	release()
	if state, err := g.Wait(); err != nil || !state.Success() {
		t.Errorf("Wait: %v, %v", state, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("it was ended: %v", err)
	}
	all(t, printed)
}

// A leader whose host is gone ends itself what has escaped.
func TestKillMarked(t *testing.T) {
	t.Parallel()
	g, printed := group(t, self("end escaped"))
	if state, err := g.Wait(); err != nil || !state.Success() {
		t.Errorf("Wait: %v, %v", state, err)
	}
	all(t, printed)
}

// A member that nobody reaps, as in a container without an init, is not waited for.
func TestForeignZombie(t *testing.T) {
	t.Parallel()
	g, printed := group(t, self("leave a zombie"))
	var keeper int
	if _, err := fmt.Fscanln(printed, &keeper); err != nil {
		t.Fatal(err)
	}
	if state, err := g.Wait(); err != nil || !state.Success() {
		t.Errorf("Wait: %v, %v", state, err)
	}
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Errorf("the zombie's parent was ended: %v", err)
	}
	all(t, printed)
}

func TestNoZombie(t *testing.T) {
	t.Parallel()
	cmd := self("exit")
	g, _ := group(t, cmd)
	if _, err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the leader is there: %v", err)
	}
}

// What the kernel must kill for want of memory is the worker, rather than its host.
func TestPreferredVictim(t *testing.T) {
	t.Parallel()
	own, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Skip(err)
	}
	score, err := strconv.Atoi(strings.TrimSpace(string(own)))
	if err != nil {
		t.Fatal(err)
	}
	g, printed, release := script(t, "read released; cat /proc/self/oom_score_adj")
	release()
	if _, err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, want := all(t, printed), fmt.Sprintln(min(score+100, 1000)); got != want {
		t.Errorf("the score is %q, want %q", got, want)
	}
}
