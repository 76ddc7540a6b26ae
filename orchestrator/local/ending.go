package local

import (
	"fmt"
	"strings"
	"syscall"
	"unicode"

	"github.com/tenon-ml/tenon/internal/procgroup"
	"github.com/tenon-ml/tenon/step"
)

// goCrashed is the exit code of the Go runtime when it ends the process.
const goCrashed = 2

// ending is what is known of the end of a process that was not killed by its runner.
type ending struct {
	code      int    // exit code; -1 after a signal
	signal    string // that ended it, such as "aborted"
	sigkill   bool   // it was SIGKILL, which leaves no time for words
	oomKilled bool   // the kernel killed a process at that time for want of memory
	memory    step.Bytes
	crash     []string // first lines of the last crash report
	last      []string // last lines
}

// reason says in words why the process ended, and nothing for an end without a fault.
func (e ending) reason() string {
	switch {
	case e.code == 0:
		return ""
	case e.outOfMemory() && e.memory > 0:
		return fmt.Sprintf("out of memory: the step may use %v", e.memory)
	case e.outOfMemory():
		return "out of memory"
	case e.sigkill && e.oomKilled:
		return "out of memory: the kernel killed the process, as the machine or its container had no more"
	case e.sigkill:
		return "killed: signal killed, which was not sent by Tenon" + e.lastLine()
	case e.crashed():
		return e.crashReport()
	case e.signal != "":
		return "killed: signal " + e.signal + e.lastLine()
	case e.code == 1:
		return "exit status 1: os.Exit(1) was called, or log.Fatal" + e.lastLine()
	}
	return fmt.Sprintf("%s: os.Exit(%d) was called%s", e.status(), e.code, e.lastLine())
}

// status says in short how the process ended.
func (e ending) status() string {
	if e.signal != "" {
		return "signal " + e.signal
	}
	if e.code > 255 { // Windows
		return fmt.Sprintf("exit status %#x", e.code)
	}
	return fmt.Sprintf("exit status %d", e.code)
}

// crashed reports whether the Go runtime ended the process and told why.
func (e ending) crashed() bool {
	return len(e.crash) > 0 && (e.code == goCrashed || e.signal == syscall.SIGABRT.String()) // the latter with GOTRACEBACK=crash, or from C
}

// outOfMemory reports whether the process said so itself.
func (e ending) outOfMemory() bool {
	if e.sigkill {
		return len(e.last) > 0 && strings.HasPrefix(e.last[len(e.last)-1], procgroup.OutOfMemory)
	}
	if e.signal != "" && strings.Contains(strings.Join(e.last, "\n"), "std::bad_alloc") {
		return true
	}
	if !e.crashed() {
		return false
	}
	for _, line := range e.crash {
		switch {
		case strings.HasPrefix(line, "panic: "):
			return false
		case strings.Contains(line, "out of memory"), strings.Contains(line, "cannot allocate memory"):
			return true
		case e.memory > 0 && (strings.Contains(line, "pthread_create failed") || strings.Contains(line, "failed to create new OS thread")):
			return true // what a thread needs was refused
		}
	}
	return false
}

// crashReport returns the first line of the report, and the signal that led to it.
func (e ending) crashReport() string {
	first := e.crash[0]
	if signalReport.MatchString(first) {
		_, description, _ := strings.Cut(first, ": ")
		return "killed: signal " + printable(description)
	}
	for _, line := range e.crash[1:] {
		if rest, ok := strings.CutPrefix(line, "[signal "); ok {
			signal, _, _ := strings.Cut(rest, " code=")
			return printable(first) + " [signal " + printable(signal) + "]"
		}
	}
	return printable(first)
}

// lastLine returns what the process said last, to be put after a reason.
func (e ending) lastLine() string {
	if len(e.last) == 0 {
		return ""
	}
	return ": " + printable(e.last[len(e.last)-1])
}

// said returns the last lines, to be put after an error.
func (e ending) said() string {
	if len(e.last) == 0 {
		return ". It printed nothing"
	}
	var b strings.Builder
	b.WriteString(". It printed last:")
	for _, line := range e.last {
		b.WriteString("\n\t" + printable(line))
	}
	return b.String()
}

// printable returns s without what would disturb a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
