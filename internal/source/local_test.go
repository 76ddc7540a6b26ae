package source

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
)

func sum(content string) string { return string(artifact.NewDigest(sha256.Sum256([]byte(content)))) }

func TestPinFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "in", "rows.csv")
	write(t, path, "a,b\n")
	p := newPinner(t)
	p.Dir = dir
	want := ref.Pin{URI: path, Digest: sum("a,b\n"), Size: 4}
	for _, uri := range []string{path, "in/rows.csv", "./in/../in/rows.csv", "file://" + path} {
		if got := pin(t, p, uri); got != want {
			t.Errorf("%s: pinned %+v, want %+v", uri, got, want)
		}
	}
}

func TestPinFollowsLinkToFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "v1.csv"), "one")
	write(t, filepath.Join(dir, "v2.csv"), "two")
	link := filepath.Join(dir, "latest.csv")
	p := newPinner(t)
	for target, content := range map[string]string{"v1.csv": "one", "v2.csv": "two"} {
		os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if got := pin(t, p, link); got.Digest != sum(content) || got.URI != link {
			t.Errorf("link to %s: pinned %+v", target, got)
		}
	}
}

func TestUnchangedFileIsReadOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, "a,b")
	p := newPinner(t)
	pin(t, p, path)
	forge(t, p, "files")
	again := pin(t, p, path)
	if again.Digest != "sha256:"+forged {
		t.Errorf("the file was read again: pinned %s", again.Digest)
	}
	if _, err := newOpener(t, p).Path(t.Context(), again); err != nil {
		t.Errorf("the file was read again by Path: %v", err)
	}
	edit(t, path, "a,c")
	if got := pin(t, p, path); got.Digest != sum("a,c") {
		t.Errorf("an edited file is pinned as %s", got.Digest)
	}
}

func TestEditThatRestoresSizeAndTimeIsNoticed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, "1,2")
	p := newPinner(t)
	pin(t, p, path)
	was, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, path, "2,1")
	if err := os.Chtimes(path, was.ModTime(), was.ModTime()); err != nil {
		t.Fatal(err)
	}
	if got := pin(t, p, path); got.Digest != sum("2,1") {
		t.Errorf("pinned %s, want %s", got.Digest, sum("2,1"))
	}
}

func TestFileOfThisMomentIsNotRemembered(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, "1,2")
	p := newPinner(t)
	p.now = time.Now
	pin(t, p, path)
	if found, _ := filepath.Glob(filepath.Join(p.MemoDir, "files", "*")); len(found) > 0 {
		t.Errorf("remembered in %v", found)
	}
}

func TestPinWithoutMemo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, "a")
	p := newPinner(t)
	p.MemoDir = ""
	for _, content := range []string{"a", "b"} {
		write(t, path, content)
		if got := pin(t, p, path); got.Digest != sum(content) {
			t.Errorf("%q is pinned as %s", content, got.Digest)
		}
	}
}

func TestPinConcurrently(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "a")
	write(t, filepath.Join(dir, "b"), "b")
	p := newPinner(t)
	want := map[string]ref.Pin{}
	for _, uri := range []string{dir, filepath.Join(dir, "a"), filepath.Join(dir, "b")} {
		want[uri] = pin(t, p, uri)
	}
	var group sync.WaitGroup
	for range 8 {
		for uri, pin := range want {
			group.Go(func() {
				if got, err := p.Pin(t.Context(), ref.SourceSlot{URI: uri}); got != pin || err != nil {
					t.Errorf("%s: pinned %+v, %v; want %+v", uri, got, err, pin)
				}
			})
		}
	}
	group.Wait()
}

