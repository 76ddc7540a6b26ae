package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	// groupLimit bounds the writes of one transaction.
	groupLimit = 256
	// memory is how long the ID of a batch is remembered, and that content was deleted.
	memory = 7 * 24 * time.Hour
)

// write is one caller's transaction.
type write struct {
	ctx     context.Context //nolint:containedctx // of the caller that waits for it
	do      func(t *tx) error
	durable bool
	err     error
	done    chan struct{} // closed when err is known
}

// update commits a write, unless only what frees space may be written.
func (s *store) update(ctx context.Context, what string, durable bool, do func(*tx) error) error {
	if s.reserve.lacks() {
		return component.Errorf(component.Exhausted, "metadata %s: %s: %s", s.path, what, freeSpace)
	}
	return s.commit(ctx, what, durable, do)
}

// commit queues a write and waits for its commit.
func (s *store) commit(ctx context.Context, what string, durable bool, do func(*tx) error) error {
	w := &write{ctx: ctx, do: do, durable: durable, done: make(chan struct{})}
	if err := s.enqueue(w); err != nil {
		return s.coded(what, err)
	}
	// The write may be on its way to the disk: its caller learns how it ended, also when ctx has.
	<-w.done
	return s.coded(what, w.err)
}

func (s *store) enqueue(w *write) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if s.readOnly {
		return component.Errorf(component.PermissionDenied, "metadata %s: it is only read, since it cannot be written: %s", s.path, mayWrite)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return errClosed
	}
	select {
	case s.queue <- w:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// writer commits queued writes in groups until the queue is closed.
func (s *store) writer() {
	defer close(s.stopped)
	for w := range s.queue {
		group := s.gather(w)
		if err := s.transact(group); err != nil {
			for _, w := range group {
				w.err = err
			}
		}
		for _, w := range group {
			close(w.done)
		}
	}
}

// gather returns first and what else is waiting.
func (s *store) gather(first *write) []*write {
	group := []*write{first}
	for len(group) < groupLimit {
		select {
		case w, ok := <-s.queue:
			if !ok {
				return group
			}
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

// transact commits a group. An error is that of every write in it; a write that is refused alone has an error of its own.
func (s *store) transact(group []*write) error {
	if err := s.inPlace(); err != nil {
		return err
	}
	t := &tx{s: s}
	for _, w := range group {
		t.durable = t.durable || w.durable
	}
	if t.durable {
		if err := t.run("PRAGMA synchronous=FULL"); err != nil {
			return err
		}
		defer func() {
			if err := t.run("PRAGMA synchronous=NORMAL"); err != nil {
				s.logger.Warn("commits stay durable, and slow", "err", err)
			}
		}()
	}
	if err := t.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	applied, err := t.applyAll(group)
	if err == nil && applied {
		err = t.run("COMMIT")
	}
	if err != nil || !applied {
		// SQLite itself has already rolled back after some errors, and then says that there is no transaction.
		_ = t.run("ROLLBACK")
	}
	return err
}

// inPlace refuses to write to a file that others no longer find: SQLite would go on with one that was moved, or was deleted and is lost when
// it is closed.
func (s *store) inPlace() error {
	now, err := os.Stat(s.path)
	switch {
	case err == nil && os.SameFile(now, s.file):
		return nil
	case err == nil:
		return component.Errorf(component.FailedPrecondition, "metadata %s: the database was replaced by another while it was in use: nothing is recorded any more", s.path)
	case errors.Is(err, fs.ErrNotExist):
		return component.Errorf(component.FailedPrecondition, "metadata %s: the database was moved away or deleted while it was in use: nothing is recorded any more", s.path)
	}
	return component.Errorf(component.Unavailable, "metadata: %w", err)
}

// applyAll reports whether there is anything to commit.
func (t *tx) applyAll(group []*write) (applied bool, err error) {
	if err := t.prune(); err != nil {
		return false, err
	}
	if err := t.row("SELECT EXISTS (SELECT 1 FROM condemned), EXISTS (SELECT 1 FROM checkpoints)").Scan(&t.condemned, &t.checkpoints); err != nil {
		return false, err
	}
	for _, w := range group {
		if w.err = w.ctx.Err(); w.err != nil {
			continue
		}
		if len(group) == 1 {
			w.err = w.do(t)
		} else if err := t.savepoint(w); err != nil {
			return false, err
		}
		applied = applied || w.err == nil
	}
	return applied, nil
}

// savepoint runs one write so that it alone is undone if it is refused. Its own error is one of the database, which ends the group.
func (t *tx) savepoint(w *write) error {
	if err := t.run("SAVEPOINT batch"); err != nil {
		return err
	}
	if w.err = w.do(t); w.err != nil {
		if err := t.run("ROLLBACK TO batch"); err != nil {
			return errors.Join(w.err, err)
		}
	}
	return t.run("RELEASE batch")
}

// prune forgets the IDs of old batches, and of content that was deleted long ago that it was, once in the life of a store.
func (t *tx) prune() error {
	if t.s.pruned {
		return nil
	}
	t.s.pruned = true
	old := time.Now().Add(-memory)
	floor, err := uuid.Parse(metadata.FirstID(old) + "-0000-0000-000000000000")
	if err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM batches WHERE id < ?", floor[:]); err != nil {
		return err
	}
	_, err = t.exec("DELETE FROM condemned WHERE deleted < ?", nanos(old))
	return err
}
