package local

import (
	"bytes"
	"slices"
	"strings"
)

const (
	wordsLine  = 1 << 10 // bytes of a line that are kept
	wordsCrash = 30      // lines of a crash report that are kept
	wordsLast  = 5       // last lines that are kept
)

// reports are how the Go runtime, also under C, begins to tell why it ends the process. What follows may be of any length: the stacks of
// all goroutines.
var reports = [][]byte{
	[]byte("panic: "), []byte("fatal error: "), []byte("runtime: out of memory"), []byte("runtime: failed to create new OS thread"),
	[]byte("runtime/cgo: "),
}

// signalReport splits a line that tells of a signal: "SIGSEGV: segmentation violation".
func signalReport(line string) (name, description string, ok bool) {
	name, description, ok = strings.Cut(line, ": ")
	if !ok || !strings.HasPrefix(name, "SIG") {
		return "", "", false
	}
	for _, c := range name {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return "", "", false
		}
	}
	return name, description, true
}

// lastWords keeps of all that a process prints what may tell why it ended: the beginning of the last crash report, and the last lines.
type lastWords struct {
	line  []byte   // the current one
	crash []string // the first lines of the last report
	prior string   // the line before it: what C says before it aborts
	last  [wordsLast][]byte
	lines int // that are in last, or were
}

func (w *lastWords) write(b []byte) {
	for len(b) > 0 {
		line, rest, ended := bytes.Cut(b, []byte{'\n'})
		w.line = append(w.line, line[:min(len(line), wordsLine-len(w.line))]...)
		if ended {
			w.endLine()
		}
		b = rest
	}
}

func (w *lastWords) endLine() {
	line := bytes.TrimRight(w.line, "\r\t ")
	w.line = w.line[:0]
	if begins(line) && !w.continues() {
		w.crash, w.prior = w.crash[:0], w.newest()
	}
	if len(w.crash) < wordsCrash && (len(w.crash) > 0 || begins(line)) {
		w.crash = append(w.crash, string(line))
	}
	if len(line) == 0 {
		return
	}
	last := &w.last[w.lines%wordsLast]
	*last = append((*last)[:0], line...)
	w.lines++
}

// begins reports whether a line begins a crash report.
func begins(line []byte) bool {
	if slices.ContainsFunc(reports, func(begin []byte) bool { return bytes.HasPrefix(line, begin) }) {
		return true
	}
	if !bytes.HasPrefix(line, []byte("SIG")) {
		return false
	}
	_, _, ok := signalReport(string(line))
	return ok
}

// continues reports whether the line before was one of the runtime that another line explains further.
func (w *lastWords) continues() bool {
	n := len(w.crash)
	return n > 0 && n < wordsCrash && strings.HasPrefix(w.crash[n-1], "runtime")
}

// newest returns the last line that is not empty.
func (w *lastWords) newest() string {
	if w.lines == 0 {
		return ""
	}
	return string(w.last[(w.lines-1)%wordsLast])
}

// end is called after the last write.
func (w *lastWords) end() {
	if len(w.line) > 0 {
		w.endLine()
	}
}

// newestLines returns the last lines that are not empty.
func (w *lastWords) newestLines() []string {
	var lines []string
	for i := max(0, w.lines-wordsLast); i < w.lines; i++ {
		lines = append(lines, string(w.last[i%wordsLast]))
	}
	return lines
}
