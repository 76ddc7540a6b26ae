package command

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/tenon-ml/tenon/internal/logs"
)

const (
	// tailLines and tailBytes bound what an error shows of what was printed last.
	tailLines = 20
	tailBytes = 400 // of one line
)

// printed is one of the streams of a program: its lines go to the log, but for those that report something.
type printed struct {
	log      func(msg string, args ...any)
	report   *reporter
	from, to *os.File // ends of a pipe
	tail     tail
}

func (p *printed) line(text []byte) {
	text = bytes.TrimRight(text, "\r")
	text = text[bytes.LastIndexByte(text, '\r')+1:] // a progress bar: what a terminal would show
	if p.report.take(text) {
		return
	}
	p.tail.add(text)
	p.log(string(text))
}

// read reads the stream to its end.
func (p *printed) read() {
	s := logs.Splitter{Line: p.line}
	_, err := io.CopyBuffer(&s, struct{ io.Reader }{p.from}, make([]byte, 64<<10))
	s.Close()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.report.logger.Warn("the program has sent a process away that holds its output open: what that prints is lost")
	}
}

// tail keeps the last lines. The zero value is empty.
type tail struct {
	lines [tailLines]string
	n     int
}

func (t *tail) add(text []byte) {
	if len(bytes.TrimSpace(text)) == 0 {
		return
	}
	shown := string(text[:min(len(text), tailBytes)])
	if len(shown) < len(text) {
		shown += "..."
	}
	t.lines[t.n%tailLines] = strings.ToValidUTF8(shown, "\uFFFD")
	t.n++
}

// String returns the lines, indented, each behind a line break.
func (t *tail) String() string {
	var b strings.Builder
	for i := max(0, t.n-tailLines); i < t.n; i++ {
		b.WriteString("\n    " + t.lines[i%tailLines])
	}
	return b.String()
}
