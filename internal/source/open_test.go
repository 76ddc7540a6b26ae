package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
)

func readPin(t *testing.T, o *Opener, p ref.Pin) (string, error) {
	t.Helper()
	r, err := o.Open(t.Context(), p)
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

func TestOpenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, "a,b")
	p := newPinner(t)
	pinned, o := pin(t, p, path), newOpener(t, p)
	if got, err := readPin(t, o, pinned); got != "a,b" || err != nil {
		t.Errorf("Open reads %q, %v", got, err)
	}
	if got, err := o.Path(t.Context(), pinned); got != path || err != nil {
		t.Errorf("Path is %s, %v", got, err)
	}
}

func TestFileThatChangedSinceSubmit(t *testing.T) {
	t.Parallel()
	changed := func(path string) string {
		return "source " + path + " changed since the run was submitted: submit the run again: "
	}
	replace := func(content string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	tests := map[string]struct {
		change func(path string) error
		code   component.Code
		text   func(path string) string
	}{
		"content": {replace("a,c"), component.Corrupt, changed},
		"longer":  {replace("a,b,c"), component.Corrupt, changed},
		"shorter": {replace("a"), component.Corrupt, changed},
		"removed": {os.Remove, component.NotFound, func(path string) string { return "source " + path + ": stat " + path + ": no such file" }},
		"directory": {func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "x"), []byte("a,b"), 0o600))
		}, component.Corrupt, changed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "rows.csv")
			write(t, path, "a,b")
			p := newPinner(t)
			pinned, o := pin(t, p, path), newOpener(t, p)
			tick(t, path)
			if err := test.change(path); err != nil {
				t.Fatal(err)
			}
			got, err := readPin(t, o, pinned)
			check(t, err, test.code, test.text(path))
			if got == "a,c" {
				t.Error("all of the wrong content was handed out")
			}
			_, err = o.Path(t.Context(), pinned)
			check(t, err, test.code, test.text(path))
		})
	}
}

func TestFileThatChangesWhileAStepReadsIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, strings.Repeat("a", 1<<20))
	p := newPinner(t)
	pinned := pin(t, p, path)
	r, err := newOpener(t, p).Open(t.Context(), pinned)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Repeat("b", 1<<20))
	_, err = io.Copy(io.Discard, r)
	check(t, err, component.Corrupt, "source "+path+" changed since the run was submitted: submit the run again: ")
}

func TestOpenDirectory(t *testing.T) {
	t.Parallel()
	dir, p := tree(t), newPinner(t)
	pinned, o := pin(t, p, dir), newOpener(t, p)
	if got, err := o.Path(t.Context(), pinned); got != dir || err != nil {
		t.Errorf("Path is %s, %v", got, err)
	}
	_, err := o.Open(t.Context(), pinned)
	check(t, err, component.Invalid, "source "+dir+" is a directory: use Path")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a file now")
	_, err = o.Path(t.Context(), pinned)
	check(t, err, component.Corrupt, "source "+dir+" changed since the run was submitted")
}

func TestOpenStored(t *testing.T) {
	t.Parallel()
	p := newPinner(t)
	content := strings.Repeat("row\n", 100_000)
	pinned, err := p.Pin(t.Context(), ref.SourceSlot{URI: "bytes:in/rows.csv", Data: []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	o := &Opener{Pinner: p, TempDir: func() (string, error) { return temp, nil }}
	if got, err := readPin(t, o, pinned); got != content || err != nil {
		t.Errorf("Open reads %d bytes, %v", len(got), err)
	}
	seen := map[string]bool{}
	for range 2 {
		path, err := o.Path(t.Context(), pinned)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if string(data) != content || err != nil {
			t.Errorf("Path leads to %d bytes, %v", len(data), err)
		}
		if !strings.HasPrefix(path, temp) || filepath.Base(path) != "rows.csv" || seen[path] {
			t.Errorf("Path is %s", path)
		}
		seen[path] = true
		write(t, path, "changed by the step")
	}
}

// A copy that is damaged or gone is stored anew by the next pin, although the server says that nothing changed.
func TestStoredCopyIsDamaged(t *testing.T) {
	t.Parallel()
	damage := map[string]func(p *Pinner, d artifact.Digest) error{
		"flipped": func(p *Pinner, d artifact.Digest) error {
			file := filepath.Join(p.Store.(diskStore).dir, "sha256", d.Hex()[:2], d.Hex()[2:])
			return errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, []byte("x,b"), 0o600))
		},
		"gone": func(p *Pinner, d artifact.Digest) error { return p.Store.Delete(context.Background(), d) },
	}
	for name, test := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "a,b", map[string]string{"ETag": `"1"`})
			p := s.pinner(t)
			pinned := pin(t, p, s.URL)
			if err := test(p, artifact.Digest(pinned.Digest)); err != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			o := &Opener{Pinner: p, TempDir: func() (string, error) { return temp, nil }}
			for _, open := range []func() error{
				func() error { _, err := readPin(t, o, pinned); return err },
				func() error { _, err := o.Path(t.Context(), pinned); return err },
			} {
				err := open()
				code := component.Corrupt
				if name == "gone" {
					code = component.NotFound
				}
				check(t, err, code, "source "+s.URL+": its copy in the artifact store is damaged or gone: submit the run again, which stores it anew: ")
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if again := pin(t, p, s.URL); again != pinned {
				t.Errorf("pinned %+v, then %+v", pinned, again)
			}
			if got, err := readPin(t, o, pinned); got != "a,b" || err != nil {
				t.Errorf("after the next pin: %q, %v", got, err)
			}
		})
	}
}

func TestOpenWithoutTempDir(t *testing.T) {
	t.Parallel()
	p := newPinner(t)
	pinned, err := p.Pin(t.Context(), ref.SourceSlot{URI: "bytes:rows.csv", Data: []byte("a")})
	if err != nil {
		t.Fatal(err)
	}
	o := &Opener{Pinner: p, TempDir: func() (string, error) { return "", os.ErrPermission }}
	_, err = o.Path(t.Context(), pinned)
	check(t, err, component.FailedPrecondition, "source bytes:rows.csv: make a local copy: permission denied")
}
