package transfer_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/transfer"
)

var fileType = reflect.TypeFor[artifact.File]()

func typeOf(v any) reflect.Type { return reflect.TypeOf(v) }

// gather stores the elements of a list on their own and reads the list.
func gather[T any](t *testing.T, d disk, list []T) (artifact.Record, []T) {
	t.Helper()
	var records []artifact.Record
	for _, v := range list {
		records = append(records, save(t, d, v))
	}
	rec := transfer.Gather(records, "list")
	got, err := transfer.LoadList(t.Context(), d, codecFor(t, reflect.TypeFor[T]()), reflect.TypeFor[[]T](), rec, func() (string, error) { return t.TempDir(), nil })
	if err != nil {
		t.Fatal(err)
	}
	return rec, got.([]T)
}

func TestGather(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	var numbers []int
	var texts []string
	size := 0
	for i := range 100 {
		numbers = append(numbers, i)
		texts = append(texts, strings.Repeat(strconv.Itoa(i), i*97)) // some inline, some stored
		size += len(texts[i])
	}
	if _, got := gather(t, d, numbers); !cmp.Equal(got, numbers) {
		t.Errorf("numbers became %v", got)
	}
	rec, got := gather(t, d, texts)
	if !cmp.Equal(got, texts) {
		t.Error("texts came back different")
	}
	if rec.Codec != "gather/1" || rec.Size != int64(size) || rec.Meta["length"] != 100 || rec.Type != "list" || len(rec.Elements) != 100 || rec.Inline != nil {
		t.Errorf("record of %d bytes by %s with %v", rec.Size, rec.Codec, rec.Meta)
	}
	one := 1
	pointers := []*int{nil, &one, nil}
	if _, got := gather(t, d, pointers); !cmp.Equal(got, pointers) {
		t.Errorf("pointers became %v", got)
	}
	nested := [][]float64{nil, {}, {1, 2}}
	if _, got := gather(t, d, nested); !cmp.Equal(got, nested) {
		t.Errorf("nested lists became %#v", got)
	}
}

func TestGatherNothing(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	none, fromNil := gather(t, d, []string(nil))
	empty, fromEmpty := gather(t, d, []string{})
	if fromNil == nil || fromEmpty == nil || len(fromNil)+len(fromEmpty) > 0 || none.Digest != empty.Digest || none.Digest.Validate() != nil {
		t.Errorf("no elements became %#v and %#v, %s and %s", fromNil, fromEmpty, none.Digest, empty.Digest)
	}
}

func TestGatherFiles(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	var list []artifact.File
	for i := range 20 {
		path := filepath.Join(t.TempDir(), "part.csv")
		if err := os.WriteFile(path, []byte(strings.Repeat(strconv.Itoa(i), 1000*(i%7))), 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, artifact.File(path))
	}
	_, got := gather(t, d, list)
	for i, path := range got {
		content, err := os.ReadFile(string(path))
		if err != nil || string(content) != strings.Repeat(strconv.Itoa(i), 1000*(i%7)) || filepath.Base(string(path)) != "part.csv" {
			t.Errorf("element %d: %s of %d bytes, %v", i, path, len(content), err)
		}
	}
}

// The digest is of the elements in their order and of nothing else.
func TestGatherDigest(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	a, b := save(t, d, "a"), save(t, d, "b")
	list := transfer.Gather([]artifact.Record{a, b}, "list")
	if want := artifact.Digest("sha256:a5af205db65d6cccca11d18a6315cd6e16dfa9bdf54d42672f46e2f8be9f1b8e"); list.Digest != want {
		t.Errorf("digest %s, want %s: a new form needs a new schema", list.Digest, want)
	}
	described := a
	described.Preview, described.Meta = "other", map[string]any{"other": true}
	if got := transfer.Gather([]artifact.Record{described, b}, "other"); got.Digest != list.Digest {
		t.Error("the digest depends on a description")
	}
	coded := a
	coded.Codec = "text/2"
	for name, records := range map[string][]artifact.Record{
		"order": {b, a}, "fewer": {a}, "more": {a, b, b}, "codec": {coded, b}, "none": nil,
	} {
		if transfer.Gather(records, "list").Digest == list.Digest {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

func TestGatherPreview(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	var records []artifact.Record
	for i := range 10 {
		records = append(records, save(t, d, strings.Repeat("x", i)+"\nsecond line"))
	}
	want := "0: …\n1: x…\n2: xx…\n3: xxx…\n4: xxxx…\n5: xxxxx…\n6: xxxxxx…\n7: xxxxxxx…\n… 2 more"
	if got := transfer.Gather(records, "").Preview; got != want {
		t.Errorf("preview %q, want %q", got, want)
	}
	for i := range records {
		records[i] = save(t, d, strings.Repeat("é", 5000))
	}
	if got := transfer.Gather(records, "").Preview; len(got) > artifact.PreviewLimit || strings.ToValidUTF8(got, "") != got {
		t.Errorf("preview of %d bytes: %q", len(got), got)
	}
}

func TestGatherErrors(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	var records []artifact.Record
	for i := range 30 {
		records = append(records, save(t, d, strings.Repeat(strconv.Itoa(i), 3000)))
	}
	rec := transfer.Gather(records, "list")
	loadList := func(rec artifact.Record) error {
		_, err := transfer.LoadList(t.Context(), d, codecFor(t, reflect.TypeFor[string]()), reflect.TypeFor[[]string](), rec, nil)
		return err
	}
	if _, err := contentOf(t, d, rec); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "30 elements") {
		t.Errorf("content of a list: %v", err)
	}
	writeFile(t, d.path(records[17].Digest), []byte("damaged"))
	if err := loadList(rec); !errors.Is(err, component.ErrCorrupt) || !strings.HasPrefix(err.Error(), "element 17: ") || !strings.Contains(err.Error(), string(records[17].Digest)) {
		t.Errorf("damaged element: %v", err)
	}
	if err := os.Remove(d.path(records[17].Digest)); err != nil {
		t.Fatal(err)
	}
	if err := loadList(rec); !errors.Is(err, component.ErrNotFound) || !strings.HasPrefix(err.Error(), "element 17: ") {
		t.Errorf("deleted element: %v", err)
	}
	short := rec
	short.Elements = rec.Elements[:29]
	if err := loadList(short); !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(rec.Digest)) {
		t.Errorf("list that lost an element: %v", err)
	}
	inline := save(t, d, "small")
	inline.Inline = []byte("other")
	if err := loadList(transfer.Gather([]artifact.Record{records[0], inline}, "list")); !errors.Is(err, component.ErrCorrupt) || !strings.HasPrefix(err.Error(), "element 1: ") {
		t.Errorf("damaged inline element: %v", err)
	}
	if err := loadList(transfer.Gather([]artifact.Record{save(t, d, 7)}, "list")); !errors.Is(err, component.ErrInvalid) || !strings.HasPrefix(err.Error(), "element 0: ") {
		t.Errorf("element of another codec: %v", err)
	}
	if _, err := transfer.LoadList(t.Context(), d, codecFor(t, reflect.TypeFor[string]()), reflect.TypeFor[string](), rec, nil); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("a list as a string: %v", err)
	}
}
