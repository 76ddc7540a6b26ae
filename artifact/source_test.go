package artifact_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/scope"
)

// A step that reads a Source is tested by a plain call.
func ExampleSource() {
	type LoadIn struct{ CSV artifact.Source }
	load := func(ctx context.Context, in LoadIn) ([][]string, error) {
		r, err := in.CSV.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return csv.NewReader(r).ReadAll()
	}

	rows, err := load(context.Background(), LoadIn{CSV: artifact.FromBytes("rows.csv", []byte("species,mass\nGentoo,5000\n"))})
	fmt.Println(rows, err)
	// Output: [[species mass] [Gentoo 5000]] <nil>
}

func ExampleFrom() {
	fmt.Println(artifact.From("data/penguins.csv"))
	fmt.Println(artifact.From("https://example.com/penguins.csv?token=s3cret")) // URI returns all of it
	// Output:
	// data/penguins.csv
	// https://example.com/penguins.csv?...
}

func read(t *testing.T, s artifact.Source) (string, error) {
	t.Helper()
	r, err := s.Open(t.Context())
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

func TestSourceOutsideRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "rows 1.csv")
	if err := os.WriteFile(path, []byte("a,b"), 0o600); err != nil {
		t.Fatal(err)
	}
	fileURL := "file://" + strings.ReplaceAll(filepath.ToSlash(path), " ", "%20")
	for _, s := range []artifact.Source{artifact.From(path), artifact.From(fileURL), artifact.FromBytes("in/rows 1.csv", []byte("a,b"))} {
		if got, err := read(t, s); got != "a,b" || err != nil {
			t.Errorf("%s: Open reads %q, %v", s, got, err)
		}
		local, err := s.Path(t.Context())
		if err != nil {
			t.Errorf("%s: Path: %v", s, err)
			continue
		}
		if data, err := os.ReadFile(local); string(data) != "a,b" || err != nil {
			t.Errorf("%s: Path leads to %q, %v", s, data, err)
		}
		if filepath.Base(local) != "rows 1.csv" || !filepath.IsAbs(local) {
			t.Errorf("%s: Path is %s", s, local)
		}
	}
	if local, err := artifact.From(dir).Path(t.Context()); local != dir || err != nil {
		t.Errorf("Path of a directory is %s, %v", local, err)
	}
	if got, err := read(t, artifact.FromBytes("empty", nil)); got != "" || err != nil {
		t.Errorf("no bytes: %q, %v", got, err)
	}
}

func TestSourceCopyLivesAsLongAsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	path, err := artifact.FromBytes("rows.csv", []byte("x")).Path(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); runtime.Gosched() { // a goroutine of the context removes it
		if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
	t.Error("the copy stays")
}

func TestSourceErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.csv")
	inStep := scope.With(t.Context(), &scope.Scope{Step: "load"})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name   string
		source artifact.Source
		ctx    context.Context
		want   error
		text   string
	}{
		{"zero", artifact.Source{}, t.Context(), component.ErrInvalid, "no source is named: want a path, or a file: or https: URL, or use artifact.FromBytes; a source that may be absent is a field of type *artifact.Source"},
		{"missing", artifact.From(missing), t.Context(), component.ErrNotFound, "open source " + missing + ": stat " + missing + ": no such file or directory"},
		{"URL", artifact.From("https://host/a?k=v"), t.Context(), component.ErrFailedPrecondition, "source https://host/a?... can be opened within a run only, which downloads it: outside, name a local file or use artifact.FromBytes"},
		{"text of bytes", artifact.From("bytes:rows.csv"), t.Context(), component.ErrFailedPrecondition, "source bytes:rows.csv has no content: it was read from text, and artifact.FromBytes keeps the content in the program only"},
		{"malformed", artifact.From("ftp://host/a"), t.Context(), component.ErrInvalid, "source ftp://host/a has the unknown scheme ftp: want a path, or a file: or https: URL; a file whose name has a colon is written ./ftp://host/a"},
		{"made in a step", artifact.From(dir), inStep, component.ErrFailedPrecondition, "source " + dir + " is no field of the input of step load, so its content is neither pinned nor in the cache key: pass it to the step as a field"},
		{"ended context", artifact.From(dir), ended, component.ErrCanceled, "open source " + dir + ": context canceled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, openErr := test.source.Open(test.ctx)
			_, pathErr := test.source.Path(test.ctx)
			for _, err := range []error{openErr, pathErr} {
				if !errors.Is(err, test.want) || err.Error() != test.text {
					t.Errorf("\ngot  %v\nwant %s", err, test.text)
				}
			}
		})
	}
	if _, err := read(t, artifact.From(dir)); !errors.Is(err, component.ErrInvalid) || !strings.HasSuffix(err.Error(), "is a directory: use Path") {
		t.Errorf("Open of a directory: %v", err)
	}
}

