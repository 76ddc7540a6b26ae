package procgroup_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The leader of a session keeps its terminal, and a worker leaves it alone.
func TestLeaveTerminal(t *testing.T) {
	t.Parallel()
	cmd := self("keep the terminal")
	cmd.Stdin = newTerminal(t)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	out, err := cmd.CombinedOutput()
	const keeps, leaves = "<nil> | <nil>\n", "<nil> | open /dev/tty: no such device or address\n"
	if want := keeps + leaves + keeps; err != nil || strings.ReplaceAll(string(out), "\r", "") != want {
		t.Errorf("it ended with %v and printed\n%swant\n%s", err, out, want)
	}
}

// newTerminal returns the terminal end of a pseudoterminal.
func newTerminal(t *testing.T) *os.File {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudoterminals: %v", err)
	}
	t.Cleanup(func() { control.Close() })
	if err := unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal
}
