package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/metadata"
)

// begin records that the run is driven by this process now.
func (s *scheduler) begin(ctx context.Context) (err error) {
	s.hire()
	switch {
	case s.j.Resume:
		err = s.takeOver(ctx)
	case s.j.Replay != nil:
		if s.history, err = readHistory(ctx, s.c.Metadata, s.j.Replay.Run); err == nil {
			err = s.create(ctx)
		}
	default:
		err = s.create(ctx)
	}
	if err != nil {
		return err
	}
	s.emit(Event{Kind: EventRun, RunState: metadata.RunRunning, Index: -1})
	return nil
}

// create records the run.
func (s *scheduler) create(ctx context.Context) error {
	s.run.State, s.run.Epoch, s.run.Started = metadata.RunRunning, 1, time.Now()
	b := metadata.Batch{
		ID: newID(), Run: s.run.ID, Epoch: s.run.Epoch, Documents: s.j.Documents, Create: []metadata.Run{s.run}, Holds: s.j.Plan.Holds(),
	}
	if err := s.commit(ctx, &b); err != nil {
		return fmt.Errorf("record run %s: %w", s.run.ID, err)
	}
	return nil
}

// hire begins a lease.
func (s *scheduler) hire() {
	if s.c.Lease > 0 {
		s.run.Driver.Lease = time.Now().Add(s.c.Lease)
	}
}

// renew shows again and again that the driver lives.
func (s *scheduler) renew() {
	if s.c.Lease > 0 {
		s.after(s.c.Lease/3, func() {
			s.hire()
			s.recordRun()
			s.renew()
		})
	}
}
