package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// closed returns the path of a database that holds one run, and was closed.
func closed(t *testing.T) (path string, r metadata.Run) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tenon.db")
	store, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, batch := newRun("p")
	apply(t, store, batch)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path, r
}

// raw runs statements on a database behind the store's back.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open(driverName, dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func refused(t *testing.T, path string, code component.Code, words ...string) {
	t.Helper()
	store, err := Open(t.Context(), path, Options{})
	if err == nil {
		_ = store.Close()
		t.Fatal("Open succeeds")
	}
	if component.CodeOf(err) != code {
		t.Errorf("code %q, want %q: %v", component.CodeOf(err), code, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestNewerDatabaseIsUntouched(t *testing.T) {
	t.Parallel()
	path, _ := closed(t)
	raw(t, path, "PRAGMA user_version = 2", "ALTER TABLE runs ADD COLUMN future TEXT")
	before := content(t, path)
	refused(t, path, component.Unsupported, path, "newer Tenon", "its schema is 2, this Tenon knows 1", "upgrade Tenon")
	if !bytes.Equal(before, content(t, path)) {
		t.Error("the database changed")
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains([]string{"tenon.db", "tenon.db.lock", "tenon.db.reserve"}, f.Name()) { // of its first client
			t.Errorf("a refused database left %s", f.Name())
		}
	}
}

// The version may still be in the write-ahead log of a program that was killed.
func TestNewerDatabaseInLog(t *testing.T) {
	t.Parallel()
	path, _ := closed(t)
	db, err := sql.Open(driverName, dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 7"); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(t.TempDir(), "killed.db")
	for _, suffix := range []string{"", "-wal"} {
		if err := os.WriteFile(killed+suffix, content(t, path+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, killed, component.Unsupported, "its schema is 7")
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"text": func([]byte) []byte {
			return []byte("this is a text, and no database at all, however long it may be, and longer\n")
		},
		"short text":       func([]byte) []byte { return []byte("x") },
		"cut header":       func(b []byte) []byte { return b[:40] },
		"half":             func(b []byte) []byte { return b[:len(b)/2/4096*4096] },
		"half a page":      func(b []byte) []byte { return b[:2048] },
		"zeros":            func(b []byte) []byte { return make([]byte, len(b)) },
		"header of zeros":  func(b []byte) []byte { return append(make([]byte, 100), b[100:]...) },
		"magic alone":      func(b []byte) []byte { return append(bytes.Clone(b[:16]), make([]byte, 8192)...) },
		"schema of zeros":  func(b []byte) []byte { return append(bytes.Clone(b[:100]), make([]byte, len(b)-100)...) },
		"upside down page": func(b []byte) []byte { return append(bytes.Clone(b[:100]), bytes.Repeat([]byte{0xff}, len(b)-100)...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := closed(t)
			damaged := damage(content(t, path))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, path, component.Corrupt, path)
			if !bytes.Equal(damaged, content(t, path)) {
				t.Error("the file changed")
			}
		})
	}
}

func TestBadPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	refused(t, "", component.Invalid, "the path of the database is empty")
	refused(t, dir, component.Invalid, dir, "must be that of a file in an existing directory")
	refused(t, filepath.Join(dir, "absent", "tenon.db"), component.Invalid, "absent")
	refused(t, dir+"/nul\x00byte", component.Invalid)
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("refused paths left %v (%v)", files, err)
	}
}

// What this machine has too little of is not the fault of a path.
func TestExhausted(t *testing.T) {
	t.Parallel()
	for errno, want := range map[syscall.Errno]component.Code{
		syscall.EMFILE: component.Exhausted, syscall.ENOSPC: component.Exhausted,
		syscall.ENOTDIR: component.Invalid, syscall.EACCES: component.PermissionDenied,
	} {
		err := fileError(&fs.PathError{Op: "open", Path: "/home/tenon.db", Err: errno})
		if component.CodeOf(err) != want || !strings.Contains(err.Error(), "/home/tenon.db: "+errno.Error()) {
			t.Errorf("%v: %v has the code %q, want %q", errno, err, component.CodeOf(err), want)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("permissions do not bind root")
	}
	path, _ := closed(t)
	dir := filepath.Dir(path)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	refused(t, path, component.PermissionDenied, path, "must be readable and writable")
	if err := errors.Join(os.Chmod(path, 0o600), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	refused(t, filepath.Join(dir, "new.db"), component.PermissionDenied, "new.db")
	s := openAt(t, path)
	if runs, err := s.Runs(t.Context(), metadata.RunQuery{}); err != nil || len(runs.Items) != 1 {
		t.Errorf("in a directory that cannot be written %d runs are read, %v", len(runs.Items), err)
	}
	_, batch := newRun("p")
	if err := s.Apply(t.Context(), batch); component.CodeOf(err) != component.PermissionDenied || !strings.Contains(err.Error(), path) {
		t.Errorf("writing there: %v", err)
	}
}

// Names mean nothing to SQLite but the file.
func TestStrangeNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a b.db", "q?mode=memory", "h#ash", "p%20c", "amp&cache=shared", ":memory:", "ü.db", "quote'\"", "file:x.db"} {
		store, err := Open(t.Context(), filepath.Join(dir, name), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// Several open a new database at once: one makes it, the others wait.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tenon.db")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			store, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			_, batch := newRun("p")
			if err := store.Apply(t.Context(), batch); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	page, err := openAt(t, path).Runs(t.Context(), metadata.RunQuery{})
	if err != nil || len(page.Items) != 8 {
		t.Errorf("%d runs, want 8 (%v)", len(page.Items), err)
	}
}

func TestOpenWithEndedContext(t *testing.T) {
	t.Parallel()
	path, _ := closed(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []string{path, filepath.Join(t.TempDir(), "new.db")} {
		if _, err := Open(ctx, p, Options{}); !errors.Is(err, component.ErrCanceled) {
			t.Errorf("Open: %v, want an error with code canceled", err)
		}
		openAt(t, p)
	}
}
