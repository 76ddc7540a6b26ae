package engine

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// pledge is somebody who waits until something is recorded.
type pledge struct {
	seq  int
	kept chan<- error // has room for one
}

// keep records a checkpoint of an attempt, and tells kept when that is done.
func (s *scheduler) keep(at *attempt, rec artifact.Record, kept chan<- error) {
	if _, running := s.running[at]; !running || s.fatal != nil {
		kept <- over(at.a.ID)
		return
	}
	at.t.checkpoint = &rec
	b := s.batch()
	b.Checkpoints = append(b.Checkpoints, metadata.Checkpoint{StepKey: s.key(at.t), Attempt: at.a.ID, Record: rec, Saved: time.Now()})
	b.Durable = true
	s.pledges = append(s.pledges, pledge{s.seq, kept})
}

// redeem tells those whose commit is done, or all of them that it never will be.
func (s *scheduler) redeem(err error) {
	for len(s.pledges) > 0 && (err != nil || s.pledges[0].seq <= s.committed) {
		s.pledges[0].kept <- err
		s.pledges = s.pledges[1:]
	}
}

// checkpoint hands a checkpoint to the scheduler and waits until it is recorded.
func (h *host) checkpoint(ctx context.Context, at *attempt, rec artifact.Record) error {
	kept := make(chan error, 1)
	if err := h.hand(ctx, at, func() { h.s.keep(at, rec, kept) }); err != nil {
		return err
	}
	select {
	case err := <-kept:
		return err
	case <-h.s.over:
		return over(at.a.ID)
	case <-ctx.Done():
		return ctx.Err()
	}
}