func TestSourceText(t *testing.T) {
	t.Parallel()
	type params struct{ CSV, Other artifact.Source }
	in := params{CSV: artifact.From("https://host/a?k=v"), Other: artifact.FromBytes("rows.csv", []byte("x"))}
	data, err := json.Marshal(in)
	if want := `{"CSV":"https://host/a?k=v","Other":"bytes:rows.csv"}`; string(data) != want || err != nil {
		t.Fatalf("written as %s, %v; want %s", data, err, want)
	}
	var out params
	if err := json.Unmarshal(data, &out); err != nil || out.CSV.URI() != in.CSV.URI() || out.Other.URI() != in.Other.URI() {
		t.Errorf("read as %v, %v", out, err)
	}
	kept := params{Other: in.Other}
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Error(err)
	}
	if got, err := read(t, kept.Other); got != "x" || err != nil {
		t.Errorf("a default that is named again reads %q, %v", got, err)
	}
	if data, err = json.Marshal(params{}); string(data) != `{"CSV":"","Other":""}` || err != nil {
		t.Errorf("the zero value is written as %s, %v", data, err)
	}
	if err := json.Unmarshal(data, &out); err != nil || !out.CSV.IsZero() || !out.Other.IsZero() {
		t.Errorf("the zero value is read as %v, %v", out, err)
	}
	if err := out.CSV.UnmarshalText([]byte("http://example.com/x")); !errors.Is(err, component.ErrInvalid) || !out.CSV.IsZero() {
		t.Errorf("a URI that cannot be pinned is read as %q, %v", out.CSV, err)
	}
	if _, err := artifact.From("ftp://x").MarshalText(); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("a URI that cannot be read is written: %v", err)
	}
}

type opener struct{ opened, asked []ref.Pin }

func (o *opener) Open(_ context.Context, p ref.Pin) (io.ReadCloser, error) {
	o.opened = append(o.opened, p)
	return io.NopCloser(strings.NewReader("pinned")), nil
}

func (o *opener) Path(_ context.Context, p ref.Pin) (string, error) {
	o.asked = append(o.asked, p)
	return "pinned path", nil
}

func TestSourceInStepReadsWhatWasPinned(t *testing.T) {
	t.Parallel()
	s := artifact.FromBytes("rows.csv", []byte("in the program"))
	o := &opener{}
	pin := ref.Pin{URI: "bytes:rows.csv", Digest: "sha256:1", Stored: true}
	*s.TenonSource(ref.Access{}).Handle = &ref.SourceHandle{Pin: pin, Opener: o}
	if got, err := read(t, s); got != "pinned" || err != nil {
		t.Errorf("Open reads %q, %v", got, err)
	}
	if got, err := s.Path(t.Context()); got != "pinned path" || err != nil {
		t.Errorf("Path is %q, %v", got, err)
	}
	if len(o.opened) != 1 || o.opened[0] != pin || len(o.asked) != 1 || o.asked[0] != pin {
		t.Errorf("opened %v, asked for the path of %v", o.opened, o.asked)
	}
}