func TestPinBytes(t *testing.T) {
	t.Parallel()
	p := newPinner(t)
	got, err := p.Pin(t.Context(), ref.SourceSlot{URI: "bytes:rows.csv", Data: []byte("a,b")})
	if want := (ref.Pin{URI: "bytes:rows.csv", Digest: sum("a,b"), Size: 3, Stored: true}); got != want || err != nil {
		t.Errorf("pinned %+v, %v; want %+v", got, err, want)
	}
	if !stored(t, p, sum("a,b")) {
		t.Error("the content is not in the store")
	}
	if got, err = p.Pin(t.Context(), ref.SourceSlot{URI: "bytes:empty", Data: []byte{}}); got.Digest != sum("") || err != nil {
		t.Errorf("no bytes are pinned as %+v, %v", got, err)
	}
}

func TestPinErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rows.csv"), "a")
	p := newPinner(t)
	p.Dir = dir
	tests := []struct {
		uri  string
		code component.Code
		text string
	}{
		{"", component.Invalid, "no source is named: want a path"},
		{strings.Repeat("x", 1<<20), component.Invalid, "has a name of 1048576 bytes"},
		{strings.Repeat("x", 300), component.Invalid, "file name too long"},
		{"a\x00b", component.Invalid, `source "a\x00b" has a zero byte in its name`},
		{"none.csv", component.NotFound, "source none.csv: stat " + dir + "/none.csv: no such file or directory: name a file or directory that exists"},
		{"no\nne.csv", component.NotFound, `source "no\nne.csv": stat "` + dir + `/no\nne.csv": no such file or directory: name a file or directory that exists`},
		{"rows.csv/x", component.NotFound, "not a directory: name a file or directory that exists"},
		{"/dev/null", component.Invalid, "source /dev/null: read /dev/null: not a regular file"},
		{"bytes:rows.csv", component.FailedPrecondition, "source bytes:rows.csv has no content: it was read from text"},
		{"s3://bucket/rows.csv", component.Unsupported, "source s3://bucket/rows.csv: this build has no reader of s3: and gs: sources: copy the object to a file"},
		{"gs://bucket/rows.csv", component.Unsupported, "source gs://bucket/rows.csv: this build has no reader"},
		{"http://example.com/rows.csv", component.Invalid, "use https:"},
	}
	for _, test := range tests {
		_, err := p.Pin(t.Context(), ref.SourceSlot{URI: test.uri})
		check(t, err, test.code, test.text)
	}
}

func TestPinForbidden(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, closed := filepath.Join(dir, "rows.csv"), filepath.Join(dir, "closed")
	write(t, file, "a")
	write(t, filepath.Join(closed, "x"), "a")
	for _, path := range []string{file, closed} {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(closed, 0o700) })
	if _, err := os.ReadFile(file); err == nil {
		t.Skip("this user may read everything")
	}
	for _, path := range []string{file, closed} {
		_, err := newPinner(t).Pin(t.Context(), ref.SourceSlot{URI: path})
		check(t, err, component.PermissionDenied, "source "+path+": open "+path+": permission denied: let this program's user read it")
	}
}

func TestFileErrorOfPermission(t *testing.T) { // TestPinForbidden cannot show it to root
	t.Parallel()
	err := fileError(mustParse(t, "in"), &fs.PathError{Op: "open", Path: "/in/x", Err: fs.ErrPermission})
	check(t, err, component.PermissionDenied, "source in: open /in/x: permission denied: let this program's user read it")
	if !errors.Is(err, fs.ErrPermission) {
		t.Error("the cause is lost")
	}
}

// BenchmarkPinUnchanged pins a file of 64 MiB whose digest is remembered. It fails if the file is read.
func BenchmarkPinUnchanged(b *testing.B) {
	path := filepath.Join(b.TempDir(), "large")
	write(b, path, "")
	if err := os.Truncate(path, 64<<20); err != nil {
		b.Fatal(err)
	}
	p := newPinner(b)
	pin(b, p, path)
	forge(b, p, "files")
	for b.Loop() {
		if got := pin(b, p, path); got.Digest != "sha256:"+forged {
			b.Fatal("the file was read again")
		}
	}
}
