package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

const (
	// maxPending and maxLag bound what may be lost by a crash though dependants have already started.
	maxPending = 1024
	maxLag     = 5 * time.Millisecond
	// durableAfter is the length of an attempt whose record must survive a power cut.
	durableAfter = 100 * time.Millisecond
	// commitPatience bounds the time for which an unavailable store is asked again.
	commitPatience = time.Minute
)

// batch returns the batch that is being filled.
func (s *scheduler) batch() *metadata.Batch {
	if s.next == nil {
		s.next = &metadata.Batch{ID: newID(), Run: s.run.ID, Epoch: s.run.Epoch}
		s.nextSince = time.Now()
		s.seq++
	}
	return s.next
}

// flush commits what has gathered, one batch at a time: while one is on its way the next one fills.
func (s *scheduler) flush() {
	if s.next == nil || s.committing || s.fatal != nil {
		return
	}
	b, seq := s.next, s.seq
	s.next, s.committing = nil, true
	s.inFlightSince, s.pendingRows = s.nextSince, len(b.Steps)
	s.spawn(func() func() {
		err := s.commit(s.life, b)
		return func() {
			s.committing, s.pendingRows = false, 0
			if err != nil {
				s.broken(err)
				return
			}
			s.committed = seq
			s.redeem(nil)
			s.unpark()
		}
	})
}

// commitsKeepUp reports whether something new may start although not everything is committed.
func (s *scheduler) commitsKeepUp() bool {
	if s.fatal != nil {
		return false
	}
	rows := s.pendingRows
	if s.next != nil {
		rows += len(s.next.Steps)
	}
	if rows >= maxPending {
		return false
	}
	return !s.committing || s.next == nil || time.Since(s.inFlightSince) < maxLag
}

func (s *scheduler) unpark() {
	parked := s.parked
	s.parked = nil
	for _, t := range parked {
		s.enqueue(t)
	}
}

// commit applies a batch. It waits for a store that is unavailable, and puts condemned content again.
func (s *scheduler) commit(ctx context.Context, b *metadata.Batch) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := s.c.Metadata.Apply(ctx, *b)
		var condemned *metadata.CondemnedError
		switch {
		case err == nil:
			return struct{}{}, nil
		case errors.As(err, &condemned):
			if err := s.revive(ctx, condemned); err != nil {
				return struct{}{}, backoff.Permanent(err)
			}
			return struct{}{}, err
		case errors.Is(err, component.ErrUnavailable):
			return struct{}{}, err
		}
		return struct{}{}, backoff.Permanent(err)
	}, backoff.WithMaxElapsedTime(commitPatience), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 5 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: time.Second,
	}))
	return err
}

// revive takes content back from garbage collection before it is recorded. A collector leaves alone what was put a short while ago: what is
// gone was put long before.
func (s *scheduler) revive(ctx context.Context, condemned *metadata.CondemnedError) error {
	for _, d := range condemned.Digests {
		if _, err := s.c.Artifacts.Stat(ctx, d); errors.Is(err, component.ErrNotFound) {
			return component.Errorf(component.FailedPrecondition, "content %s was collected as garbage before it was recorded: resume the run", d.Short())
		} else if err != nil {
			return err
		}
	}
	_, err := s.c.Metadata.Revive(ctx, condemned.Digests, condemned.Generation)
	return err // what is being deleted is refused again, and looked for again
}

// recordTask writes the row of a task.
func (s *scheduler) recordTask(t *task, reason string) {
	b := s.batch()
	reason = clip(reason)
	row := metadata.Step{
		StepKey: s.key(t), State: t.state, CacheKey: t.key, Uncached: t.n.plan.Uncached, Origin: t.origin, Computed: t.computed,
		Attempts: t.attempts, Started: t.started, Inputs: t.lineage,
	}
	if t.state.Ended() {
		row.Finished = time.Now()
		if row.Started.IsZero() {
			row.Started = row.Finished
		}
	}
	switch t.state {
	case metadata.StepSucceeded, metadata.StepCached:
		row.Outputs = t.outputs
	case metadata.StepSkipped:
		row.Skip = reason
	default:
		row.Error = reason
	}
	b.Steps = upsert(b.Steps, row)
	t.upSeq = max(t.upSeq, s.seq)
}

