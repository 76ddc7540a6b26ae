package logs

import "bytes"

// splitLimit bounds a line that a program prints, in bytes; a longer one is broken.
const splitLimit = 32 << 10

// Splitter makes lines of what a program prints. It holds one line at most, and never fails. It is for one goroutine at a time.
type Splitter struct {
	// Line is called with each line, without its end; the text is valid until it returns.
	Line func(text []byte)
	rest []byte // the beginning of a line
}

// Write implements io.Writer.
func (s *Splitter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		switch room := splitLimit - len(s.rest); {
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

func (s *Splitter) emit(end []byte) {
	if len(s.rest) == 0 {
		s.Line(end)
		return
	}
	s.rest = append(s.rest, end...)
	s.Line(s.rest)
	s.rest = s.rest[:0]
}

// Close hands on a last line that has no end.
func (s *Splitter) Close() {
	if len(s.rest) > 0 {
		s.emit(nil)
	}
}
