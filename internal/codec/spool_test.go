package codec

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
)

// spooling is content that a file is made of.
type spooling struct {
	stored
	dir string
}

func (s spooling) TempDir() (string, error) { return s.dir, nil }

func TestLargeParquetIsReadFromAFile(t *testing.T) {
	t.Parallel()
	type doc struct{ Text []byte }
	docs := []doc{{bytes.Repeat([]byte("x"), 1<<20)}, {}}
	c := codecFor[[]doc](t)
	s := spooling{encode(t, c, docs), t.TempDir()}
	got, err := c.Decode(t.Context(), sized{s, spoolLimit + 1})
	if err != nil || !bytes.Equal(got.([]doc)[0].Text, docs[0].Text) {
		t.Error(err)
	}
	left(t, s.dir)

	bad := errors.New("wrong digest")
	if _, err := c.Decode(t.Context(), sized{failingSpool{failing{s.stored, bad}, s.dir}, spoolLimit + 1}); !errors.Is(err, bad) {
		t.Error(err)
	}
	left(t, s.dir)
}

// sized is content whose record has another size.
type sized struct {
	Content
	size int64
}

func (s sized) Size() int64 { return s.size }

type failingSpool struct {
	failing
	dir string
}

func (f failingSpool) TempDir() (string, error) { return f.dir, nil }

// left checks that no file was left behind.
func left(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("left in the directory: %v %v", entries, err)
	}
}

func TestSpoolInMemory(t *testing.T) {
	t.Parallel()
	s, err := Spool(t.Context(), stored{data: []byte("abc")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(s, 1, s.Size()-1))
	if err != nil || string(got) != "bc" {
		t.Errorf("%q %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
