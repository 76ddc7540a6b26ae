package transfer_test

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a local store whose files a test can get at.
type disk struct {
	artifact.Store
	t   *testing.T
	dir string
}

func newDisk(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	s, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return disk{s, t, dir}
}

func (d disk) path(digest artifact.Digest) string {
	return filepath.Join(d.dir, "sha256", digest.Hex()[:2], digest.Hex()[2:])
}

// empty reports content, and what an interrupted Put left.
func (d disk) empty() {
	d.t.Helper()
	infos, err := d.List(d.t.Context(), "", 10)
	if err != nil || len(infos) > 0 {
		d.t.Errorf("the store holds %v (%v), want nothing", infos, err)
	}
	err = filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if info, err := e.Info(); err == nil && info.Size() > 0 {
			d.t.Errorf("%s of %d bytes is left", path, info.Size())
		}
		return nil
	})
	if err != nil {
		d.t.Error(err)
	}
}

func codecFor(t *testing.T, typ reflect.Type) codec.Codec {
	t.Helper()
	c, err := codec.For(typ, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// save stores a value with the codec of its type.
func save(t *testing.T, store artifact.Store, v any) artifact.Record {
	t.Helper()
	typ := reflect.TypeOf(v)
	rec, err := transfer.Save(t.Context(), store, codecFor(t, typ), codec.TypeString(typ, nil), v)
	if err != nil {
		t.Fatalf("save %T: %v", v, err)
	}
	return rec
}

// load reads a value of the type of like.
func load(ctx context.Context, t *testing.T, store artifact.Store, rec artifact.Record, like any) (any, error) {
	t.Helper()
	return transfer.Load(ctx, store, codecFor(t, reflect.TypeOf(like)), rec, func() (string, error) { return t.TempDir(), nil })
}

func contentOf(t *testing.T, store artifact.Store, rec artifact.Record) ([]byte, error) {
	t.Helper()
	r, err := transfer.Content(t.Context(), store, rec)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
