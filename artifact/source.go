package artifact

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/internal/source/location"
)

// Source is a parameter that names data from outside: a file, a directory, a URL, or bytes in the program. Its content is pinned when a run is
// submitted: the digest is recorded, is part of the cache key of every step that has the Source among its fields, and is checked
// when the step reads. So an edited file is never a stale hit, and no step ever computes with other data than the run recorded.
//
// The zero value names nothing and cannot be pinned; a source that may be absent is a field of type *Source. As text, in YAML and in flags, a
// Source is its URI. A Source is immutable and safe for concurrent use.
type Source struct {
	uri  string
	data []byte // of FromBytes, never nil then
	h    *ref.SourceHandle
}

// From names a source:
//
//   - a path of a file or directory; a relative one starts at the working directory of the program that submits the run
//   - a file: URL of a file or directory, file:///absolute/path
//   - an https: URL of a file, downloaded into the artifact store once, and asked for changes when a run is submitted; http: only of this machine
//
// A directory's content is the names and contents of all files below it. Symbolic links to files are followed; links to directories,
// devices and the like are errors. From does not fail: a URI that is malformed, or names nothing, is reported when the run is submitted.
func From(uri string) Source { return Source{uri: uri} }

// FromBytes is a source whose content is in the program, usually by go:embed. The name is for people, and its last element names the file that
// [Source.Path] returns. Data must not be changed afterwards.
func FromBytes(name string, data []byte) Source {
	if data == nil {
		data = []byte{}
	}
	return Source{uri: "bytes:" + name, data: data}
}

// URI returns the path or URI that names the source, as it was given; "bytes:" and the name for [FromBytes].
func (s Source) URI() string { return s.uri }

// IsZero reports whether s names nothing.
func (s Source) IsZero() bool { return s.uri == "" }

// String names the source to people. Unlike [Source.URI] it leaves out the query of a URL, which may be a credential.
func (s Source) String() string { return location.Redact(s.uri) }

// MarshalText returns the URI. The content of [FromBytes] is not part of it: within a run, it comes from the artifact store. The
// error's code is Invalid, for a URI that UnmarshalText would refuse.
func (s Source) MarshalText() ([]byte, error) {
	if s.uri == "" {
		return []byte{}, nil
	}
	if _, err := location.Parse(s.uri); err != nil {
		return nil, err
	}
	return []byte(s.uri), nil
}

// UnmarshalText sets s to the source that a path or URI names, and to the zero value if text is empty. The URI that s has already changes
// nothing, so that a default of [FromBytes] keeps its content. The error's code is Invalid.
func (s *Source) UnmarshalText(text []byte) error {
	switch string(text) {
	case "":
		*s = Source{}
		return nil
	case s.uri:
		return nil
	}
	if _, err := location.Parse(string(text)); err != nil {
		return err
	}
	*s = From(string(text))
	return nil
}

// Open opens the content of a file for reading; the caller closes it. In a step, the reader returns an error with code Corrupt in place of io.EOF
// if the content is not what was pinned, so a step that reads to the end never accepts other data. Outside a run, as in a unit test that calls a
// step, it reads paths, file: URLs and [FromBytes] without a check. A directory has a [Source.Path] only.
//
// The error's code is NotFound or PermissionDenied as for any file, Corrupt if a file no longer is what was pinned, Invalid for a directory or a
// malformed URI, FailedPrecondition for a URL outside a run and for a Source in a step that is not a field of its input.
func (s Source) Open(ctx context.Context) (io.ReadCloser, error) {
	if s.h != nil {
		return s.h.Opener.Open(ctx, s.h.Pin)
	}
	l, err := s.outside(ctx)
	if err != nil {
		return nil, err
	}
	if s.data != nil {
		return io.NopCloser(bytes.NewReader(s.data)), nil
	}
	info, err := os.Stat(l.Path)
	if err != nil {
		return nil, fileError(l, err)
	}
	if info.IsDir() {
		return nil, component.Errorf(component.Invalid, "source %s is a directory: use Path", l)
	}
	f, err := os.Open(l.Path)
	if err != nil {
		return nil, fileError(l, err)
	}
	return f, nil
}

// Path returns a local path of the content, a file or a directory, whose last element is that of the source. In a step, the content is checked against
// what was pinned before Path returns; what has not changed since is not read again. The path may be that of the user's own file: a step must not
// change it. A URL and [FromBytes] get a copy that lives as long as the attempt; outside a run the copy of FromBytes lives until ctx ends. Errors
// are those of [Source.Open].
func (s Source) Path(ctx context.Context) (string, error) {
	if s.h != nil {
		return s.h.Opener.Path(ctx, s.h.Pin)
	}
	l, err := s.outside(ctx)
	if err != nil {
		return "", err
	}
	if s.data != nil {
		return s.copy(ctx, l.Name)
	}
	if _, err := os.Stat(l.Path); err != nil {
		return "", fileError(l, err)
	}
	path, err := filepath.Abs(l.Path)
	if err != nil {
		return "", fileError(l, err)
	}
	return path, nil
}

// outside parses the URI of a source that no run has pinned.
func (s Source) outside(ctx context.Context) (location.Location, error) {
	if err := ctx.Err(); err != nil {
		return location.Location{}, component.Errorf(component.CodeOf(err), "open source %s: %w", s, err)
	}
	l, err := location.Parse(s.uri)
	if err != nil {
		return l, err
	}
	if in := scope.From(ctx); in != nil {
		return l, component.Errorf(component.FailedPrecondition, "source %s is no field of the input of step %s, so its content is neither pinned nor in the cache key: pass it to the step as a field", l, in.Step)
	}
	switch {
	case l.Kind == location.Bytes && s.data == nil:
		return l, component.Errorf(component.FailedPrecondition, "source %s has no content: it was read from text, and artifact.FromBytes keeps the content in the program only", l)
	case l.Kind == location.URL, l.Kind == location.Object:
		return l, component.Errorf(component.FailedPrecondition, "source %s can be opened within a run only, which downloads it: outside, name a local file or use artifact.FromBytes", l)
	}
	return l, nil
}

func (s Source) copy(ctx context.Context, name string) (string, error) {
	dir, err := os.MkdirTemp("", "tenon-source-")
	if err != nil {
		return "", component.Errorf(component.FailedPrecondition, "copy source %s: %w", s, err)
	}
	context.AfterFunc(ctx, func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, s.data, 0o600); err != nil {
		return "", component.Errorf(component.FailedPrecondition, "copy source %s: %w", s, err)
	}
	return path, nil
}

func fileError(l location.Location, err error) error {
	code := component.Invalid
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = component.NotFound
	case errors.Is(err, fs.ErrPermission):
		code = component.PermissionDenied
	}
	return component.Errorf(code, "open source %s: %w", l, err)
}

// TenonSource is for this module alone.
func (s *Source) TenonSource(ref.Access) ref.SourceSlot {
	return ref.SourceSlot{URI: s.uri, Data: s.data, Handle: &s.h}
}
