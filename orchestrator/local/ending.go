package local

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/tenon-ml/tenon/internal/procgroup"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/step"
)

const (
	goCrashed = 2   // exit code of the Go runtime when it ends the process
	maxExit   = 255 // of a program that chose one; greater is what Windows says of a fault
)

// badAlloc is what C++ says before it aborts for want of memory.
const badAlloc = "std::bad_alloc"

var sigabrt = syscall.SIGABRT.String()

// ending is what is known of the end of a process that was not killed by its runner.
type ending struct {
	code      int    // exit code; -1 after a signal
	signal    string // that ended it, such as "aborted"
	sigkill   bool   // it was SIGKILL, which leaves no time for words
	oomKilled bool   // the kernel killed a process at that time for want of memory
	memory    step.Bytes
	words     *lastWords
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
	case e.code > maxExit:
		return e.status() + e.lastLine()
	case e.workerFailed() != "":
		return e.workerFailed()
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
	if e.code > maxExit {
		return fmt.Sprintf("exit status %#x", e.code)
	}
	return fmt.Sprintf("exit status %d", e.code)
}

// crashed reports whether the Go runtime ended the process and told why.
func (e ending) crashed() bool {
	return len(e.words.crash) > 0 && (e.code == goCrashed || e.signal == sigabrt) // the latter with GOTRACEBACK=crash
}

// outOfMemory reports whether the process said so itself.
func (e ending) outOfMemory() bool {
	if e.sigkill {
		return strings.HasPrefix(e.words.newest(), procgroup.OutOfMemory)
	}
	if !e.crashed() {
		return e.signal == sigabrt && strings.Contains(e.words.newest(), badAlloc)
	}
	if strings.Contains(e.words.prior, badAlloc) {
		return true
	}
	for _, line := range e.words.crash {
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

// crashReport returns the first line of the report, the signal that led to it, and the place.
func (e ending) crashReport() string {
	first := e.words.crash[0]
	if name, description, ok := signalReport(first); ok {
		if name == "SIGABRT" && e.words.prior != "" {
			description += ": " + e.words.prior
		}
		return "killed: signal " + printable(description)
	}
	return printable(first + e.faultSignal() + e.place())
}

// faultSignal returns the signal that the runtime made a panic of: " [signal SIGSEGV: segmentation violation]".
func (e ending) faultSignal() string {
	for _, line := range e.words.crash {
		if strings.HasPrefix(line, "[signal ") {
			signal, _, _ := strings.Cut(line, " code=")
			return " " + signal + "]"
		}
	}
	return ""
}

// notThere begin the functions that show that something went wrong, and are not where it did.
var notThere = []string{"runtime.", "runtime/", "panic(", "internal/", "sync."}

// place returns where in the program its fault was, as the first stack of the report says: ", at train.go:42".
func (e ending) place() string {
	lines := e.words.crash
	stack := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "goroutine ") })
	if stack < 0 {
		return ""
	}
	for i := stack + 1; i+1 < len(lines) && lines[i] != ""; i += 2 { // a function, and its line in a file
		if slices.ContainsFunc(notThere, func(begin string) bool { return strings.HasPrefix(lines[i], begin) }) {
			continue
		}
		if file, ok := strings.CutPrefix(lines[i+1], "\t"); ok {
			file, _, _ = strings.Cut(file, " +0x")
			return ", at " + file[strings.LastIndexAny(file, `/\`)+1:]
		}
	}
	return ""
}

// workerFailed returns why a worker could not execute its step, if it said so.
func (e ending) workerFailed() string {
	if e.code != 1 {
		return ""
	}
	for _, line := range e.words.newestLines() {
		if why, ok := strings.CutPrefix(line, orchestrator.WorkerFailed); ok {
			return "the worker cannot execute its step:" + printable(why)
		}
	}
	return ""
}

// lastLine returns what the process said last, to be put after a reason.
func (e ending) lastLine() string {
	if e.words.newest() == "" {
		return ""
	}
	return ": " + strings.TrimSpace(printable(e.words.newest()))
}

// said returns the last lines, to be put after an error.
func (e ending) said() string {
	if e.words.newest() == "" {
		return ". It printed nothing"
	}
	var b strings.Builder
	b.WriteString(". It printed last:")
	for _, line := range e.words.newestLines() {
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
