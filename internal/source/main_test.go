package source

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/filememo"
	"github.com/tenon-ml/tenon/internal/ref"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newPinner returns a pinner with a store and a memo, by whose clock every file has settled.
func newPinner(tb testing.TB) *Pinner {
	tb.Helper()
	dir := tb.TempDir()
	store, err := local.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	return &Pinner{
		Store: diskStore{store, dir}, MemoDir: tb.TempDir(), pause: time.Millisecond,
		now: func() time.Time { return time.Now().Add(time.Hour) },
	}
}

// diskStore knows where its files are.
type diskStore struct {
	artifact.Store
	dir string
}

func newOpener(tb testing.TB, p *Pinner) *Opener {
	tb.Helper()
	return &Opener{Pinner: p, TempDir: func() (string, error) { return tb.TempDir(), nil }}
}

func pin(tb testing.TB, p *Pinner, uri string) ref.Pin {
	tb.Helper()
	got, err := p.Pin(tb.Context(), ref.SourceSlot{URI: uri})
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

func write(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// edit changes a file, but not within the same tick as before.
func edit(tb testing.TB, path, content string) {
	tb.Helper()
	tick(tb, path)
	write(tb, path, content)
}

// tick waits until the file system's clock has moved on since a file changed, which the settle rule guarantees outside tests.
func tick(tb testing.TB, path string) {
	tb.Helper()
	was, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	probe := filepath.Join(tb.TempDir(), "probe")
	for {
		write(tb, probe, "")
		info, err := os.Stat(probe)
		if err != nil {
			tb.Fatal(err)
		}
		if filememo.Changed(info).After(filememo.Changed(was)) {
			return
		}
	}
}

const forged = "00000000000000000000000000000000000000000000000000000000000000f0"

// forge makes all that is remembered claim another digest, which shows whether it is believed or the content is read.
func forge(tb testing.TB, p *Pinner, kind string) {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(p.MemoDir, kind, "*.json"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("nothing is remembered: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var known map[string]map[string]string
		if err := json.Unmarshal(data, &known); err != nil {
			tb.Fatal(err)
		}
		for _, e := range known {
			e["digest"] = forged
		}
		if data, err = json.Marshal(known); err != nil {
			tb.Fatal(err)
		}
		write(tb, file, string(data))
	}
}

// check compares an error with its code and text, and holds it to one line.
func check(t *testing.T, err error, code component.Code, text string) {
	t.Helper()
	if err == nil || component.CodeOf(err) != code || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
		t.Errorf("\ngot  %v (%v)\nwant %s (%v)", err, component.CodeOf(err), text, code)
	}
}

func stored(t *testing.T, p *Pinner, digest string) bool {
	t.Helper()
	_, err := p.Store.Stat(t.Context(), artifact.Digest(digest))
	if err != nil && !errors.Is(err, component.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}
