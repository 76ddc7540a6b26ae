package sqlite

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"runtime"

	"github.com/tenon-ml/tenon/component"
)

// look opens a database that cannot be written, and was refused for that reason. With a log beside it, it is read through the log: it is in use, or
// its last program was killed. Without one it is complete.
func (s *store) look(ctx context.Context, refused error) error {
	s.readOnly, s.immutable = true, !s.hasLog()
	settings := url.Values{"mode": {"ro"}}
	if s.immutable {
		settings.Set("immutable", "1")
	}
	var err error
	if s.read, err = sql.Open(driverName, fileURI(s.path, settings)); err != nil {
		return s.coded("open", err)
	}
	conns := max(4, runtime.GOMAXPROCS(0))
	s.read.SetMaxOpenConns(conns)
	s.read.SetMaxIdleConns(conns)
	var version int
	if s.read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version) != nil || version != schemaVersion {
		return refused
	}
	s.logger.Info("the database cannot be written, and is only read", "path", s.path)
	return nil
}

// hasLog reports whether there is a write-ahead log with something in it.
func (s *store) hasLog() bool {
	info, err := os.Stat(s.path + "-wal")
	return err == nil && info.Size() > 0
}

// unchanged refuses to read on what is read without locks, once another program, for which the directory is not read-only, writes to it.
func (s *store) unchanged() error {
	if s.immutable && s.hasLog() {
		return component.Errorf(component.Unavailable, "metadata %s: another program began to write to the database, which here is only read: open it again", s.path)
	}
	return nil
}
