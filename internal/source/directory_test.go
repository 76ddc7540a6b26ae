package source

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/source/location"
)

func mustParse(t *testing.T, uri string) location.Location {
	t.Helper()
	l, err := location.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// tree makes the same small directory each time.
func tree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "images")
	write(t, filepath.Join(dir, "a.png"), "a")
	write(t, filepath.Join(dir, "cats", "1.png"), "one")
	write(t, filepath.Join(dir, "cats", "2.png"), "two")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDirectoryDigestIsThatOfItsContent(t *testing.T) {
	t.Parallel()
	p := newPinner(t)
	first, second := tree(t), tree(t)
	one, two := pin(t, p, first), pin(t, p, second)
	// The golden digest holds the manifest's form: another would make every recorded directory look changed.
	want := ref.Pin{URI: first, Digest: "sha256:703a95c0145e3a92f0129e36ecae566627a21c826f891f164f873f70b298ddac", Size: 7, Dir: true}
	if one != want {
		t.Errorf("pinned %+v, want %+v", one, want)
	}
	if two.Digest != one.Digest {
		t.Errorf("the same content elsewhere is pinned as %s", two.Digest)
	}
}

func TestDirectoryEditsAreNoticed(t *testing.T) {
	t.Parallel()
	edits := map[string]func(dir string) error{
		"add":              func(dir string) error { return os.WriteFile(filepath.Join(dir, "cats", "3.png"), nil, 0o600) },
		"add hidden":       func(dir string) error { return os.WriteFile(filepath.Join(dir, ".x"), nil, 0o600) },
		"add directory":    func(dir string) error { return os.Mkdir(filepath.Join(dir, "dogs"), 0o700) },
		"rename":           func(dir string) error { return os.Rename(filepath.Join(dir, "a.png"), filepath.Join(dir, "b.png")) },
		"rename directory": func(dir string) error { return os.Rename(filepath.Join(dir, "cats"), filepath.Join(dir, "dogs")) },
		"move": func(dir string) error {
			return os.Rename(filepath.Join(dir, "a.png"), filepath.Join(dir, "empty", "a.png"))
		},
		"swap": func(dir string) error {
			one, two, temp := filepath.Join(dir, "cats", "1.png"), filepath.Join(dir, "cats", "2.png"), filepath.Join(dir, "temp")
			return errors.Join(os.Rename(one, temp), os.Rename(two, one), os.Rename(temp, two))
		},
		"remove":           func(dir string) error { return os.Remove(filepath.Join(dir, "cats", "2.png")) },
		"remove directory": func(dir string) error { return os.Remove(filepath.Join(dir, "empty")) },
		"change":           func(dir string) error { return os.WriteFile(filepath.Join(dir, "cats", "1.png"), []byte("1"), 0o600) },
		"file to directory": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "a.png")), os.Mkdir(filepath.Join(dir, "a.png"), 0o700))
		},
	}
	for name, change := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, p := tree(t), newPinner(t)
			before := pin(t, p, dir)
			if again := pin(t, p, dir); again != before {
				t.Fatalf("pinned %+v, then %+v", before, again)
			}
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			if after := pin(t, p, dir); after.Digest == before.Digest {
				t.Error("the edit is not noticed")
			}
			_, err := newOpener(t, p).Path(t.Context(), before)
			check(t, err, component.Corrupt, "source "+dir+" changed since the run was submitted: submit the run again: content ")
		})
	}
}

func TestUnchangedFilesOfDirectoryAreReadOnce(t *testing.T) {
	t.Parallel()
	dir, p := tree(t), newPinner(t)
	read := pin(t, p, dir)
	forge(t, p, "files")
	remembered := pin(t, p, dir)
	if remembered.Digest == read.Digest {
		t.Error("the files were read again")
	}
	edit(t, filepath.Join(dir, "a.png"), "b")
	mixed := pin(t, p, dir)
	forge(t, p, "files")
	if again := pin(t, p, dir); mixed.Digest == remembered.Digest || again.Digest != remembered.Digest {
		t.Error("an edit of one file made others be read, or was missed")
	}
}

