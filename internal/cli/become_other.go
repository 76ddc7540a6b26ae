//go:build !unix

package cli

import (
	"errors"
	"os/exec"
)

// become runs a program in place of this one, and returns an *exitError with its exit code if it failed. The console interrupts both.
func (c *cli) become(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.app.Stdin, c.app.Stdout, c.app.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return &exitError{code: exit.ExitCode()}
	}
	return err
}
