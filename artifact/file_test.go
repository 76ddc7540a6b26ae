package artifact_test

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty.txt":     "",
		"small.csv":     "a,b\n1,2\n",
		"large.csv":     strings.Repeat("penguin,3750\n", 100_000),
		"model.bin":     "\x00\x01\x02" + strings.Repeat("\xff", 10_000),
		"Übersicht.txt": "déjà vu",
	} {
		s := newStore(t)
		path := writeFile(t, filepath.Join(t.TempDir(), name), content)
		rec := mustSave(s, artifact.File(path))
		if want := artifact.NewDigest(sha256.Sum256([]byte(content))); rec.Digest != want || rec.Size != int64(len(content)) {
			t.Errorf("%s: recorded %s of %d bytes, want the file's own %s of %d", name, rec.Digest, rec.Size, want, len(content))
		}
		if rec.Codec != "file/1" || rec.Meta["name"] != name {
			t.Errorf("%s: codec %s, meta %v", name, rec.Codec, rec.Meta)
		}
		got := string(mustLoad[artifact.File](s, rec))
		if got == path || filepath.Base(got) != name || readFile(t, got) != content {
			t.Errorf("%s: came back as %s with %d bytes", name, got, len(readFile(t, got)))
		}
		// What was read can be handed on.
		if again := mustSave(s, artifact.File(got)); again.Digest != rec.Digest {
			t.Errorf("%s: stored again it is %s, was %s", name, again.Digest, rec.Digest)
		}
	}
}

func TestFilePreview(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, test := range map[string]struct{ content, want string }{
		"text":   {"hello\n", "hello\n"},
		"empty":  {"", ""},
		"binary": {"\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 5000), "5008 bytes, image/png"},
	} {
		if rec := mustSave(s, artifact.File(writeFile(t, filepath.Join(t.TempDir(), name), test.content))); rec.Preview != test.want {
			t.Errorf("%s: preview %q, want %q", name, rec.Preview, test.want)
		}
	}
	long := mustSave(s, artifact.File(writeFile(t, filepath.Join(t.TempDir(), "long"), strings.Repeat("0123456789", 10_000))))
	if len(long.Preview) > artifact.PreviewLimit || !strings.HasPrefix(long.Preview, "0123456789") || !strings.HasSuffix(long.Preview, "…") {
		t.Errorf("preview of a long text has %d bytes: %q", len(long.Preview), long.Preview)
	}
}

func TestFileFollowsALink(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "data-2024.csv"), "a,b\n")
	link := filepath.Join(dir, "latest.csv")
	if err := os.Symlink("data-2024.csv", link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if rec := mustSave(s, artifact.File(link)); string(rec.Inline) != "a,b\n" || rec.Meta["name"] != "latest.csv" {
		t.Errorf("stored %q as %v", rec.Inline, rec.Meta["name"])
	}
}

func TestFileErrors(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	dir := t.TempDir()
	for name, test := range map[string]struct {
		file artifact.File
		code component.Code
		want string
	}{
		"zero":      {"", component.Invalid, "file without a path: return the path of a file, as artifact.File(path)"},
		"missing":   {artifact.File(filepath.Join(dir, "nil.csv")), component.NotFound, "nil.csv"},
		"directory": {artifact.File(dir), component.Invalid, "it is a directory: use artifact.Dir"},
		"device":    {artifact.File(os.DevNull), component.Invalid, "it is a device and not a regular file"},
		"nul":       {artifact.File(filepath.Join(dir, "a\x00b")), component.Unknown, `a\x00b`},
	} {
		_, err := save(s, test.file)
		if err == nil || component.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v (%v), want %v with %q", name, err, component.CodeOf(err), test.code, test.want)
		}
		if n := strings.Count(err.Error(), filepath.Base(string(test.file))); test.code == component.NotFound && n != 1 {
			t.Errorf("%s: %q names the path %d times", name, err, n)
		}
	}
	s.empty()
}

func TestFileOfHostileName(t *testing.T) {
	t.Parallel()
	for _, name := range []any{"../../etc/passwd", "/etc/passwd", `..\..\boot.ini`, "..", ".", "", nil, 7, "a\x00b", "CON", "nul.txt", "com1",
		"\n", "C:evil", strings.Repeat("x", 5000), strings.Repeat("é", 300) + ".csv", "\xff\xfe", "trailing. . ."} {
		s := newStore(t)
		content := strings.Repeat("x", 5000)
		rec := s.foreign("file/1", []byte(content), map[string]any{"name": name})
		parent := t.TempDir()
		v, err := loadIn(s, rec, parent)
		if err != nil {
			t.Errorf("%.40q: %v", name, err)
			continue
		}
		rel, err := filepath.Rel(parent, string(v))
		if err != nil || !filepath.IsLocal(rel) || strings.Count(rel, string(filepath.Separator)) != 1 || readFile(t, string(v)) != content {
			t.Errorf("%.40q: became %q", name, rel)
		}
	}
}

func TestFileCorrupt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rec := s.foreign("file/1", []byte(strings.Repeat("x", 5000)), map[string]any{"name": "a.csv"})
	rec.Digest = artifact.NewDigest(sha256.Sum256([]byte("other")))
	rec.Inline = []byte("not other")
	parent := t.TempDir()
	if _, err := loadIn(s, rec, parent); !errors.Is(err, component.ErrCorrupt) {
		t.Errorf("got %v, want Corrupt", err)
	}
	var files []string
	_ = filepath.WalkDir(parent, func(path string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	if len(files) > 0 {
		t.Errorf("left %v", files)
	}
}