// upsert replaces an earlier row of the same step in one batch, which may be of a state in between.
func upsert(rows []metadata.Step, row metadata.Step) []metadata.Step {
	for i := len(rows) - 1; i >= 0 && i >= len(rows)-8; i-- {
		if rows[i].StepKey == row.StepKey {
			rows[i] = row
			return rows
		}
	}
	return append(rows, row)
}

// recordNode writes the row of a mapped node itself, or of a node that ended without tasks: with its end, and of a mapped one also when one of
// its elements is recorded as running, so that others see how many there are.
func (s *scheduler) recordNode(n *node) {
	if s.unchanged(n) {
		return
	}
	row := metadata.Step{
		StepKey: metadata.StepKey{Run: s.run.ID, Step: n.name(), Index: -1}, State: n.state, Elements: len(n.tasks),
		Started: n.started, Uncached: n.plan.Uncached,
	}
	if n.state.Ended() {
		row.Finished = time.Now()
		row.Started = cmp.Or(row.Started, row.Finished)
	}
	if n.state == metadata.StepSkipped {
		row.Skip = clip(n.reason)
	} else if !done(n.state) {
		row.Error = clip(n.reason)
	}
	b := s.batch()
	b.Steps = upsert(b.Steps, row)
	if n.state.Ended() {
		n.upSeq = max(n.upSeq, s.seq)
	}
}

func (s *scheduler) recordRunning(at *attempt) {
	if at.t.state != metadata.StepRunning {
		return
	}
	if n := at.t.n; n.mapped() && !n.shown {
		n.shown = true
		s.recordNode(n)
	}
	s.recordTask(at.t, "")
	b := s.batch()
	b.Attempts = append(b.Attempts, metadata.Attempt{
		ID: at.a.ID, StepKey: s.key(at.t), Number: at.a.Number, State: metadata.StepRunning, Started: at.started, Host: s.c.Worker.Host,
	})
}

// record writes the row of an attempt that ended, with its log and metrics.
func (s *scheduler) record(at *attempt, r *worker.Report, exit orchestrator.Exit, printed []metadata.LogChunk) {
	row := metadata.Attempt{
		ID: at.a.ID, StepKey: s.key(at.t), Number: at.a.Number, State: metadata.StepSucceeded,
		Started: r.Started, Finished: r.Finished, Host: r.Host, Logs: r.Logs, Printed: printed, Reason: clip(exit.Reason),
		Cost: metadata.Cost{CPU: exit.Usage.CPU, PeakMemory: int64(max(exit.Usage.PeakMemory, r.PeakMemory)), Read: r.Read, Written: r.Written},
	}
	s.run.Cost = s.run.Cost.Add(row.Cost)
	if f := r.Failure; f != nil {
		row.State, row.Error, row.Stack = metadata.StepFailed, f.Message, f.Stack
		if f.Kind == worker.KindCancelled {
			row.State = metadata.StepCancelled
		}
		if row.Reason == "" {
			row.Reason = f.Kind
		}
	}
	b := s.batch()
	b.Attempts = append(b.Attempts, row)
	b.Metrics = append(b.Metrics, r.Metrics...)
	if r.Finished.Sub(r.Started) >= durableAfter {
		b.Durable = true
	}
}

// recordRun writes the run's own row.
func (s *scheduler) recordRun() {
	b := s.batch()
	b.Update = []metadata.Run{s.run}
}

func (s *scheduler) key(t *task) metadata.StepKey {
	return metadata.StepKey{Run: s.run.ID, Step: t.n.name(), Index: t.index}
}

// clip bounds what a step says before it is recorded. A store may refuse what is huge, which would end the run.
func clip(text string) string {
	const limit = 64 << 10
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + fmt.Sprintf("\n... (%d bytes)", len(text))
}
