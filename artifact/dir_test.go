package artifact_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// tree is what a directory holds: contents by path, "/" for a directory, with a "*" before what is executable.
type tree map[string]string

func (w tree) write(tb testing.TB, dir string) string {
	tb.Helper()
	for name, content := range w {
		path, executable := strings.CutPrefix(name, "*")
		path = filepath.Join(dir, filepath.FromSlash(path))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil && content == "/" {
			err = os.MkdirAll(path, 0o755)
		} else if err == nil {
			perm := fs.FileMode(0o640)
			if executable {
				perm = 0o750
			}
			err = os.WriteFile(path, []byte(content), perm)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func readTree(tb testing.TB, dir string) tree {
	tb.Helper()
	w := tree{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			w[name] = "/"
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			tb.Errorf("%s is %v", name, info.Mode())
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		if info.Mode()&0o100 != 0 {
			name = "*" + name
		}
		w[name] = string(content)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func TestDir(t *testing.T) {
	t.Parallel()
	w := tree{
		"config.json":          "{}",
		"empty":                "/",
		"weights":              "/",
		"weights/0.bin":        strings.Repeat("\x00\xff", 500_000),
		"weights/1.bin":        "",
		"weights-old.bin":      "sorted after what is in weights",
		"déjà vu.txt":          "x",
		"a":                    "/",
		"a/b":                  "/",
		"a/b/" + longName('c'): "a name that USTAR has no room for",
		"a\nb":                 "line",
		"a/.hidden":            "x",
		"*run.sh":              "#!/bin/sh\n",
		"a/b/" + longName('d'): "/",
		"a/b/" + longName('e'): "/",
		"a/b/" + longName('f'): "x",
		"a/b/trailing. .":      "x",
		"a/b/Name":             "x",
	}
	if runtime.GOOS == "windows" {
		delete(w, "*run.sh")
		delete(w, "a\nb")
		delete(w, "a/b/trailing. .")
	}
	s := newStore(t)
	rec := mustSave(s, artifact.Dir(w.write(t, t.TempDir())))
	if rec.Codec != "dir/1" || rec.Type != "dir" {
		t.Errorf("codec %s, type %s", rec.Codec, rec.Type)
	}
	got := mustLoad[artifact.Dir](s, rec)
	if diff := cmp.Diff(w, readTree(t, string(got))); diff != "" {
		t.Errorf("came back different (-want +got):\n%s", diff)
	}
	if again := mustSave(s, got); again.Digest != rec.Digest {
		t.Errorf("stored again it is %s, was %s", again.Digest, rec.Digest)
	}
}

func longName(c byte) string { return strings.Repeat(string(c), 200) }

// The digest is of names and contents alone, the same on every machine and in every version of Go.
func TestDirDigest(t *testing.T) {
	t.Parallel()
	w := tree{"a": "/", "a/x": "1", "a-b": "2", "b": "/", "ü": "3", longName('z'): "4"}
	want := artifact.Digest("sha256:07477b55badc98108ca3dacf3b083ef08da0186c7a732e375524577a68ffd9bb")
	s := newStore(t)
	for range 2 {
		dir := w.write(t, t.TempDir())
		if rec := mustSave(s, artifact.Dir(dir)); rec.Digest != want {
			t.Errorf("digest %s, want %s", rec.Digest, want)
		}
		// Without a time, an owner or a name of the top.
		if err := os.Chtimes(filepath.Join(dir, "a", "x"), testTime, testTime); err != nil {
			t.Fatal(err)
		}
		if rec := mustSave(s, artifact.Dir(dir+string(filepath.Separator))); rec.Digest != want {
			t.Errorf("with another time: digest %s, want %s", rec.Digest, want)
		}
	}
}

func TestDirIsATarArchive(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rec := mustSave(s, artifact.Dir(tree{"a": "/", "a/x.txt": "hello", "empty": "/"}.write(t, t.TempDir())))
	var got []string
	for r := tar.NewReader(bytes.NewReader(rec.Inline)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%c %s %o %d %s %d", h.Typeflag, h.Name, h.Mode, h.Size, h.Format, h.ModTime.Unix()))
	}
	if diff := cmp.Diff([]string{"5 a/ 755 0 USTAR 0", "0 a/x.txt 644 5 USTAR 0", "5 empty/ 755 0 USTAR 0"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDirDescription(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rec := mustSave(s, artifact.Dir(tree{"a/x.txt": "hello", "b\x1b[31m": "!", "empty": "/"}.write(t, t.TempDir())))
	if want := "2 files, 6 bytes\n           5  a/x.txt\n           1  b\\u001b[31m"; rec.Preview != want {
		t.Errorf("preview %q, want %q", rec.Preview, want)
	}
	if diff := cmp.Diff(map[string]any{"files": int64(2), "bytes": int64(6)}, rec.Meta); diff != "" {
		t.Error(diff)
	}
	many := tree{}
	for i := range 100 {
		many[fmt.Sprintf("%03d%s", i, strings.Repeat("n", 20))] = "x"
	}
	rec = mustSave(s, artifact.Dir(many.write(t, t.TempDir())))
	if !strings.HasSuffix(rec.Preview, "\n… 80 more") || len(rec.Preview) > artifact.PreviewLimit {
		t.Errorf("preview of %d bytes: %q", len(rec.Preview), rec.Preview)
	}
	for i := range 30 {
		many[fmt.Sprintf("%03d%s", i, strings.Repeat("n", 240))] = "x"
	}
	if rec = mustSave(s, artifact.Dir(many.write(t, t.TempDir()))); len(rec.Preview) > artifact.PreviewLimit {
		t.Errorf("preview of %d bytes", len(rec.Preview))
	}
	if rec = mustSave(s, artifact.Dir(t.TempDir())); rec.Preview != "0 files, 0 bytes" || len(rec.Inline) != 1024 {
		t.Errorf("empty: preview %q, %d bytes", rec.Preview, rec.Size)
	}
}

func TestDirErrors(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "model.bin"), "x")
	linked := func(to string) artifact.Dir {
		dir := tree{"a/x": "1", "b": "/"}.write(t, t.TempDir())
		if err := os.Symlink(to, filepath.Join(dir, "a", "latest")); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		return artifact.Dir(dir)
	}
	for name, test := range map[string]struct {
		dir  artifact.Dir
		code component.Code
		want string
	}{
		"zero":    {"", component.Invalid, "directory without a path: return the path of a directory, as artifact.Dir(path)"},
		"missing": {artifact.Dir(filepath.Join(dir, "none")), component.NotFound, "none"},
		"file":    {artifact.Dir(path), component.Invalid, "it is a file: use artifact.File"},
		"device":  {artifact.Dir(os.DevNull), component.Invalid, "it is a device and not a directory"},
		"link":    {linked(filepath.Join("..", "b")), component.Invalid, `"a/latest" is a symbolic link to a directory: only links to files can be stored`},
		"cycle":   {linked("latest"), component.Unknown, `"a/latest" is a symbolic link: `},
		"broken":  {linked("none"), component.NotFound, `"a/latest" is a symbolic link: no such file`},
		"outside": {linked(os.DevNull), component.Invalid, `"a/latest" is a symbolic link to a device`},
	} {
		if _, err := save(s, test.dir); err == nil || component.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v (%v), want %v with %q", name, err, component.CodeOf(err), test.code, test.want)
		}
	}
	if runtime.GOOS == "linux" {
		bad := t.TempDir()
		writeFile(t, filepath.Join(bad, "caf\xe9"), "x")
		if _, err := save(s, artifact.Dir(bad)); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), `caf\xe9`) {
			t.Errorf("got %v, want Invalid naming the file", err)
		}
	}
	s.empty()
}

// Links to files are stored as what they point to, wherever that is. The top may be any link.
func TestDirLinks(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dir := tree{"blobs/1": "weights", "model": "/"}.write(t, t.TempDir())
	outside := writeFile(t, filepath.Join(t.TempDir(), "config.json"), "{}")
	top := filepath.Join(t.TempDir(), "top")
	for link, to := range map[string]string{
		filepath.Join(dir, "model", "weights.bin"): filepath.Join("..", "blobs", "1"),
		filepath.Join(dir, "config.json"):          outside,
		top:                                        dir,
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	got := mustLoad[artifact.Dir](s, mustSave(s, artifact.Dir(top)))
	want := tree{"blobs": "/", "blobs/1": "weights", "model": "/", "model/weights.bin": "weights", "config.json": "{}"}
	if diff := cmp.Diff(want, readTree(t, string(got))); diff != "" {
		t.Error(diff)
	}
}

// Any tree comes back as it went.
func TestDirProperty(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	part := rapid.StringMatching(`[a-c][-. a-c]{0,3}[a-c]|[a-c]`)
	rapid.Check(t, func(rt *rapid.T) {
		w := tree{}
		for _, parts := range rapid.SliceOfN(rapid.SliceOfN(part, 1, 4), 0, 8).Draw(rt, "names") {
			for i := range parts[1:] {
				w[strings.Join(parts[:i+1], "/")] = "/"
			}
			if name := strings.Join(parts, "/"); w[name] == "" {
				w[name] = rapid.OneOf(rapid.Just("/"), rapid.StringN(0, 600, -1)).Draw(rt, "content")
			}
		}
		rec := mustSave(s, artifact.Dir(w.write(t, t.TempDir())))
		if diff := cmp.Diff(w, readTree(t, string(mustLoad[artifact.Dir](s, rec)))); diff != "" {
			rt.Fatal(diff)
		}
	})
}
