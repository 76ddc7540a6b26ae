//go:build unix

package cli

import (
	"os"
	"os/exec"
	"syscall"
)

// become replaces this process by a program, so that signals and the terminal are the program's alone: a child would be interrupted by the
// terminal, and a second time by this process. It returns only if that fails.
func (*cli) become(cmd *exec.Cmd) error {
	if err := os.Chdir(cmd.Dir); err != nil {
		return err
	}
	return syscall.Exec(cmd.Path, cmd.Args, cmd.Environ())
}
