package sqlite

import (
	"context"
	"database/sql"
)

// tx is the transaction of a group, on the connection of the writer.
type tx struct {
	s       *store
	durable bool
	// condemned says whether any content is condemned, checkpoints whether any run has one.
	condemned, checkpoints bool
}

// stmt prepares a statement once.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if st := t.s.stmts[query]; st != nil {
		return st, nil
	}
	st, err := t.s.write.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.s.stmts[query] = st
	return st, nil
}

// run runs a statement that has no arguments.
func (t *tx) run(query string) error {
	_, err := t.exec(query)
	return err
}

// exec runs a statement. Writes take no context: SQLite would undo what it has begun.
func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	st, err := t.stmt(query) //nolint:sqlclosecheck // kept
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// changed runs a statement and returns the number of rows it changed.
func (t *tx) changed(query string, args ...any) (int64, error) {
	res, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row asks for one row.
func (t *tx) row(query string, args ...any) scanner {
	st, err := t.stmt(query) //nolint:sqlclosecheck // kept
	if err != nil {
		return failedRow{err}
	}
	return st.QueryRowContext(context.Background(), args...)
}

type scanner interface{ Scan(dest ...any) error }

type failedRow struct{ err error }

func (f failedRow) Scan(...any) error { return f.err }
