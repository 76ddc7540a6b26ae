package workerrpc_test

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
)

// host keeps attempts as the engine does: each is claimed once, its first report counts, and one that was superseded is refused.
type host struct {
	mu       sync.Mutex
	attempts map[string]*attempt
	err      error // of every call, if not nil
	panics   bool

	// Calls send on blocked and wait for the end of pause, if there is one.
	pause   chan struct{}
	blocked chan struct{}
}

type attempt struct {
	assignment worker.Assignment
	stop       chan struct{}
	claimed    bool
	superseded bool
	beats      []worker.Beat
	reports    []worker.Report // the first counts
}

func newHost() *host {
	return &host{attempts: map[string]*attempt{}, blocked: make(chan struct{}, 100)}
}

// fail lets every call fail.
func (h *host) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

// block lets every call wait until unblock, or until its caller gives up.
func (h *host) block() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pause = make(chan struct{})
}

func (h *host) unblock() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.pause)
	h.pause = nil
}

// enter is the beginning of every call.
func (h *host) enter(ctx context.Context) error {
	h.mu.Lock()
	pause, err, panics := h.pause, h.err, h.panics
	h.mu.Unlock()
	if pause != nil {
		h.blocked <- struct{}{}
		select {
		case <-pause:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if panics {
		panic("the host is broken")
	}
	return err
}

// add adds an attempt that can be claimed.
func (h *host) add(a worker.Assignment) *attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := &attempt{assignment: a, stop: make(chan struct{})}
	at.assignment.Stop = at.stop
	h.attempts[a.Attempt] = at
	return at
}

// attempt returns what add returned.
func (h *host) attempt(id string) *attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.attempts[id]
}

func (h *host) isClaimed(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.attempts[id].claimed
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

func (h *host) Claim(ctx context.Context, id string) (worker.Assignment, error) {
	if err := h.enter(ctx); err != nil {
		return worker.Assignment{}, err
	}
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

func (h *host) Beat(ctx context.Context, b worker.Beat) error {
	if err := h.enter(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at, err := h.find(b.Attempt)
	if err == nil {
		at.beats = append(at.beats, b)
	}
	return err
}

func (h *host) Finish(ctx context.Context, r worker.Report) error {
	if err := h.enter(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at, err := h.find(r.Attempt)
	if err == nil {
		at.reports = append(at.reports, r)
	}
	return err
}

// inline is a small value.
func inline(s string) artifact.Record {
	return artifact.Record{
		Digest: artifact.NewDigest(sha256.Sum256([]byte(s))), Size: int64(len(s)), Codec: "string/1", Type: "string", Inline: []byte(s),
		Meta: map[string]any{"name": "a.csv"},
	}
}

// metric is a point of an attempt.
func metric(attempt string, seq int) metadata.Metric {
	return metadata.Metric{
		StepKey: metadata.StepKey{Run: runID, Step: "train", Index: -1}, Attempt: attempt, Name: "loss", Value: 0.5, Time: time.Unix(3, 4), Seq: seq,
	}
}
