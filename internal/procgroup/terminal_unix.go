//go:build unix

package procgroup

import (
	"os"

	"golang.org/x/sys/unix"
)

// LeaveTerminal lets this process, and what it starts from now on, have no terminal: a program that wants to ask for a password then fails,
// where it would be stopped for ever, since its group is in the background. It does nothing if there is none, or on Windows.
func LeaveTerminal() {
	if session, err := unix.Getsid(0); err != nil || session == os.Getpid() {
		return // the terminal would leave the whole session
	}
	terminal, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	_ = unix.IoctlSetInt(terminal, unix.TIOCNOTTY, 0)
	_ = unix.Close(terminal)
}
