package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tenon-ml/tenon/component"
)

// Primary result codes, https://www.sqlite.org/rescode.html.
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadonly = 8
	sqliteIOErr    = 10
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26
)

var errClosed = errors.New("closed")

// coded gives an error of the database its code and says what it was about.
func (s *store) coded(what string, err error) error {
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(err, context.Canceled):
		return component.Errorf(component.Canceled, "metadata %s: %s: %w", s.path, what, err)
	case errors.Is(err, context.DeadlineExceeded):
		return component.Errorf(component.DeadlineExceeded, "metadata %s: %s: %w", s.path, what, err)
	case component.CodeOf(err) != component.Unknown:
		return err // made here
	case errors.Is(err, sql.ErrConnDone), s.isClosed():
		return component.Errorf(component.FailedPrecondition, "metadata %s: %s: the store is closed", s.path, what)
	}
	code, hint := component.Unknown, ""
	switch resultCode(err) {
	case sqliteBusy, sqliteLocked:
		code, hint = component.Unavailable, ": another program has held the database for too long"
	case sqliteReadonly, sqliteCantOpen, sqliteFull, sqliteIOErr:
		code, hint = s.refusal(resultCode(err))
	case sqliteCorrupt, sqliteNotADB:
		code, hint = component.Corrupt, ": restore it from a backup, or move it away to start anew; how to make one is in docs/storage.md"
	}
	return component.Errorf(code, "metadata %s: %s: %w%s", s.path, what, err, hint)
}
