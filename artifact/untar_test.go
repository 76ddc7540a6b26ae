package artifact_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/transfer"
)

var testTime = time.Unix(1_700_000_000, 0)

// pack makes an archive that Tenon itself would not write.
func pack(tb testing.TB, headers ...tar.Header) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		h.Mode = 0o644
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// sparse is an archive of one file that claims far more bytes than it has.
func sparse(tb testing.TB) []byte {
	tb.Helper()
	const realSize = "1099511627776"
	records := map[string]string{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "bomb", "GNU.sparse.realsize": realSize}
	var pax strings.Builder
	for _, k := range []string{"GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name", "GNU.sparse.realsize"} {
		line := " " + k + "=" + records[k] + "\n"
		n := len(line) + 2
		pax.WriteString(strconv.Itoa(n) + line)
	}
	b := pack(tb, tar.Header{Name: "pax", Size: int64(pax.Len())}, tar.Header{Name: "bomb", Size: 512})
	b[156] = 'x' // the first file becomes the extended header of the second
	copy(b[512:], pax.String())
	body := b[512+512+512:]
	clear(body[:512])
	copy(body, "1\n"+realSize+"\n0\n") // one hole, no data
	checksum(b[:512])
	return b
}

// checksum repairs the checksum of a header.
func checksum(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h[:512] {
		sum += int(c)
	}
	copy(h[148:156], strings.Repeat("0", 6-len(strconv.FormatInt(int64(sum), 8)))+strconv.FormatInt(int64(sum), 8)+"\x00 ")
}

func TestDirHostile(t *testing.T) {
	t.Parallel()
	dir := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name} }
	file := func(name string) tar.Header { return tar.Header{Name: name, Size: 3} }
	link := func(kind byte, name, to string) tar.Header {
		return tar.Header{Typeflag: kind, Name: name, Linkname: to}
	}
	fine := pack(t, dir("a/"), file("a/x"), file("b"))
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"absolute":             {pack(t, file("/tmp/evil")), `entry "/tmp/evil" has a name that may lead out`},
		"parent":               {pack(t, file("../evil")), `entry "../evil" has a name`},
		"parent within":        {pack(t, dir("a/"), file("a/../../evil")), `entry "a/../../evil" has a name`},
		"dot":                  {pack(t, dir("./")), `entry "./" has a name`},
		"dot within":           {pack(t, dir("a/"), file("a/./x")), `entry "a/./x" has a name`},
		"twice":                {pack(t, file("a"), file("a")), `entry "a" is there twice`},
		"directory twice":      {pack(t, dir("a/"), file("a/x"), dir("a/")), `entry "a" is there twice`},
		"file and directory":   {pack(t, file("a"), dir("a/")), `entry "a" is there twice`},
		"file as directory":    {pack(t, file("a"), file("a/x")), `entry "a/x" comes without its directory`},
		"order":                {pack(t, file("b"), file("a")), `entry "a" is there twice or out of order`},
		"order within":         {pack(t, dir("a/"), file("a-b"), file("a/x")), `entry "a/x" is there twice or out of order`},
		"no directory":         {pack(t, file("a/x")), `entry "a/x" comes without its directory`},
		"symbolic link":        {pack(t, link(tar.TypeSymlink, "a", "/etc"), file("a/passwd")), `entry "a" of type '2' is neither`},
		"hard link":            {pack(t, link(tar.TypeLink, "a", "../../secret")), `entry "a" of type '1' is neither`},
		"pipe":                 {pack(t, link(tar.TypeFifo, "a", "")), `entry "a" of type '6' is neither`},
		"device":               {pack(t, link(tar.TypeChar, "a", "")), `entry "a" of type '3' is neither`},
		"bomb":                 {sparse(t), `file "bomb" of 1099511627776 bytes is larger than what the archive holds`},
		"truncated in header":  {fine[:700], "unexpected EOF"},
		"truncated in content": {fine[:1024+1], "unexpected EOF"},
		"no archive":           {bytes.Repeat([]byte("x"), 5000), "invalid tar header"},
		"bytes at the end":     {append(bytes.Clone(fine), "evil"...), "4 bytes after its end"},
		"empty name":           {pack(t, file("")), `entry "" has a name`},
		"latin-1":              {pack(t, file("caf\xe9")), `entry "caf\xe9" has a name`},
	} {
		s := newStore(t)
		rec := s.foreign("dir/1", test.content, nil)
		parent := t.TempDir()
		_, err := loadDir(t.Context(), s, rec, filepath.Join(parent, "values"))
		if !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v (%v), want Corrupt with %q", name, err, component.CodeOf(err), test.want)
		}
		left := readTree(t, parent)
		for path, content := range left {
			if content != "/" || strings.HasSuffix(path, "dir") {
				t.Errorf("%s: left %s", name, path)
			}
		}
	}
}

