// Package filememo remembers the digests of local files, so that an unchanged file is read once.
//
// A file is unchanged if its identity is: path, size, times of modification and of change, inode and device. No program can set the
// time of change, so an edit that restores size and time of modification is noticed too.
package filememo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// settle is how long a file must have been unchanged before it was read to be remembered: within a tick of the file system's
	// clock it could change again and look the same.
	settle = 2 * time.Second
	// attempts is how often a file is read that changes meanwhile.
	attempts = 3
	// keep is how many files that were not seen now stay remembered.
	keep = 20_000
	// limit is how many files one Memo remembers.
	limit = 100_000
)

// ErrChanging is the error of a file that changed each time while it was read.
var ErrChanging = errors.New("it changes while it is read")

// Memo remembers digests, also across processes. A memo that cannot be read or written costs time, and is no error. Safe for
// concurrent use.
type Memo struct {
	// Now tells the time. Nil is time.Now.
	Now func() time.Time

	path string

	mu    sync.Mutex
	known map[string]entry // of earlier processes; nil until it is needed
	fresh map[string]entry // seen by this one
	dirty bool
}

type entry struct {
	ID     string `json:"id"` // see Identity
	Digest string `json:"digest"`
}

// New returns a memo that is kept in the file with the given path. An empty path remembers for the life of the memo. Nothing is read
// before the first [Memo.Digest].
func New(path string) *Memo { return &Memo{path: path, fresh: map[string]entry{}} }

// Digest returns the SHA-256 of a file in hexadecimal, and what was known of the file when it had that content. Symbolic links are followed.
// The error is of package os, of ctx, or [ErrChanging].
func (m *Memo) Digest(ctx context.Context, path string) (string, fs.FileInfo, error) {
	for range attempts {
		info, err := os.Stat(path)
		if err != nil {
			return "", nil, err
		}
		if !info.Mode().IsRegular() { // opening a named pipe would wait for its writer
			return "", nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
		}
		if digest, ok := m.recall(path, info); ok {
			return digest, info, nil
		}
		began := m.now()
		digest, info, err := hashFile(ctx, path)
		if errors.Is(err, ErrChanging) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		if began.Sub(Changed(info)) > settle {
			m.remember(path, info, digest)
		}
		return digest, info, nil
	}
	return "", nil, &fs.PathError{Op: "read", Path: path, Err: ErrChanging}
}

func (m *Memo) recall(path string, info fs.FileInfo) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	e, ok := m.fresh[path]
	if !ok {
		e, ok = m.known[path]
	}
	if !ok || e.ID != Identity(info) {
		return "", false
	}
	m.put(path, e)
	return e.Digest, true
}

func (m *Memo) remember(path string, info fs.FileInfo, digest string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(path, entry{Identity(info), digest})
	m.dirty = true
}

func (m *Memo) put(path string, e entry) {
	if len(m.fresh) < limit {
		m.fresh[path] = e
	}
}

func (m *Memo) load() {
	if m.known != nil {
		return
	}
	m.known = map[string]entry{}
	if m.path == "" {
		return
	}
	data, err := os.ReadFile(m.path)
	if err != nil || json.Unmarshal(data, &m.known) != nil || m.known == nil {
		m.known = map[string]entry{}
	}
}

// Save writes what this memo saw beside what others remembered, atomically. It does nothing if there is nothing new.
func (m *Memo) Save() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.path == "" || !m.dirty {
		return
	}
	if len(m.known) > keep {
		m.known = map[string]entry{}
	}
	for path, e := range m.fresh {
		m.known[path] = e
	}
	data, err := json.Marshal(m.known)
	if err == nil && WriteFile(m.path, data) == nil {
		m.dirty = false
	}
}

// WriteFile replaces a file atomically, and makes its directory. After a power cut the file may be empty: it is for what can be computed again.
func WriteFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "memo-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		os.Remove(temp.Name())
	}
	return err
}

func (m *Memo) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

// hashFile returns the digest of a file that did not change while it was read.
func hashFile(ctx context.Context, path string) (string, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return "", nil, err
	}
	h := sha256.New()
	content := io.LimitReader(reader{ctx, f}, before.Size()+1) // a file may grow for ever
	n, err := io.CopyBuffer(struct{ io.Writer }{h}, content, make([]byte, 256<<10))
	if err != nil {
		return "", nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return "", nil, err
	}
	if n != before.Size() || Identity(before) != Identity(after) {
		return "", nil, ErrChanging
	}
	return hex.EncodeToString(h.Sum(nil)), after, nil
}

// reader stops when ctx ends.
type reader struct {
	ctx context.Context //nolint:containedctx // of one call of hashFile
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	return r.r.Read(p)
}
