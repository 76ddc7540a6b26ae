package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/component"
)

const (
	// groupLimit bounds the writes of one transaction.
	groupLimit = 256
	// batchMemory is how long the ID of a batch is remembered.
	batchMemory = 7 * 24 * time.Hour
)

type store struct {
	path   string
	logger *slog.Logger
	read   *sql.DB
	write  *sql.Conn // of the writer goroutine alone

	queue   chan *write
	mu      sync.RWMutex // guards closed against sends
	closed  bool
	closing chan struct{}
	stopped chan struct{}

	stmts map[string]*sql.Stmt // of the writer

	lookup     sync.Mutex // guards lookupBest
	lookupBest *sql.Stmt
}

// lookupStmt prepares the query of the cache once, for all readers.
func (s *store) lookupStmt(ctx context.Context) (*sql.Stmt, error) {
	s.lookup.Lock()
	defer s.lookup.Unlock()
	if s.lookupBest != nil {
		return s.lookupBest, nil
	}
	st, err := s.read.PrepareContext(ctx, "SELECT body FROM steps WHERE cache_key = ? ORDER BY computed DESC LIMIT 1")
	if err == nil {
		s.lookupBest = st
	}
	return st, err
}

// write is one caller's transaction.
type write struct {
	ctx     context.Context
	do      func(t *tx) error
	durable bool
	err     chan error
}

// tx is one write inside a group.
type tx struct {
	s   *store
	ctx context.Context
	// condemned says whether any content is condemned, as of the beginning of the group.
	condemned bool
}

// update queues a write and waits for its commit.
func (s *store) update(ctx context.Context, what string, durable bool, do func(*tx) error) error {
	w := &write{ctx: ctx, do: do, durable: durable, err: make(chan error, 1)}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return s.coded(what, errClosed)
	}
	select {
	case s.queue <- w:
		s.mu.RUnlock()
	case <-ctx.Done():
		s.mu.RUnlock()
		return s.coded(what, ctx.Err())
	}
	// The write may be on its way to the disk: its caller learns how it ended, also when ctx has.
	return s.coded(what, <-w.err)
}

// writer commits queued writes in groups until the store is closed.
func (s *store) writer() {
	defer close(s.stopped)
	s.stmts = map[string]*sql.Stmt{}
	for {
		select {
		case w := <-s.queue:
			s.group(w)
		case <-s.closing:
			for {
				select {
				case w := <-s.queue:
					s.group(w)
				default:
					return
				}
			}
		}
	}
}

// group commits first and what else has gathered, in one transaction.
func (s *store) group(first *write) {
	group := []*write{first}
	durable := first.durable
	for len(group) < groupLimit {
		select {
		case w := <-s.queue:
			group = append(group, w)
			durable = durable || w.durable
			continue
		default:
		}
		break
	}
	results, err := s.transact(group, durable)
	for i, w := range group {
		if err != nil {
			w.err <- err
			continue
		}
		w.err <- results[i]
	}
}

func (s *store) transact(group []*write, durable bool) (results []error, err error) {
	ctx := context.Background()
	if durable {
		if _, err := s.write.ExecContext(ctx, "PRAGMA synchronous=FULL"); err != nil {
			return nil, err
		}
		defer func() {
			if _, resetErr := s.write.ExecContext(ctx, "PRAGMA synchronous=NORMAL"); err == nil {
				err = resetErr
			}
		}()
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	t := &tx{s: s, ctx: ctx}
	if err := t.row("SELECT EXISTS (SELECT 1 FROM condemned)").Scan(&t.condemned); err != nil {
		return nil, errors.Join(err, s.rollback(ctx))
	}
	results = make([]error, len(group))
	for i, w := range group {
		if results[i] = w.ctx.Err(); results[i] != nil {
			continue
		}
		if results[i], err = s.savepoint(t, w, len(group) > 1); err != nil {
			return nil, errors.Join(err, s.rollback(ctx))
		}
	}
	if len(group) == 1 && results[0] != nil {
		return results, s.rollback(ctx)
	}
	if _, err := s.write.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, errors.Join(err, s.rollback(ctx))
	}
	return results, nil
}

// begin takes the write lock. The driver waits for other processes; under a crowd it may give up early, so it is asked again.
func (s *store) begin(ctx context.Context) error {
	const patience = 60 * time.Second
	deadline := time.Now().Add(patience)
	for {
		_, err := s.write.ExecContext(ctx, "BEGIN IMMEDIATE")
		if err == nil {
			return nil
		}
		if code := resultCode(err); code != sqliteBusy && code != sqliteLocked || time.Now().After(deadline) {
			return err
		}
	}
}

// savepoint runs one write so that it alone is undone if it is refused. The second error is one of the database, which ends the
// group.
func (s *store) savepoint(t *tx, w *write, many bool) (refused, failed error) {
	if !many {
		return s.guarded(t, w), nil
	}
	if _, err := s.write.ExecContext(t.ctx, "SAVEPOINT batch"); err != nil {
		return nil, err
	}
	refused = s.guarded(t, w)
	end := "RELEASE batch"
	if refused != nil {
		end = "ROLLBACK TO batch; RELEASE batch"
	}
	_, err := s.write.ExecContext(t.ctx, end)
	return refused, err
}

func (s *store) guarded(t *tx, w *write) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = component.Errorf(component.Unknown, "metadata: a write panicked: %v", r)
		}
	}()
	return w.do(t)
}

func (s *store) rollback(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, "ROLLBACK")
	return err
}

// stmt prepares a query once.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if st := t.s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := t.s.write.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, err
	}
	t.s.stmts[query] = st
	return st, nil
}

// exec runs a statement and returns the number of rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	st, err := t.stmt(query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row asks for one row.
func (t *tx) row(query string, args ...any) scanner {
	st, err := t.stmt(query)
	if err != nil {
		return failedRow{err}
	}
	return st.QueryRowContext(t.ctx, args...)
}

type scanner interface{ Scan(dest ...any) error }

type failedRow struct{ err error }

func (f failedRow) Scan(...any) error { return f.err }

// Close implements [metadata.Store]. It waits for queued writes.
func (s *store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.closing)
	<-s.stopped
	for _, st := range s.stmts {
		_ = st.Close() // its connection is closed next
	}
	// Other processes may be reading: what cannot be moved into the database now stays in the write-ahead log.
	if _, err := s.write.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		s.logger.Debug("checkpoint", "err", err)
	}
	return s.coded("close", s.disconnect())
}
