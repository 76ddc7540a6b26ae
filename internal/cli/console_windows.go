package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableANSI asks the console to understand control sequences, and reports whether it does.
func enableANSI(f *os.File) bool {
	h := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(h, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// interrupts are the signals that ask a program to stop.
func interrupts() []os.Signal { return []os.Signal{os.Interrupt} }

// holdPipes does nothing: writing to a closed pipe is an error on Windows.
func holdPipes() (release func()) { return func() {} }
