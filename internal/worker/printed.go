package worker

import (
	"bytes"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// printedLimit bounds a line that a process prints, in bytes; longer ones are broken.
const printedLimit = 32 << 10

// Printed makes log lines of what an attempt's process prints. It is an io.Writer that never fails, safe for concurrent use, and passes
// on to the host what is new. What is written after Close is ignored.
type Printed struct {
	said *said
	host Host

	mu   sync.Mutex
	rest []byte // the beginning of a line
	beat *time.Timer
	// closed says that nothing is kept any more.
	closed bool
}

// NewPrinted returns the log of what the process of an attempt prints.
func NewPrinted(a Assignment, store artifact.Store, h Host) *Printed {
	return &Printed{said: newSaid(a, store), host: h}
}

// Write implements io.Writer.
func (p *Printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return len(b), nil
	}
	for rest := b; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		switch room := printedLimit - len(p.rest); {
		case i >= 0 && i <= room:
			p.line(append(p.rest, rest[:i]...))
			rest = rest[i+1:]
		case len(rest) >= room:
			p.line(append(p.rest, rest[:room]...))
			rest = rest[room:]
		default:
			p.rest = append(p.rest, rest...)
			rest = nil
		}
	}
	if p.beat == nil {
		p.beat = time.AfterFunc(beatPause, p.pass)
	}
	return len(b), nil
}

// line logs one line and empties rest.
func (p *Printed) line(text []byte) {
	p.said.logger.Info(string(bytes.TrimRight(text, "\r")))
	p.rest = p.rest[:0]
}

// pass tells the host what is new.
func (p *Printed) pass() {
	p.mu.Lock()
	p.beat = nil
	p.mu.Unlock()
	p.said.beat(p.host)
}

// Close ends the log, and returns its chunks.
func (p *Printed) Close() []metadata.LogChunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && len(p.rest) > 0 {
		p.line(p.rest)
	}
	p.closed = true
	if p.beat != nil {
		p.beat.Stop()
	}
	_, chunks := p.said.close()
	return chunks
}
