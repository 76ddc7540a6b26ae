package workerrpc_test

import (
	"context"
	"sync"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
)

// host keeps attempts as the engine does: each is claimed once, its first report counts, and one that was superseded is refused.
type host struct {
	mu       sync.Mutex
	attempts map[string]*attempt
}

type attempt struct {
	assignment worker.Assignment
	stop       chan struct{}
	claimed    bool
	superseded bool
	beats      []worker.Beat
	reports    []worker.Report // the first counts
}

func newHost() *host { return &host{attempts: map[string]*attempt{}} }

// add adds an attempt that can be claimed.
func (h *host) add(a worker.Assignment) *attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := &attempt{assignment: a, stop: make(chan struct{})}
	at.assignment.Stop = at.stop
	h.attempts[a.Attempt] = at
	return at
}

func (h *host) supersede(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts[id].superseded = true
}

// beats and reports of an attempt.
func (h *host) heard(id string) ([]worker.Beat, []worker.Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.attempts[id].beats, h.attempts[id].reports
}

func (h *host) find(id string) (*attempt, error) {
	at := h.attempts[id]
	if at == nil || at.superseded {
		return nil, component.Errorf(component.FailedPrecondition, "attempt %.80q is over", id)
	}
	return at, nil
}

func (h *host) Claim(_ context.Context, id string) (worker.Assignment, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, err := h.find(id)
	if err != nil {
		return worker.Assignment{}, err
	}
	if at.claimed {
		return worker.Assignment{}, component.Errorf(component.FailedPrecondition, "attempt %s was claimed before", id)
	}
	at.claimed = true
	return at.assignment, nil
}

func (h *host) Beat(_ context.Context, b worker.Beat) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, err := h.find(b.Attempt)
	if err == nil {
		at.beats = append(at.beats, b)
	}
	return err
}

func (h *host) Finish(_ context.Context, r worker.Report) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, err := h.find(r.Attempt)
	if err == nil {
		at.reports = append(at.reports, r)
	}
	return err
}
