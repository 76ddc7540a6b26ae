package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// preparedLimit bounds the statements that readers keep; there are fewer, but for queries with many tags.
const preparedLimit = 200

type store struct {
	path   string
	file   os.FileInfo // what was at path when it was opened
	logger *slog.Logger
	read   *sql.DB

	reserve   reserve
	readOnly  bool // nothing is written
	immutable bool // nothing is locked either, since nobody else seems to write

	mu      sync.RWMutex // guards closed and, against sends, the closing of queue
	closed  bool
	queue   chan *write
	stopped chan struct{} // closed when the writer has ended

	// Of the writer's goroutine alone.
	write  *sql.Conn
	stmts  map[string]*sql.Stmt
	pruned bool

	preparing sync.RWMutex // guards prepared
	prepared  map[string]*sql.Stmt
}

var _ metadata.Store = (*store)(nil)

func newStore(path string, logger *slog.Logger) *store {
	return &store{
		path: path, logger: logger, reserve: reserve{dir: path + reserveSuffix}, queue: make(chan *write, groupLimit), stopped: make(chan struct{}),
		stmts: map[string]*sql.Stmt{}, prepared: map[string]*sql.Stmt{},
	}
}

// connect opens the pool of connections and the writer's.
func (s *store) connect(ctx context.Context) (err error) {
	if s.read, err = sql.Open(driverName, dsn(s.path)); err != nil {
		return err
	}
	conns := 1 + max(4, runtime.GOMAXPROCS(0))
	s.read.SetMaxOpenConns(conns)
	s.read.SetMaxIdleConns(conns)
	if s.write, err = s.read.Conn(ctx); err != nil {
		return err
	}
	// A checkpoint writes each page once, however many commits have changed it, and syncs twice: seldom is cheaper. The log grows to 16 MB.
	_, err = s.write.ExecContext(ctx, "PRAGMA wal_autocheckpoint=4000")
	return err
}

func (s *store) disconnect() error {
	var errs []error
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	s.write, s.read = nil, nil
	return errors.Join(errs...)
}

func (s *store) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

// Close implements [metadata.Store]. It waits for queued writes. Closing twice is fine.
func (s *store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.stopped
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.stopped
	for _, st := range s.stmts {
		_ = st.Close() // its connection is closed next
	}
	if err := s.disconnect(); err != nil {
		return component.Errorf(component.CodeOf(err), "metadata %s: close: %w", s.path, err)
	}
	if !s.readOnly && s.inPlace() == nil {
		s.reserve.keep()
	}
	return nil
}

// query is a SELECT and its arguments.
type query struct {
	sql  string
	args []any
}

func (q *query) add(sql string, args ...any) {
	q.sql += sql
	q.args = append(q.args, args...)
}

// stmt prepares a query of the readers once.
func (s *store) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if s.isClosed() {
		return nil, errClosed
	}
	if err := s.unchanged(); err != nil {
		return nil, err
	}
	s.preparing.RLock()
	st := s.prepared[text]
	s.preparing.RUnlock()
	if st != nil {
		return st, nil
	}
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if st := s.prepared[text]; st != nil || len(s.prepared) == preparedLimit {
		return st, nil
	}
	st, err := s.read.PrepareContext(ctx, text) //nolint:sqlclosecheck // kept until the pool is closed
	if err == nil {
		s.prepared[text] = st
	}
	return st, err
}

// rows runs a query.
func (s *store) rows(ctx context.Context, q query) (*sql.Rows, error) {
	st, err := s.stmt(ctx, q.sql) //nolint:sqlclosecheck // kept
	if err != nil {
		return nil, err
	}
	if st == nil {
		return s.read.QueryContext(ctx, q.sql, q.args...)
	}
	return st.QueryContext(ctx, q.args...)
}

// row runs a query for one row; the error is sql.ErrNoRows if there is none. It takes microseconds, so that the driver need not watch ctx,
// for which it starts a goroutine.
func (s *store) row(ctx context.Context, text string, args ...any) scanner {
	if err := ctx.Err(); err != nil {
		return failedRow{err}
	}
	ctx = context.WithoutCancel(ctx)
	st, err := s.stmt(ctx, text) //nolint:sqlclosecheck // kept
	switch {
	case err != nil:
		return failedRow{err}
	case st == nil:
		return s.read.QueryRowContext(ctx, text, args...)
	}
	return st.QueryRowContext(ctx, args...)
}

// each calls scan for every row of a query until it returns false.
func (s *store) each(ctx context.Context, q query, scan func(scanner) (more bool, err error)) error {
	rows, err := s.rows(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if more, err := scan(rows); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}
