package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// schemaVersion is the newest version that this code knows; PRAGMA user_version holds that of a file.
const schemaVersion = 1

const (
	busyTimeout = "10000" // milliseconds that a connection waits for another process
	cacheSize   = "-8000" // KiB for each connection
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options of [Open]. The zero value is useful.
type Options struct {
	// Logger for what concerns no single call. Nil discards.
	Logger *slog.Logger
}

// Open opens the database at path, and makes it if there is none. A database of a newer version is refused with code Unsupported and
// left untouched; a file that is no database, or damaged, is refused with code Corrupt.
func Open(ctx context.Context, path string, o Options) (metadata.Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, component.Errorf(component.Invalid, "metadata %s: %w", path, err)
	}
	s := &store{path: abs, logger: o.Logger, queue: make(chan *write, 1024), closing: make(chan struct{}), stopped: make(chan struct{})}
	version, err := s.inspect()
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, version); err != nil {
		return nil, errors.Join(err, s.disconnect())
	}
	go s.writer()
	return s, nil
}

// inspect reads the version from the file's header, before SQLite touches it.
func (s *store) inspect() (version int, err error) {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return 0, component.Errorf(component.PermissionDenied, "metadata: %w: the database must be readable and writable", err)
	case err != nil:
		return 0, component.Errorf(component.Invalid, "metadata: %w: the path must be that of a file in an existing directory", err)
	}
	defer f.Close()
	const (
		magic     = "SQLite format 3\x00"
		versionAt = 60 // https://www.sqlite.org/fileformat.html#the_database_header
	)
	header := make([]byte, versionAt+4)
	n, err := io.ReadFull(f, header)
	if n == 0 && errors.Is(err, io.EOF) {
		return 0, nil // new
	}
	if err != nil || string(header[:len(magic)]) != magic {
		return 0, component.Errorf(component.Corrupt, "metadata %s: not a SQLite database: move it away to start anew", s.path)
	}
	return s.known(int(binary.BigEndian.Uint32(header[versionAt:])))
}

func (s *store) known(version int) (int, error) {
	if version > schemaVersion {
		return 0, component.Errorf(component.Unsupported, "metadata %s: written by a newer Tenon (schema %d, this one knows %d): use that version or a newer one", s.path, version, schemaVersion)
	}
	return version, nil
}

func (s *store) connect(ctx context.Context, version int) (err error) {
	if s.read, err = sql.Open(driverName, dsn(s.path)); err != nil {
		return s.coded("open", err)
	}
	s.read.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	s.read.SetMaxIdleConns(4)
	if version < schemaVersion {
		if err := s.migrate(ctx); err != nil {
			return err
		}
	}
	if s.write, err = s.read.Conn(ctx); err != nil {
		return s.coded("open", err)
	}
	var now int
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&now); err != nil {
		return s.coded("open", err)
	}
	if _, err := s.known(now); err != nil {
		return err
	}
	_, err = s.write.ExecContext(ctx, "DELETE FROM batches WHERE applied < ?", time.Now().Add(-batchMemory).Unix())
	return s.coded("open", err)
}

// migrate brings the schema up to date. Another process may be doing the same.
func (s *store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return component.Errorf(component.Unknown, "metadata: %w", err)
	}
	unlock, err := lockFile(ctx, s.path+".migrate")
	if err != nil {
		return s.coded("lock for the migration", err)
	}
	defer unlock()
	p, err := goose.NewProvider(goose.DialectSQLite3, s.read, dir, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return s.coded("migrate", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return s.coded("migrate", err)
	}
	return nil
}

func (s *store) disconnect() error {
	var errs []error
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	return errors.Join(errs...)
}
