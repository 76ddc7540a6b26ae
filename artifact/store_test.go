package artifact_test

import (
	"bytes"
	"crypto/sha256"
	"reflect"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// stored is an artifact store with values in it, as steps leave and find them.
type stored struct {
	artifact.Store
	t *testing.T
}

func newStore(t *testing.T) stored {
	t.Helper()
	s, err := local.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return stored{s, t}
}

func codecOf[T any](t *testing.T) codec.Codec {
	t.Helper()
	c, err := codec.For(reflect.TypeFor[T](), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func save[T any](s stored, v T) (artifact.Record, error) {
	s.t.Helper()
	return transfer.Save(s.t.Context(), s, codecOf[T](s.t), codec.TypeString(reflect.TypeFor[T](), nil), v)
}

func load[T any](s stored, rec artifact.Record) (T, error) {
	s.t.Helper()
	v, err := transfer.Load(s.t.Context(), s, codecOf[T](s.t), rec, func() (string, error) { return s.t.TempDir(), nil })
	out, _ := v.(T)
	return out, err
}

// mustSave stores a value that is fine.
func mustSave[T any](s stored, v T) artifact.Record {
	s.t.Helper()
	rec, err := save(s, v)
	if err != nil {
		s.t.Fatal(err)
	}
	return rec
}

// mustLoad reads a value that is fine.
func mustLoad[T any](s stored, rec artifact.Record) T {
	s.t.Helper()
	v, err := load[T](s, rec)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// foreign stores bytes that no codec of this version wrote.
func (s stored) foreign(codecID string, content []byte, meta map[string]any) artifact.Record {
	s.t.Helper()
	info, err := s.Put(s.t.Context(), bytes.NewReader(content))
	if err != nil {
		s.t.Fatal(err)
	}
	return artifact.Record{Digest: info.Digest, Size: info.Size, Codec: codecID, Meta: meta}
}

// empty reports what is in the store but should not be.
func (s stored) empty() {
	s.t.Helper()
	infos, err := s.List(s.t.Context(), "", 10)
	if err != nil || len(infos) > 0 {
		s.t.Errorf("the store holds %v (%v), want nothing", infos, err)
	}
}

func loadIn(s stored, rec artifact.Record, dir string) (artifact.File, error) {
	v, err := transfer.Load(s.t.Context(), s, codecOf[artifact.File](s.t), rec, func() (string, error) { return dir, nil })
	file, _ := v.(artifact.File)
	return file, err
}

func codecError[T any]() error {
	_, err := codec.For(reflect.TypeFor[T](), nil)
	return err
}

// inline is the record of content of any size that needs no store.
func inline(codecID string, content []byte, meta map[string]any) artifact.Record {
	return artifact.Record{
		Digest: artifact.NewDigest(sha256.Sum256(content)), Size: int64(len(content)), Codec: codecID, Meta: meta, Inline: append([]byte{}, content...),
	}
}

// roundTrip encodes and decodes a value in memory.
func roundTrip[T any](t *testing.T, v T) T {
	t.Helper()
	c := codecOf[T](t)
	var w bytes.Buffer
	info, err := c.Encode(t.Context(), &w, v)
	if err != nil {
		t.Fatal(err)
	}
	return mustLoad[T](stored{t: t}, inline(c.ID(), w.Bytes(), info.Meta))
}
