package filememo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// later is a clock by which every file has settled.
func later() time.Time { return time.Now().Add(time.Hour) }

func open(path string) *Memo {
	m := New(path)
	m.Now = later
	return m
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func digest(t *testing.T, m *Memo, path string) string {
	t.Helper()
	d, _, err := m.Digest(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func sum(content string) string {
	s := sha256.Sum256([]byte(content))
	return hex.EncodeToString(s[:])
}

// forge makes the saved memo claim another digest, which shows whether a later call believes it or reads the file.
func forge(t *testing.T, memo string) string {
	t.Helper()
	data, err := os.ReadFile(memo)
	if err != nil {
		t.Fatal(err)
	}
	var known map[string]entry
	if err := json.Unmarshal(data, &known); err != nil {
		t.Fatal(err)
	}
	forged := sum("forged")
	for path, e := range known {
		known[path] = entry{e.ID, forged}
	}
	if data, err = json.Marshal(known); err != nil {
		t.Fatal(err)
	}
	write(t, memo, string(data))
	return forged
}

func TestUnchangedFileIsNotReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, memo := filepath.Join(dir, "rows.csv"), filepath.Join(dir, "memo", "rows.json")
	write(t, path, "a,b\n")
	first := open(memo)
	if got := digest(t, first, path); got != sum("a,b\n") {
		t.Fatalf("digest %s, want %s", got, sum("a,b\n"))
	}
	first.Save()
	forged := forge(t, memo)
	if got := digest(t, first, path); got != sum("a,b\n") {
		t.Errorf("the same memo says %s", got)
	}
	if got := digest(t, open(memo), path); got != forged {
		t.Errorf("the file was read again: digest %s, remembered %s", got, forged)
	}
}

func TestEditIsNoticed(t *testing.T) {
	t.Parallel()
	restore := func(path string, was fs.FileInfo) error { return os.Chtimes(path, was.ModTime(), was.ModTime()) }
	edits := map[string]func(path string, was fs.FileInfo) error{
		"size": func(path string, _ fs.FileInfo) error { return os.WriteFile(path, []byte("longer"), 0o600) },
		"same size, time restored": func(path string, was fs.FileInfo) error {
			return errors.Join(os.WriteFile(path, []byte("new"), 0o600), restore(path, was))
		},
		"replaced, time restored": func(path string, was fs.FileInfo) error {
			return errors.Join(os.WriteFile(path+".new", []byte("new"), 0o600), restore(path+".new", was), os.Rename(path+".new", path))
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			write(t, path, "old")
			m := open("")
			digest(t, m, path)
			was, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			waitTick(t, path, was)
			if err := edit(path, was); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := digest(t, m, path); got != sum(string(content)) {
				t.Errorf("digest %s is not that of %q", got, content)
			}
		})
	}
}

// waitTick returns when the file system's clock has moved on since a file was written, as the settle rule guarantees outside tests.
func waitTick(t *testing.T, path string, was fs.FileInfo) {
	t.Helper()
	probe := path + ".probe"
	for {
		write(t, probe, "")
		info, err := os.Stat(probe)
		if err != nil {
			t.Fatal(err)
		}
		if Changed(info).After(Changed(was)) {
			return
		}
	}
}

func TestFreshFileIsNotRemembered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, memo := filepath.Join(dir, "f"), filepath.Join(dir, "memo.json")
	write(t, path, "just written")
	m := New(memo)
	digest(t, m, path)
	m.Save()
	if _, err := os.Stat(memo); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of this moment was remembered: %v", err)
	}
}

func TestDamagedMemoIsIgnored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, memo := filepath.Join(dir, "f"), filepath.Join(dir, "memo.json")
	write(t, path, "x")
	for _, damaged := range []string{"", "{", "[1]", "null", `{"a":7}`, "\x00\x00"} {
		write(t, memo, damaged)
		m := open(memo)
		if got := digest(t, m, path); got != sum("x") {
			t.Errorf("memo %q: digest %s", damaged, got)
		}
		m.Save()
		forged := forge(t, memo)
		if got := digest(t, open(memo), path); got != forged {
			t.Errorf("memo %q was not replaced", damaged)
		}
	}
}

func TestSaveKeepsWhatOthersRemembered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	memo := filepath.Join(dir, "memo.json")
	for i := range 2 {
		path := filepath.Join(dir, strconv.Itoa(i))
		write(t, path, path)
		m := open(memo)
		digest(t, m, path)
		m.Save()
	}
	forged := forge(t, memo)
	for i := range 2 {
		if got := digest(t, open(memo), filepath.Join(dir, strconv.Itoa(i))); got != forged {
			t.Errorf("file %d was forgotten", i)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := open("")
	if _, _, err := m.Digest(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, _, err := m.Digest(t.Context(), dir); err == nil {
		t.Error("a directory has a digest")
	}
	path := filepath.Join(dir, "f")
	write(t, path, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := m.Digest(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

// meddler is a context that changes something whenever it is asked whether it ended, which happens while a file is read.
type meddler struct {
	context.Context
	meddle func()
}

func (m meddler) Err() error {
	m.meddle()
	return m.Context.Err()
}

func TestFileThatChangesWhileItIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "")
	grow := func() {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
	}
	m := open("")
	_, _, err := m.Digest(meddler{t.Context(), grow}, path)
	if !errors.Is(err, ErrChanging) {
		t.Errorf("a growing file: %v", err)
	}
	got, _, err := m.Digest(meddler{t.Context(), sync.OnceFunc(grow)}, path)
	content, readErr := os.ReadFile(path)
	if err != nil || readErr != nil || got != sum(string(content)) {
		t.Errorf("a file that stopped growing: digest %s, error %v", got, errors.Join(err, readErr))
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	memo := filepath.Join(dir, "memo.json")
	path := filepath.Join(dir, "f")
	write(t, path, "x")
	m := open(memo)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got, _, err := m.Digest(t.Context(), path); err != nil || got != sum("x") {
				t.Errorf("digest %s, error %v", got, err)
			}
			m.Save()
		})
	}
	group.Wait()
}
