package location

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
)

func TestParse(t *testing.T) {
	t.Parallel()
	type result struct {
		Kind            Kind
		Path, URL       string
		Name, ForPeople string
	}
	tests := map[string]result{
		"rows.csv":                              {File, "rows.csv", "", "rows.csv", "rows.csv"},
		"../data/rows.csv":                      {File, "../data/rows.csv", "", "rows.csv", "../data/rows.csv"},
		"/data/rows 1.csv":                      {File, "/data/rows 1.csv", "", "rows 1.csv", "/data/rows 1.csv"},
		"./a:b.csv":                             {File, "./a:b.csv", "", "a_b.csv", "./a:b.csv"},
		"data/2020:01.csv":                      {File, "data/2020:01.csv", "", "2020_01.csv", "data/2020:01.csv"},
		"1a:b":                                  {File, "1a:b", "", "1a_b", "1a:b"},
		"/":                                     {File, "/", "", "data", "/"},
		".":                                     {File, ".", "", "data", "."},
		"a\nb.csv":                              {File, "a\nb.csv", "", "a_b.csv", `"a\nb.csv"`},
		"file:///data/rows%20%231.csv":          {File, "/data/rows #1.csv", "", "rows #1.csv", "file:///data/rows%20%231.csv"},
		"file:/data/rows.csv":                   {File, "/data/rows.csv", "", "rows.csv", "file:/data/rows.csv"},
		"FILE://localhost/rows.csv":             {File, "/rows.csv", "", "rows.csv", "FILE://localhost/rows.csv"},
		"https://host/a/rows.csv":               {URL, "", "https://host/a/rows.csv", "rows.csv", "https://host/a/rows.csv"},
		"HTTPS://host":                          {URL, "", "https://host", "data", "https://host"},
		"https://host/a%2Frows.csv?sig=s3cret":  {URL, "", "https://host/a%2Frows.csv?sig=s3cret", "rows.csv", "https://host/a%2Frows.csv?..."},
		"https://cdn/npm/pkg@1.2/rows.csv#part": {URL, "", "https://cdn/npm/pkg@1.2/rows.csv#part", "rows.csv", "https://cdn/npm/pkg@1.2/rows.csv"},
		"http://localhost:8080/rows.csv":        {URL, "", "http://localhost:8080/rows.csv", "rows.csv", "http://localhost:8080/rows.csv"},
		"http://127.0.0.2/rows.csv":             {URL, "", "http://127.0.0.2/rows.csv", "rows.csv", "http://127.0.0.2/rows.csv"},
		"http://[::1]:80/rows.csv":              {URL, "", "http://[::1]:80/rows.csv", "rows.csv", "http://[::1]:80/rows.csv"},
		"s3://bucket/rows.csv":                  {Object, "", "", "rows.csv", "s3://bucket/rows.csv"},
		"gs://bucket/rows.csv":                  {Object, "", "", "rows.csv", "gs://bucket/rows.csv"},
		"bytes:data/rows.csv":                   {Bytes, "", "", "rows.csv", "bytes:data/rows.csv"},
		"bytes:..":                              {Bytes, "", "", "data", "bytes:.."},
		"bytes:":                                {Bytes, "", "", "data", "bytes:"},
	}
	for uri, want := range tests {
		l, err := Parse(uri)
		if err != nil {
			t.Errorf("%q: %v", uri, err)
			continue
		}
		got := result{Kind: l.Kind, Path: l.Path, Name: l.Name, ForPeople: l.String()}
		if l.URL != nil {
			got.URL = l.URL.String()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", uri, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	tests := map[string]string{
		"":                             "no source is named: want a path, or a file: or https: URL, or use artifact.FromBytes; a source that may be absent is a field of type *artifact.Source",
		long:                           "source " + long[:200] + "... has a name of 1048576 bytes: want a path, or a file: or https: URL of at most 4096 bytes",
		"https://u:pw@h/?" + long:      "source https://h/?... has a name of 1048592 bytes: want a path, or a file: or https: URL of at most 4096 bytes",
		"a\x00b":                       `source "a\x00b" has a zero byte in its name: want a path, or a file: or https: URL`,
		"a\xff":                        `source "a\xff" has a name that is not UTF-8: want a path, or a file: or https: URL`,
		"ftp://host/rows.csv":          "source ftp://host/rows.csv has the unknown scheme ftp: want a path, or a file: or https: URL; a file whose name has a colon is written ./ftp://host/rows.csv",
		"ftp://me:s3cret@host/a?b=c":   "source ftp://host/a?... has the unknown scheme ftp: want a path, or a file: or https: URL; a file whose name has a colon is written ./ftp://host/a?...",
		"notes:2020.csv":               "source notes:2020.csv has the unknown scheme notes: want a path, or a file: or https: URL; a file whose name has a colon is written ./notes:2020.csv",
		"http://example.com/rows.csv":  "source http://example.com/rows.csv uses http:, by which anyone on the way can change the data: use https:",
		"http://localhost.evil.com/":   "source http://localhost.evil.com/ uses http:, by which anyone on the way can change the data: use https:",
		"https://me:s3cret@host/a?k=v": "source https://host/a?... has a user name or password in its URL, which would be recorded with every run: remove them, and download the file with its credentials in a step",
		"https://me:s3/cret@host/a":    "source https://host/a is not a URL: want https://host/path, with spaces and other special characters as %20",
		"https:me:s3cret@host":         "source https://host is not a URL: want https://host/path, with spaces and other special characters as %20",
		"https:///rows.csv":            "source https:///rows.csv is not a URL: want https://host/path, with spaces and other special characters as %20",
		"https://host/a\nb":            `source "https://host/a\nb" is not a URL: want https://host/path, with spaces and other special characters as %20`,
		"https://host:port/":           "source https://host:port/ is not a URL: want https://host/path, with spaces and other special characters as %20",
		"file:rows.csv":                "source file:rows.csv is not a file: URL of this machine: want file:///absolute/path, with %3F for ? and %23 for #",
		"file://server/rows.csv":       "source file://server/rows.csv is not a file: URL of this machine: want file:///absolute/path, with %3F for ? and %23 for #",
		"file:///rows.csv?x":           "source file:///rows.csv?x is not a file: URL of this machine: want file:///absolute/path, with %3F for ? and %23 for #",
		"file://":                      "source file:// is not a file: URL of this machine: want file:///absolute/path, with %3F for ? and %23 for #",
		"file:///a%00b":                "source file:///a%00b has a zero byte or what is not UTF-8 in its path: want file:///absolute/path",
	}
	for uri, want := range tests {
		_, err := Parse(uri)
		if err == nil || err.Error() != want {
			t.Errorf("%.80q:\ngot  %v\nwant %s", uri, err, want)
		}
		if !errors.Is(err, component.ErrInvalid) {
			t.Errorf("%.80q: code %v", uri, component.CodeOf(err))
		}
	}
}

func TestNameOfALongPathKeepsItsExtension(t *testing.T) {
	t.Parallel()
	l, err := Parse("/" + strings.Repeat("ä", 500) + ".parquet")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(l.Name, "ä.parquet") || len(l.Name) > 200 || !utf8.ValidString(l.Name) {
		t.Errorf("name %q of %d bytes", l.Name, len(l.Name))
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "rows.csv", "/a/../b", "C:\\rows.csv", "file:///a%20b", "https://user:secret@host:1/a?b#c", "http://[::1%25eth0]/", "s3://b/k", "bytes:x",
		"https://user:secret", "https:secret@", "a\x00", "https://h/\x7f", "FTP:secret@x", "://", "x+.-:y", "file:////server/share",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		l, err := Parse(uri)
		text := l.String()
		if err != nil {
			if l != (Location{}) {
				t.Errorf("%q: error %v and location %+v", uri, err, l)
			}
			text = err.Error()
		}
		if strings.ContainsAny(text, "\n\r\x00") || len(text) > 1800 || text == "" {
			t.Errorf("%q: %q is not one short line", uri, text)
		}
		if err != nil {
			return
		}
		if strings.ContainsAny(l.Name, "/\\\x00:") || l.Name == "" || l.Name == "." || l.Name == ".." || len(l.Name) > 200 {
			t.Errorf("%q: name %q is not safe", uri, l.Name)
		}
		if _, query, _ := strings.Cut(text, "?"); l.Kind == URL && (l.URL.User != nil || strings.Trim(query, `."`) != "") {
			t.Errorf("%q: %q shows a secret", uri, text)
		}
		if again, err := Parse(uri); err != nil || again.Path != l.Path || again.Name != l.Name {
			t.Errorf("%q: parsed again: %+v, %v", uri, again, err)
		}
	})
}
