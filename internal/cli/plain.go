package cli

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// progress shows a run while it runs. Its methods are safe for concurrent use.
type progress interface {
	// event takes in what happened.
	event(e pipeline.Event)
	// note tells a person something, among the log.
	note(text string)
	// close shows the final state and gives the terminal back.
	close()
}

// lines is progress as plain lines: one for each change of a step's state and for each log record. The lines of one step are always
// in order.
type lines struct {
	mu      sync.Mutex
	w       *bufio.Writer
	names   int // width of the column
	started map[string]time.Time
	broken  func(error) // called once when writing fails
	failed  bool
	told    mishaps
}

func newLines(w io.Writer, b *board, broken func(error)) *lines {
	l := &lines{w: bufio.NewWriterSize(w, 8<<10), started: map[string]time.Time{}, broken: broken, told: mishaps{}}
	for i := range b.rows {
		l.names = min(32, max(l.names, textWidth(b.rows[i].name)))
	}
	return l
}

func (l *lines) event(e pipeline.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Kind {
	case pipeline.EventRun:
		l.run(e)
	case pipeline.EventStep:
		l.step(e)
	case pipeline.EventLog:
		l.put(elementName(e.Step, e.Index), logLine(e))
	}
}

func (l *lines) run(e pipeline.Event) {
	switch e.RunState {
	case metadata.RunRunning:
		l.put("run", e.Run)
	case metadata.RunCancelling:
		l.put("run", "cancelling")
	}
}

// step writes what a reader of the lines wants to know: of the elements of a map only what went wrong.
func (l *lines) step(e pipeline.Event) {
	s := stateOf(e.StepState)
	if s == pending || s == ready || e.Index >= 0 && s != failed && s != retrying && s != waiting {
		return
	}
	text := pad(s.String(), 9)
	if e.Index < 0 {
		switch s {
		case running:
			if _, again := l.started[e.Step]; again && e.Attempt <= 1 {
				return
			}
			if _, again := l.started[e.Step]; !again {
				l.started[e.Step] = e.Time
			}
		case succeeded, failed, cancelled:
			if at, ok := l.started[e.Step]; ok {
				text += "  " + span(at, e.Time, e.Time)
				delete(l.started, e.Step)
			}
		}
		if e.Elements > 0 && (s == running || s.ended()) {
			text += "  " + count(e.Elements, "element")
		}
	}
	if e.Attempt > 1 && s != succeeded {
		text += "  attempt " + strconv.Itoa(e.Attempt)
	}
	if e.Reason != "" {
		text += "  " + briefError(e.Reason)
	}
	if e.Index < 0 {
		l.put(e.Step, text)
		return
	}
	if l.told.more(e.Step) {
		l.put(elementName(e.Step, e.Index), text)
	}
	if l.told.enough(e.Step) {
		l.put(e.Step, enoughText)
	}
}

// mishaps counts, by step, what was told of its elements: of thousands the first ones say enough.
type mishaps map[string]int

const (
	mostMishaps = 20
	enoughText  = "more elements are not shown here: see \"tenon run show\""
)

// more counts one and reports whether to tell it.
func (m mishaps) more(step string) bool {
	m[step]++
	return m[step] <= mostMishaps
}

// enough reports, once, that the next ones are not told.
func (m mishaps) enough(step string) bool { return m[step] == mostMishaps }

func (l *lines) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put("run", text)
}

// put writes one line.
func (l *lines) put(name, text string) {
	if l.failed {
		return
	}
	fmt.Fprintln(l.w, trimRight(pad(name, l.names)+"  "+text))
	if err := l.w.Flush(); err != nil {
		l.failed = true
		l.broken(err)
	}
}

func (l *lines) close() {}

// elementName names a step, or one element of a mapped step.
func elementName(step string, index int) string {
	if index < 0 {
		return step
	}
	return step + "[" + strconv.Itoa(index) + "]"
}

// logLine is a log record as one line.
func logLine(e pipeline.Event) string { return pad(levelName(e.Level), 5) + " " + oneLine(e.Message) }

func levelName(l slog.Level) string { return l.String() }

func trimRight(s string) string {
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}