func TestDirectoryLinks(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "shared.png")
	write(t, outside, "x")
	dir, p := tree(t), newPinner(t)
	plain := filepath.Join(dir, "linked.png")
	write(t, plain, "x")
	want := pin(t, p, dir)
	os.Remove(plain)
	if err := os.Symlink(outside, plain); err != nil {
		t.Fatal(err)
	}
	if got := pin(t, p, dir); got != want {
		t.Errorf("with a link to a file: pinned %+v; with a copy: %+v", got, want)
	}
	edit(t, outside, "y")
	if got := pin(t, p, dir); got.Digest == want.Digest {
		t.Error("an edit behind a link is not noticed")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if got := pin(t, p, link); !got.Dir || got.URI != link {
		t.Errorf("a link as the source itself is pinned as %+v", got)
	}
}

// Two directories have one digest exactly if they hold the same files with the same content.
func TestDirectoryDigestTellsContentsApart(t *testing.T) {
	t.Parallel()
	p := newPinner(t)
	p.MemoDir = ""
	parent, n := t.TempDir(), 0
	files := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "a b", "a\" 1 b", "c/a", "c/b", "c/d/a", "cd/a"}), rapid.SampledFrom([]string{"", "x", "y", "xy"}), 0, 5)
	rapid.Check(t, func(r *rapid.T) {
		var pins [2]ref.Pin
		var trees [2]map[string]string
		for i := range trees {
			if trees[i] = trees[0]; i == 0 || rapid.Bool().Draw(r, "other") {
				trees[i] = files.Draw(r, "files")
			}
			n++
			dir := filepath.Join(parent, strconv.Itoa(n))
			if err := os.Mkdir(dir, 0o700); err != nil {
				r.Fatal(err)
			}
			for name, content := range trees[i] {
				write(t, filepath.Join(dir, name), content)
			}
			pins[i] = pin(t, p, dir)
		}
		if same := maps.Equal(trees[0], trees[1]); same != (pins[0].Digest == pins[1].Digest) {
			r.Errorf("the digests are %s and %s", pins[0].Digest, pins[1].Digest)
		}
	})
}

// meddler is a context that changes something whenever it is asked whether it ended, which happens while a source is read.
type meddler struct {
	context.Context
	meddle func()
}

func (m meddler) Err() error {
	m.meddle()
	return m.Context.Err()
}

func TestDirectoryThatChangesWhileItIsRead(t *testing.T) {
	t.Parallel()
	dir, p := tree(t), newPinner(t)
	n := 0
	ctx := meddler{t.Context(), func() {
		n++
		write(t, filepath.Join(dir, "new", strconv.Itoa(n)), "x")
	}}
	_, err := p.Pin(ctx, ref.SourceSlot{URI: dir})
	check(t, err, component.FailedPrecondition, "it changes while it is read: submit the run when it is complete, or name a copy")

	once := meddler{t.Context(), sync.OnceFunc(func() { write(t, filepath.Join(dir, "late"), "x") })}
	got, err := p.Pin(once, ref.SourceSlot{URI: dir})
	if err != nil || got != pin(t, p, dir) {
		t.Errorf("a directory that stopped changing is pinned as %+v, %v", got, err)
	}
}

func TestDirectoryWhenContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newPinner(t).Pin(ctx, ref.SourceSlot{URI: tree(t)})
	check(t, err, component.Canceled, "context canceled")
}

func TestDirectoryErrors(t *testing.T) {
	t.Parallel()
	add := map[string]struct {
		make func(path string) error
		code component.Code
		text string
	}{
		"loop":     {func(path string) error { return os.Symlink(".", path) }, component.Invalid, "it is a link to a directory, which is not followed within a source"},
		"dangling": {func(path string) error { return os.Symlink("none", path) }, component.NotFound, "no such file or directory"},
		"socket": {func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			return l.Close()
		}, component.Invalid, "it is neither a file nor a directory: remove it from the source"},
	}
	for name, test := range add {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "d")
			write(t, filepath.Join(dir, "x"), "x")
			if err := test.make(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			_, err := newPinner(t).Pin(t.Context(), ref.SourceSlot{URI: dir})
			check(t, err, test.code, test.text)
			check(t, err, test.code, "source "+dir+": ")
			check(t, err, test.code, filepath.Join(dir, name))
		})
	}
}
