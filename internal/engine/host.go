package engine

import (
	"context"
	"sync"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
)

// host is the engine as its workers see it. Workers call it from their own goroutines.
type host struct {
	s *scheduler

	mu       sync.Mutex
	attempts map[string]*attempt
}

var _ worker.Host = (*host)(nil)

func (h *host) add(at *attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts[at.a.ID] = at
}

func (h *host) remove(at *attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.attempts, at.a.ID)
}

// find returns a running attempt. Any other was superseded.
func (h *host) find(id string) (*attempt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.attempts[id]
	if at == nil {
		return nil, over(id)
	}
	return at, nil
}

// Claim implements [worker.Host].
func (h *host) Claim(_ context.Context, id string) (worker.Assignment, error) {
	at, err := h.find(id)
	if err != nil {
		return worker.Assignment{}, err
	}
	if at.claimed == nil {
		return at.assign, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-at.claimed:
		return worker.Assignment{}, component.Errorf(component.FailedPrecondition, "attempt %s was claimed before", id)
	default:
	}
	close(at.claimed)
	return at.assign, nil
}

// Beat implements [worker.Host].
func (h *host) Beat(ctx context.Context, b worker.Beat) error {
	at, err := h.find(b.Attempt)
	if err != nil {
		return err
	}
	if b.Checkpoint != nil {
		if err := h.checkpoint(ctx, at, *b.Checkpoint); err != nil {
			return err
		}
	}
	if h.s.c.Observer == nil {
		return nil
	}
	return h.hand(ctx, at, func() { h.s.said(at, b) })
}

// hand gives the scheduler an event of an attempt.
func (h *host) hand(ctx context.Context, at *attempt, event func()) error {
	select {
	case h.s.inbox <- event:
		return nil
	case <-h.s.over:
		return over(at.a.ID)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// over is the answer to a worker whose attempt is not running: it has ended, or was superseded.
func over(attempt string) error {
	return component.Errorf(component.FailedPrecondition, "attempt %s is over", attempt)
}

// Finish implements [worker.Host]. The first report counts.
func (h *host) Finish(_ context.Context, r worker.Report) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.attempts[r.Attempt]
	if at == nil {
		return over(r.Attempt)
	}
	if at.report == nil {
		at.report = &r
	}
	return nil
}

// said passes on what an attempt says while it runs.
func (s *scheduler) said(at *attempt, b worker.Beat) {
	if _, running := s.running[at]; !running {
		return // it was abandoned meanwhile
	}
	base := Event{Step: at.a.Step, Index: at.a.Index, Attempt: at.a.Number, StepState: metadata.StepRunning}
	for _, l := range b.Lines {
		e := base
		e.Kind, e.Time, e.Level, e.Message = EventLog, l.Time, l.Level, l.Message
		s.emit(e)
	}
	if b.Done >= 0 {
		e := base
		e.Kind, e.Done, e.Total = EventProgress, b.Done, b.Total
		s.emit(e)
	}
}
