package local_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/flock"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/artifacttest"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a store whose directory the test knows.
type disk struct {
	artifact.Store
	dir string
}

func openDisk(t *testing.T, dir string) artifact.Store {
	t.Helper()
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return disk{store, dir}
}

func file(store artifact.Store, digest artifact.Digest) string {
	return filepath.Join(store.(disk).dir, "sha256", digest.Hex()[:2], digest.Hex()[2:])
}

func temporaries(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "tmp"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "lock" {
			files = append(files, path)
		}
		return nil // what another Put just removed
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rewrite changes stored content behind the store's back.
func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		err = os.Chmod(path, 0o644)
	}
	if err == nil {
		err = os.WriteFile(path, change(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	artifacttest.Run(t, artifacttest.Harness{
		Open: func(t *testing.T) artifact.Store { return openDisk(t, t.TempDir()) },
		Reopen: func(t *testing.T, store artifact.Store) artifact.Store {
			return openDisk(t, store.(disk).dir)
		},
		Truncate: func(t *testing.T, store artifact.Store, digest artifact.Digest) {
			rewrite(t, file(store, digest), func(b []byte) []byte { return b[:len(b)/2] })
		},
		Flip: func(t *testing.T, store artifact.Store, digest artifact.Digest) {
			rewrite(t, file(store, digest), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		Remove: func(t *testing.T, store artifact.Store, digest artifact.Digest) {
			if err := os.Remove(file(store, digest)); err != nil {
				t.Fatal(err)
			}
		},
		Temporaries: func(t *testing.T, store artifact.Store) int {
			return len(temporaries(t, store.(disk).dir))
		},
	})
}

func put(t *testing.T, store artifact.Store, content string) artifact.Info {
	t.Helper()
	info, err := store.Put(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestLayout(t *testing.T) {
	t.Parallel()
	store := openDisk(t, t.TempDir())
	dir := store.(disk).dir
	put(t, store, "hello\n")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if runtime.GOOS != "windows" && entry.Type().IsRegular() && info.Mode() != 0o444 {
			t.Errorf("%s has mode %v, want read-only", path, info.Mode())
		}
		name, _ := filepath.Rel(dir, path)
		got = append(got, filepath.ToSlash(name))
		return err
	})
	want := []string{"sha256", "sha256/58", "sha256/58/91b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", "tmp"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the directory has %q (%v), want %q", got, err, want)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	leave := func(session string, names ...string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, "tmp", session), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, "tmp", session, name), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	leave("dead", "lock", "1", "2")
	leave("unlocked-empty")
	leave("alive", "lock", "3")
	lock := flock.New(filepath.Join(dir, "tmp", "alive", "lock"))
	if locked, err := lock.TryLock(); err != nil || !locked {
		t.Fatal(locked, err)
	}
	defer lock.Close()

	store := openDisk(t, dir)
	defer store.Close()
	entries, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "alive" {
		t.Errorf("left are %v (%v), want alive", entries, err)
	}
	if got := temporaries(t, dir); len(got) != 1 {
		t.Errorf("left are %q, want the file of the live session", got)
	}
}

// Opening a store while another one is putting must not take away its temporary file.
func TestOpenWhilePutting(t *testing.T) {
	t.Parallel()
	store := openDisk(t, t.TempDir())
	defer store.Close()
	content := bytes.Repeat([]byte("x"), 1<<20)
	opened := false
	r := readerFunc(func(p []byte) (int, error) {
		if len(temporaries(t, store.(disk).dir)) == 1 && !opened {
			opened = true
			if err := openDisk(t, store.(disk).dir).Close(); err != nil {
				t.Error(err)
			}
		}
		n := copy(p, content)
		content = content[n:]
		if n == 0 {
			return 0, os.ErrClosed
		}
		return n, nil
	})
	if _, err := store.Put(t.Context(), r); !strings.Contains(err.Error(), os.ErrClosed.Error()) || !opened {
		t.Errorf("got %v (opened: %v), want the reader's error", err, opened)
	}
	if got := temporaries(t, store.(disk).dir); len(got) != 0 {
		t.Errorf("left are %q", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	store := openDisk(t, t.TempDir())
	defer store.Close()
	info := put(t, store, "content")
	folder := filepath.Dir(file(store, info.Digest))
	for _, path := range []string{
		filepath.Join(folder, "README"), filepath.Join(folder, strings.Repeat("A", 62)),
		filepath.Join(folder, "..", "0"), filepath.Join(folder, "..", "zz"), filepath.Join(folder, "..", "..", ".DS_Store"),
	} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	directory := filepath.Join(folder, strings.Repeat("0", 62))
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	infos, err := store.List(t.Context(), "", 10)
	if err != nil || len(infos) != 1 || infos[0].Digest != info.Digest {
		t.Errorf("List gave %v and %v, want one content", infos, err)
	}
	_, err = store.Open(t.Context(), artifact.Digest("sha256:"+filepath.Base(folder)+strings.Repeat("0", 62)))
	if component.CodeOf(err) != component.Corrupt || !strings.Contains(err.Error(), directory) {
		t.Errorf("Open of a directory gave %v, want Corrupt with its path", err)
	}
}

func TestFlavor(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	env := component.Env{Home: home}
	absolute := t.TempDir()
	for path, want := range map[string]string{
		"artifacts": filepath.Join(home, "artifacts"),
		"a/b/c":     filepath.Join(home, "a", "b", "c"),
		absolute:    absolute,
	} {
		config := local.Flavor.Config().(*local.Config)
		if config.Path != "artifacts" {
			t.Errorf("the default is %q", config.Path)
		}
		config.Path = path
		if err := local.Flavor.Validate(config); err != nil {
			t.Fatal(err)
		}
		store, err := component.Open(t.Context(), local.Flavor, artifact.Kind, config, env)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		info := put(t, store, "content")
		if _, err := os.Stat(file(disk{store, want}, info.Digest)); err != nil {
			t.Errorf("path %q: %v", path, err)
		}
	}
	_, err := component.Open(t.Context(), local.Flavor, artifact.Kind, local.Flavor.Config(), component.Env{})
	if component.CodeOf(err) != component.Invalid {
		t.Errorf("without a state directory: %v, want Invalid", err)
	}
}

func TestConfigInvalid(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "~", "~/artifacts", "a\x00b"} {
		err := local.Flavor.Validate(&local.Config{Path: path})
		if component.CodeOf(err) != component.Invalid || !strings.Contains(err.Error(), "path: ") {
			t.Errorf("path %q: %v, want Invalid with the name of the field", path, err)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	store := openDisk(t, t.TempDir())
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := store.Put(context.Background(), strings.NewReader("x")); component.CodeOf(err) != component.FailedPrecondition {
		t.Errorf("Put after Close: %v", err)
	}
}
