package cli

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

const (
	eraseRest  = "\x1b[K" // of the line
	eraseBelow = "\x1b[J"
)

// live is progress on a terminal: a board that is redrawn in place, with the log above it.
type live struct {
	mu     sync.Mutex
	w      io.Writer
	screen *screen
	now    func() time.Time
	board  *board
	above  strings.Builder // lines to print above the board with the next frame
	drawn  []int           // widths of the lines on the screen
	dirty  bool
	broken func(error)
	failed bool
	closed bool
	summed bool // a summary follows the final frame
	told   mishaps

	stop, done chan struct{}
}

// newLive starts drawing. Close ends it.
func newLive(s *screen, b *board, now func() time.Time, broken func(error)) *live {
	l := &live{w: s.w, screen: s, now: now, board: b, broken: broken, dirty: true, told: mishaps{}, stop: make(chan struct{}), done: make(chan struct{})}
	go l.loop()
	return l
}

func (l *live) loop() {
	defer close(l.done)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			l.mu.Lock()
			l.draw(false)
			l.mu.Unlock()
		}
	}
}

func (l *live) event(e pipeline.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.dirty = true
	l.board.apply(e)
	switch {
	case e.Kind == pipeline.EventRun && e.RunState == metadata.RunRunning:
		l.print(paint(l.screen.color, dim, "run "+e.Run+" of "+l.board.pipeline))
	case e.Kind == pipeline.EventLog:
		style := ""
		if e.Level >= 8 {
			style = red
		} else if e.Level >= 4 {
			style = yellow
		}
		l.print(paint(l.screen.color, dim, elementName(e.Step, e.Index)+" │ ") +
			paint(l.screen.color, style, pad(levelName(e.Level), 5)) + " " + oneLine(e.Message))
	case e.Kind == pipeline.EventStep && e.Index >= 0 && e.StepState == metadata.StepFailed:
		if l.told.more(e.Step) {
			l.print(paint(l.screen.color, red, "✗ ") + elementName(e.Step, e.Index) + "  " + briefError(e.Reason))
		}
		if l.told.enough(e.Step) {
			l.print(paint(l.screen.color, dim, e.Step+": "+enoughText))
		}
	}
}

// printed takes in a line that something else than the log wrote.
func (l *live) printed(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.print(plainText(line))
	}
}

func (l *live) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.print(paint(l.screen.color, yellow, text))
	l.draw(false)
}

// print keeps a line for the next frame. A step that prints much is slowed down to the speed of the terminal.
func (l *live) print(line string) {
	const most = 64 << 10
	l.above.WriteString(eraseRest + line)
	// A line that wraps also covers rows of the last frame. At the right margin there is nothing to erase, but for the last character.
	if width, _ := l.screen.size(); textWidth(line)%max(1, width) != 0 {
		l.above.WriteString(eraseRest)
	}
	l.above.WriteString("\r\n")
	l.dirty = true
	if l.above.Len() > most {
		l.draw(false)
	}
}

// draw writes one frame in one piece: over the last one, line by line, so that nothing flickers. A final frame stays.
func (l *live) draw(final bool) {
	if l.failed {
		return
	}
	width, height := l.screen.size()
	if height == 0 {
		height = 24
	}
	if !l.dirty && !l.board.moving() && !final {
		return
	}
	l.dirty = false
	var b strings.Builder
	if up := l.rowsDrawn(width); up > 0 {
		b.WriteString("\x1b[" + strconv.Itoa(up) + "A")
	}
	b.WriteString("\r")
	b.WriteString(l.above.String())
	l.above.Reset()
	f := frame{width: max(1, width-1), height: max(2, height-1), color: l.screen.color, now: l.now()}
	if final {
		const most = 40 // lines that stay: enough for most pipelines whole
		f.height, f.bare = max(f.height, most), l.summed
	}
	l.drawn = l.drawn[:0]
	for _, line := range f.render(l.board) {
		b.WriteString(eraseRest + line + "\r\n")
		l.drawn = append(l.drawn, textWidth(line))
	}
	b.WriteString(eraseBelow)
	if _, err := io.WriteString(l.w, b.String()); err != nil {
		l.failed = true
		l.broken(err)
	}
}

// moving says that the frame changes with time alone.
func (b *board) moving() bool {
	return !b.started.IsZero() && b.finished.IsZero()
}

// rowsDrawn is the number of rows that the last frame occupies now: a terminal that became narrower has wrapped its lines.
func (l *live) rowsDrawn(width int) int {
	rows := 0
	for _, w := range l.drawn {
		rows += max(1, (w+width-1)/max(1, width))
	}
	return rows
}

func (l *live) close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	if l.board.run == "" {
		l.board, l.summed = &board{}, true // nothing began: there is nothing to leave on the screen
	}
	l.draw(true)
	l.closed = true
	l.mu.Unlock()
	close(l.stop)
	<-l.done
}
