package worker

import (
	"bytes"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/metadata"
)

// Printed makes log lines of what an attempt's process prints. It is an io.Writer that never fails, safe for concurrent use, and passes
// on to the host what is new. What is written after Close is ignored.
type Printed struct {
	said *said
	host Host

	mu    sync.Mutex
	lines logs.Splitter
	beat  *time.Timer
	// closed says that nothing is kept any more.
	closed bool
}

// NewPrinted returns the log of what the process of an attempt prints.
func NewPrinted(a Assignment, store artifact.Store, h Host) *Printed {
	p := &Printed{said: newSaid(a, store), host: h}
	p.lines.Line = func(text []byte) { p.said.logger.Info(string(bytes.TrimRight(text, "\r"))) }
	return p
}

// Write implements io.Writer.
func (p *Printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return len(b), nil
	}
	_, _ = p.lines.Write(b) // never fails
	if p.beat == nil {
		p.beat = time.AfterFunc(beatPause, p.pass)
	}
	return len(b), nil
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
	if !p.closed {
		p.lines.Close()
	}
	p.closed = true
	if p.beat != nil {
		p.beat.Stop()
	}
	_, chunks := p.said.close()
	return chunks
}
