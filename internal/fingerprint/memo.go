package fingerprint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// settle is how long a file must have been unchanged before it was hashed to be remembered: within a tick of the file system's
// clock it could change again and look the same.
const settle = 2 * time.Second

// memo remembers digests of files by their identity, across processes. A memo that cannot be read or written only costs time.
type memo struct {
	path  string // "" remembers nothing
	known map[string]remembered
	fresh map[string]remembered // seen by this process
	dirty bool
}

type remembered struct {
	Size   int64  `json:"size"`
	ID     string `json:"id"` // times and inode
	Digest string `json:"digest"`
}

func newMemo(dir string) *memo {
	m := &memo{fresh: map[string]remembered{}}
	if dir != "" {
		m.path = filepath.Join(dir, "code.json")
	}
	return m
}

func (m *memo) load() {
	if m.known != nil {
		return
	}
	m.known = map[string]remembered{}
	if m.path == "" {
		return
	}
	data, err := os.ReadFile(m.path)
	if err != nil || json.Unmarshal(data, &m.known) != nil {
		m.known = map[string]remembered{}
	}
}

// save writes what this process saw beside what others remembered, atomically.
func (m *memo) save() {
	if m.path == "" || !m.dirty {
		return
	}
	const limit = 20_000 // entries; beyond it only what was seen now is kept
	if len(m.known) > limit {
		m.known = map[string]remembered{}
	}
	for path, r := range m.fresh {
		m.known[path] = r
	}
	data, err := json.Marshal(m.known)
	if err != nil || os.MkdirAll(filepath.Dir(m.path), 0o700) != nil {
		return
	}
	temp, err := os.CreateTemp(filepath.Dir(m.path), "code-*")
	if err != nil {
		return
	}
	_, err = temp.Write(data)
	if closeErr := temp.Close(); err != nil || closeErr != nil || os.Rename(temp.Name(), m.path) != nil {
		os.Remove(temp.Name())
		return
	}
	m.dirty = false
}

// file returns the digest of a file, and what was known of it when it was hashed.
func (m *memo) file(ctx context.Context, path string) (string, fs.FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return "", nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, err
	}
	m.load()
	now := remembered{Size: info.Size(), ID: identity(info)}
	if r, ok := m.known[path]; ok && r.Size == now.Size && r.ID == now.ID {
		m.fresh[path] = r
		return r.Digest, info, nil
	}
	began := time.Now()
	if now.Digest, err = hashFile(path); err != nil {
		return "", nil, err
	}
	if began.Sub(changed(info)) > settle {
		m.fresh[path], m.dirty = now, true
	}
	return now.Digest, info, nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
