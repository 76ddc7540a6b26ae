package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	// beatPause is how long what a step says is gathered before it is passed on.
	beatPause = 100 * time.Millisecond
	// metricLimit bounds the points of one attempt, and metricNameLimit the bytes of their names.
	metricLimit     = 100_000
	metricNameLimit = 200
	// lineLimit and lineBytes bound what waits for those who follow live.
	lineLimit = 1_000
	lineBytes = 1 << 20
)

// said gathers what a step says: logs, metrics, progress. What is said after the attempt ended, by a goroutine that the step
// left behind, is ignored.
type said struct {
	a      Assignment
	writer *logs.Writer
	logger *slog.Logger
	wake   chan struct{} // has room for one

	mu      sync.Mutex
	lines   []logs.Line
	bytes   int // of lines
	metrics []metadata.Metric
	done    int64
	total   int64
	news    bool
	closed  bool
	full    bool // metrics were dropped
	unnamed bool // a metric was dropped for its name
}

func newSaid(a Assignment, store artifact.Store) *said {
	s := &said{a: a, wake: make(chan struct{}, 1), done: -1, total: -1}
	s.writer = logs.NewWriter(store, s.line)
	s.logger = slog.New(s.writer.Handler())
	return s
}

// changed tells the attendant that there is something to send. The caller holds mu.
func (s *said) changed() {
	if s.news {
		return
	}
	s.news = true
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *said) line(l logs.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.lines) >= lineLimit || s.bytes >= lineBytes {
		return // it is in the stored log
	}
	s.lines = append(s.lines, l)
	s.bytes += len(l.Message)
	s.changed()
}

func (s *said) metric(name string, value float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return
	case name == "" || len(name) > metricNameLimit:
		s.unnamed = true
		return
	case len(s.metrics) == metricLimit:
		s.full = true
		return
	}
	s.metrics = append(s.metrics, metadata.Metric{
		StepKey: metadata.StepKey{Run: s.a.Run, Step: s.a.Step, Index: s.a.Index},
		Attempt: s.a.Attempt, Name: name, Value: value, Time: time.Now(), Seq: len(s.metrics),
	})
}

func (s *said) progress(done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.done, s.total = done, total
	s.changed()
}

// beat sends what is new. The host's answer is of no use here: what it refuses is in the report as well.
func (s *said) beat(h Host) {
	s.mu.Lock()
	if !s.news && s.a.BeatEvery == 0 {
		s.mu.Unlock()
		return
	}
	b := Beat{Attempt: s.a.Attempt, Lines: s.lines, Done: s.done, Total: s.total}
	s.lines, s.bytes, s.news = nil, 0, false
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = h.Beat(ctx, b)
}

func (s *said) close() ([]metadata.Metric, []metadata.LogChunk) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock() // nothing below changes any more
	if s.full {
		s.logger.Warn("metrics were dropped: an attempt records at most so many points", "limit", metricLimit)
	}
	if s.unnamed {
		s.logger.Warn("metrics were dropped: a name must not be empty, nor longer than so many bytes", "limit", metricNameLimit)
	}
	return s.metrics, s.writer.Close()
}
