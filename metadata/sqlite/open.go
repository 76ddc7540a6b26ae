package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	// schemaVersion is the newest version that this code knows; PRAGMA user_version holds that of a file.
	schemaVersion = 1
	// smallestPage is the size in bytes of the smallest page that SQLite knows.
	smallestPage = 512
	// migrationPatience bounds the wait for another process that migrates the same file.
	migrationPatience = time.Minute
)

//go:embed migrations/*.sql
var migrations embed.FS

// Options of [Open]. The zero value is useful.
type Options struct {
	// Logger for what concerns no single call. Nil discards.
	Logger *slog.Logger
}

// Open opens the database at path, and makes it if there is none; its directory must exist. A database of a newer version is refused
// with code Unsupported and left untouched; a file that is no database, or damaged, is refused with code Corrupt. One in a directory that cannot
// be written is opened all the same, if it was closed well or is in use: it is read, and what would write is refused with code PermissionDenied.
// A full disk is Exhausted. The caller closes the store.
func Open(ctx context.Context, path string, o Options) (metadata.Store, error) {
	if path == "" {
		return nil, component.Errorf(component.Invalid, "metadata: the path of the database is empty")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, component.Errorf(component.Invalid, "metadata %s: %w", path, err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := newStore(abs, o.Logger)
	version, err := s.inspect(ctx)
	if err != nil {
		return nil, err
	}
	err = s.coded("open", s.start(ctx, version))
	for s.full(err) && s.reserve.spend() {
		_ = s.disconnect()
		err = s.coded("open", s.start(ctx, version))
	}
	if errors.Is(err, component.ErrPermissionDenied) && version == schemaVersion {
		_ = s.disconnect()
		err = s.look(ctx, err)
	}
	if err != nil {
		_ = s.disconnect()
		return nil, err
	}
	go s.writer()
	return s, nil
}

// inspect reads the schema's version from the file without touching it. Only SQLite may open the file: closing a descriptor of one's own
// would give up, under POSIX, all locks that this process has on it.
func (s *store) inspect(ctx context.Context) (version int, err error) {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fileError(err)
	case info.IsDir():
		return 0, fileError(&fs.PathError{Op: "open", Path: s.path, Err: errors.New("is a directory")})
	case info.Size() > 0 && info.Size() < smallestPage: // SQLite would take some for new ones
		return 0, component.Errorf(component.Corrupt, "metadata %s: not a SQLite database: move it away to start anew", s.path)
	case info.Mode().Perm()&0o222 == 0:
		return 0, fileError(&fs.PathError{Op: "open", Path: s.path, Err: fs.ErrPermission})
	}
	db, err := sql.Open(driverName, fileURI(s.path, url.Values{"mode": {"ro"}, "immutable": {"1"}}))
	if err != nil {
		return 0, s.coded("open", err)
	}
	defer func() { _ = db.Close() }() // only read
	if db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version) != nil {
		return 0, nil // another process is writing it, or it is damaged: who opens it with locks will see
	}
	return version, s.supports(version)
}

// supports refuses the database of a newer version.
func (s *store) supports(version int) error {
	if version > schemaVersion {
		return component.Errorf(component.Unsupported, "metadata %s: written by a newer Tenon (its schema is %d, this Tenon knows %d): upgrade Tenon to use it", s.path, version, schemaVersion)
	}
	return nil
}

// start connects and brings the schema up to date. Only one process at a time makes or migrates a database.
func (s *store) start(ctx context.Context, version int) error {
	if version < schemaVersion {
		unlock, err := s.lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		if err := s.create(); err != nil {
			return err
		}
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	var err error
	if s.file, err = os.Stat(s.path); err != nil {
		return fileError(err)
	}
	// The file is older than what the write-ahead log may hold.
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if err := s.supports(version); err != nil || version == schemaVersion {
		return err
	}
	return s.migrate(ctx)
}

// lock keeps other processes from making and migrating the database.
func (s *store) lock(ctx context.Context) (unlock func(), err error) {
	l := flock.New(s.path + ".lock")
	wait, cancel := context.WithTimeout(ctx, migrationPatience)
	defer cancel()
	_, err = l.TryLockContext(wait, 5*time.Millisecond)
	switch {
	case err == nil:
		// The file stays: removing it would let two processes lock two files of the same name.
		return func() { _ = l.Unlock() }, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case wait.Err() != nil:
		return nil, component.Errorf(component.Unavailable, "metadata %s: another program has been migrating the database for more than %v", s.path, migrationPatience)
	}
	return nil, fileError(err)
}

// create makes the file, for its owner alone, if there is none.
func (s *store) create() error {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fileError(err)
	}
	return f.Close()
}

func (s *store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.read, dir, goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}
