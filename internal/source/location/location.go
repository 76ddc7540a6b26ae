// Package location parses what names a source: a path or a URI.
package location

import (
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tenon-ml/tenon/component"
)

// Kind is where a source is.
type Kind uint8

// The kinds.
const (
	File   Kind = iota + 1 // a local file or directory
	URL                    // https:, or http: of this machine
	Object                 // s3: or gs:
	Bytes                  // in the program itself
)

// maxLength is the longest URI in bytes: that of a path on most systems.
const maxLength = 4096

const forms = "want a path, or a file: or https: URL"

// Location is a parsed URI.
type Location struct {
	Kind Kind
	// Path of a File, with the separators of this system, as it was given: perhaps relative.
	Path string
	// URL of a URL.
	URL *url.URL
	// Name is the last element of the path, made safe as the name of a file.
	Name string

	text string
}

// String names the location to people, in one line, without what may be secret: the query of a URL.
func (l Location) String() string { return l.text }

// Parse parses a path or URI. Text before the first colon is a scheme if it is two or more letters, digits, "+", "-" and "." up to there,
// so that C:\rows.csv is a path. The error is one line that names the source; its code is Invalid.
func Parse(uri string) (Location, error) {
	switch {
	case uri == "":
		return Location{}, component.Errorf(component.Invalid, "no source is named: %s, or use artifact.FromBytes; a source that may be absent is a field of type *artifact.Source", forms)
	case len(uri) > maxLength:
		return Location{}, component.Errorf(component.Invalid, "source %s has a name of %d bytes: %s of at most %d bytes", Redact(uri), len(uri), forms, maxLength)
	case !utf8.ValidString(uri):
		return Location{}, component.Errorf(component.Invalid, "source %s has a name that is not UTF-8: %s", Redact(uri), forms)
	case strings.ContainsRune(uri, 0):
		return Location{}, component.Errorf(component.Invalid, "source %s has a zero byte in its name: %s", Redact(uri), forms)
	}
	l := Location{text: Redact(uri)}
	scheme, rest := cut(uri)
	var err error
	switch scheme {
	case "":
		l.Kind, l.Path = File, uri
	case "file":
		l.Kind = File
		l.Path, err = filePath(uri)
	case "https", "http":
		l.Kind = URL
		l.URL, err = webURL(uri)
	case "s3", "gs":
		l.Kind = Object
	case "bytes":
		l.Kind = Bytes
	default:
		err = component.Errorf(component.Invalid, "source %s has the unknown scheme %s: %s; a file whose name has a colon is written ./%s", l, scheme, forms, l)
	}
	if err != nil {
		return Location{}, err
	}
	switch l.Kind {
	case File:
		l.Name = safeName(filepath.ToSlash(l.Path))
	case URL:
		l.Name = safeName(l.URL.Path)
	default:
		l.Name = safeName(rest)
	}
	return l, nil
}

// cut splits off the scheme, in lower case. It is "" for a path.
func cut(uri string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || len(scheme) < 2 {
		return "", uri
	}
	for i, c := range []byte(scheme) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return "", uri
		}
	}
	return strings.ToLower(scheme), rest
}

func filePath(uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Opaque != "" || u.Path == "" || u.User != nil || u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || u.Fragment != "" {
		return "", component.Errorf(component.Invalid, "source %s is not a file: URL of this machine: want file:///absolute/path, with %%3F for ? and %%23 for #", Redact(uri))
	}
	if strings.ContainsRune(u.Path, 0) || !utf8.ValidString(u.Path) {
		return "", component.Errorf(component.Invalid, "source %s has a zero byte or what is not UTF-8 in its path: want file:///absolute/path", Redact(uri))
	}
	p := u.Path
	if len(p) > 2 && p[0] == '/' && p[2] == ':' && filepath.VolumeName(p[1:]) != "" { // file:///C:/rows.csv
		p = p[1:]
	}
	return filepath.FromSlash(p), nil
}

func webURL(uri string) (*url.URL, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" {
		return nil, component.Errorf(component.Invalid, "source %s is not a URL: want https://host/path, with spaces and other special characters as %%20", Redact(uri))
	}
	if u.User != nil {
		return nil, component.Errorf(component.Invalid, "source %s has a user name or password in its URL, which would be recorded with every run: remove them, and download the file with its credentials in a step", Redact(uri))
	}
	if !Allowed(u) {
		return nil, component.Errorf(component.Invalid, "source %s uses http:, by which anyone on the way can change the data: use https:", Redact(uri))
	}
	return u, nil
}

// Allowed reports whether data may be fetched from u: nobody between can change it.
func Allowed(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// Redact returns a URI for people: one line, shortened, without credentials and query.
func Redact(uri string) string {
	const limit = 200
	if scheme, _ := cut(uri); scheme != "" && scheme != "file" && scheme != "bytes" {
		uri = redactURL(scheme, uri)
	}
	if len(uri) > limit {
		uri = strings.ToValidUTF8(uri[:limit], "") + "..."
	}
	if strings.ContainsFunc(uri, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(uri) {
		return strconv.Quote(uri)
	}
	return uri
}

func redactURL(scheme, uri string) string {
	uri, _, _ = strings.Cut(uri, "#")
	uri, query, _ := strings.Cut(uri, "?")
	if query != "" {
		query = "?..."
	}
	u, err := url.Parse(uri)
	switch at := strings.LastIndexByte(uri, '@'); {
	case err == nil && u.Opaque == "":
		u.User = nil
		uri = u.String()
	case at >= 0: // malformed: what is before may be credentials
		uri = scheme + "://" + uri[at+1:]
	}
	return uri + query
}

// safeName returns the last element of a slash-separated path as a name that every system accepts.
func safeName(p string) string {
	const limit = 200
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`<>:"/\|?*`, r) || r == utf8.RuneError {
			return '_'
		}
		return r
	}, path.Base(p))
	if len(name) > limit { // the end has the extension
		name = strings.ToValidUTF8(name[len(name)-limit:], "")
	}
	if name = strings.TrimRight(name, ". "); name == "" || name == "_" {
		return "data"
	}
	return name
}
