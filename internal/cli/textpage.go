package cli

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// safeText makes text for a terminal of bytes that may hold anything; see plainText.
func safeText(b []byte) string {
	return plainText(strings.NewReplacer("\r\n", "\n", "\t", "    ").Replace(strings.ToValidUTF8(string(b), "\ufffd")))
}

// plainWriter makes text safe for a terminal as it passes.
type plainWriter struct {
	w    io.Writer
	line []byte // that has not ended
}

// longLine is how much of a line is held.
const longLine = 64 << 10

func (p *plainWriter) Write(b []byte) (int, error) {
	p.line = append(p.line, b...)
	end := bytes.LastIndexByte(p.line, '\n') + 1
	if end == 0 && len(p.line) > longLine {
		end = len(clipBytes(string(p.line), len(p.line)-1)) // not within a character
	}
	_, err := io.WriteString(p.w, safeText(p.line[:end]))
	p.line = append(p.line[:0], p.line[end:]...)
	return len(b), err
}

// flush writes a last line that has no end.
func (p *plainWriter) flush() error {
	_, err := io.WriteString(p.w, safeText(p.line))
	p.line = nil
	return err
}

// errFull ends the writing to a page that needs no more.
var errFull = errors.New("the page is full")

// page is the beginning of a text, as much as fits a screen.
type page struct {
	width, room int // of the screen; width 0 is unlimited
	counts      bool
	text        strings.Builder
	line        []byte // that has not ended, as far as it may be shown
	long        bool   // more of that line was left out
	shown       int    // lines
	total       int    // lines, if it counts
	cut         bool   // there is more than is shown
}

// Write takes in text. Once the page is full it returns errFull, unless it counts the lines of the rest.
func (p *page) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		part := rest
		if i >= 0 {
			part = rest[:i]
		}
		p.hold(part)
		if i < 0 {
			break
		}
		p.end()
		rest = rest[i+1:]
	}
	if p.room == 0 && !p.counts {
		p.cut = true
		return 0, errFull
	}
	return len(b), nil
}

func (p *page) hold(part []byte) {
	most := longLine - len(p.line)
	if p.room == 0 {
		most = min(most, 1) // it is there; what it is does not matter
	}
	if len(part) > most {
		part, p.long = part[:max(0, most)], true
	}
	p.line = append(p.line, part...)
}

// end ends a line.
func (p *page) end() {
	p.total++
	if p.room == 0 {
		p.cut = true
	} else {
		p.show(safeText(bytes.TrimSuffix(p.line, []byte{'\r'})))
	}
	p.line, p.long = p.line[:0], false
}

// show adds a line to the page, in several rows if it is longer than the screen is wide.
func (p *page) show(line string) {
	p.shown++
	rows := strings.Split(wrap(line, p.width), "\n")
	if p.long || len(rows) > p.room {
		p.cut = true
		rows = rows[:min(len(rows), p.room)]
		rows[len(rows)-1] = fit(rows[len(rows)-1]+"…", p.width)
	}
	p.room -= len(rows)
	p.text.WriteString(strings.Join(rows, "\n") + "\n")
}

// close ends the text.
func (p *page) close() {
	if len(p.line) > 0 {
		p.end()
	}
}
