//go:build !windows

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// enableANSI reports whether the terminal understands control sequences.
func enableANSI(*os.File) bool { return true }

// interrupts are the signals that ask a program to stop.
func interrupts() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// holdPipes makes writing to a closed pipe an error, in place of the death of the process, until release is called.
func holdPipes() (release func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGPIPE)
	return func() { signal.Stop(c) }
}
