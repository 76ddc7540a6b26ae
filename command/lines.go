package command

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
)

const (
	// lineLimit bounds a line that a program prints, in bytes; a longer one is broken.
	lineLimit = 32 << 10
	// tailLines and tailBytes bound what an error shows of what was printed last.
	tailLines = 20
	tailBytes = 400 // of one line
)

// splitter makes lines of what is written to it. It holds one line at most, and never fails.
type splitter struct {
	line func(text []byte)
	rest []byte // the beginning of a line
}

// Write implements io.Writer.
func (s *splitter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		switch room := lineLimit - len(s.rest); {
		case i >= 0 && i <= room:
			s.emit(rest[:i])
			rest = rest[i+1:]
		case len(rest) > room:
			s.emit(rest[:room])
			rest = rest[room:]
		default:
			s.rest = append(s.rest, rest...)
			rest = nil
		}
	}
	return len(b), nil
}

func (s *splitter) emit(end []byte) {
	if len(s.rest) == 0 {
		s.line(end)
		return
	}
	s.rest = append(s.rest, end...)
	s.line(s.rest)
	s.rest = s.rest[:0]
}

// close hands on a last line that has no end.
func (s *splitter) close() {
	if len(s.rest) > 0 {
		s.emit(nil)
	}
}

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
	s := splitter{line: p.line}
	_, err := io.CopyBuffer(&s, struct{ io.Reader }{p.from}, make([]byte, 64<<10))
	s.close()
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