func loadDir(ctx context.Context, s stored, rec artifact.Record, parent string) (artifact.Dir, error) {
	v, err := transfer.Load(ctx, s, codecOf[artifact.Dir](s.t), rec, func() (string, error) { return parent, os.MkdirAll(parent, 0o755) })
	dir, _ := v.(artifact.Dir)
	return dir, err
}

// Names that are fine but not here are an error of their own.
func TestDirNameTooLong(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rec := s.foreign("dir/1", pack(t, tar.Header{Name: strings.Repeat("x", 1000)}), nil)
	if _, err := loadDir(t.Context(), s, rec, t.TempDir()); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "too long for this system") {
		t.Errorf("got %v, want Invalid", err)
	}
}

// Damage explains a malformed archive: the error names the digest.
func TestDirDamaged(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	good := pack(t, tar.Header{Name: "a", Size: 100}, tar.Header{Name: "b", Size: 100})
	rec := s.foreign("dir/1", good, nil)
	for i := range good {
		if i%101 != 0 {
			continue
		}
		flipped := bytes.Clone(good)
		flipped[i] ^= 0x40
		rec := rec
		rec.Inline = nil
		_, err := transfer.Load(t.Context(), damaged{s, flipped}, codecOf[artifact.Dir](t), rec, func() (string, error) { return t.TempDir(), nil })
		if !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(rec.Digest)) {
			t.Errorf("byte %d flipped: got %v, want Corrupt naming %s", i, err, rec.Digest)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := loadDir(ctx, s, rec, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

// damaged is a store whose disk lies.
type damaged struct {
	artifact.Store
	content []byte
}

func (d damaged) Open(ctx context.Context, digest artifact.Digest) (io.ReadCloser, error) {
	return artifact.VerifyReader(ctx, io.NopCloser(bytes.NewReader(d.content)), digest, int64(len(d.content))), nil
}

// Whatever an archive holds: an error and nothing left, or a tree that fits into it and comes back from a second round as it is.
func FuzzDir(f *testing.F) {
	f.Add(pack(f, tar.Header{Typeflag: tar.TypeDir, Name: "a/"}, tar.Header{Name: "a/x", Size: 3}, tar.Header{Name: longName('b'), Size: 3}))
	f.Add(pack(f, tar.Header{Name: "../x", Size: 3}))
	f.Add(pack(f, tar.Header{Name: "/x", Size: 3}))
	f.Add(pack(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "/"}, tar.Header{Name: "a/x", Size: 3}))
	f.Add(sparse(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) >= 512 && len(content) < 4096 && content[148] == '?' { // lets mutations reach beyond the checksum
			checksum(content[:512])
		}
		base := t.TempDir()
		parent := filepath.Join(base, "values")
		dir, err := unpack(t, content, parent)
		if siblings := readTree(t, base); err != nil {
			for path, content := range siblings {
				if content != "/" || strings.HasSuffix(path, "/dir") {
					t.Errorf("%v left %s", err, path)
				}
			}
			if code := component.CodeOf(err); code != component.Corrupt && code != component.Invalid {
				t.Errorf("got %v (%v)", err, code)
			}
			return
		}
		got := readTree(t, string(dir))
		total := 0
		for _, c := range got {
			total += len(c)
		}
		if total > len(content) {
			t.Errorf("%d bytes of files from an archive of %d", total, len(content))
		}
		var packed bytes.Buffer
		if _, err := codecOf[artifact.Dir](t).Encode(t.Context(), &packed, dir); err != nil {
			t.Fatal(err)
		}
		again, err := unpack(t, packed.Bytes(), parent)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, readTree(t, string(again))); diff != "" {
			t.Error(diff)
		}
	})
}

// unpack reads an archive from memory.
func unpack(t *testing.T, content []byte, parent string) (artifact.Dir, error) {
	t.Helper()
	return loadDir(t.Context(), stored{t: t}, inline("dir/1", content, nil), parent)
}
