package artifact

import (
	"context"
	"errors"
	"io"

	"github.com/tenon-ml/tenon/internal/ref"
)

// Source is a parameter that names data from outside.
type Source struct {
	uri  string
	data []byte
	h    *ref.SourceHandle
}

// From names a source.
func From(uri string) Source { return Source{uri: uri} }

// FromBytes is a source whose content is in the program.
func FromBytes(name string, data []byte) Source { return Source{uri: "bytes:" + name, data: data} }

// URI returns what names the source.
func (s Source) URI() string { return s.uri }

// IsZero reports whether s names nothing.
func (s Source) IsZero() bool { return s.uri == "" }

// String returns the URI.
func (s Source) String() string { return s.uri }

// MarshalText returns the URI.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.uri), nil }

// UnmarshalText parses a URI.
func (s *Source) UnmarshalText(text []byte) error { *s = From(string(text)); return nil }

// Open opens the content.
func (s Source) Open(ctx context.Context) (io.ReadCloser, error) { return nil, errors.New("stub") }

// Path returns a local path.
func (s Source) Path(ctx context.Context) (string, error) { return "", errors.New("stub") }

// TenonSource is for this module alone.
func (s *Source) TenonSource(ref.Access) ref.SourceSlot {
	return ref.SourceSlot{URI: s.uri, Data: s.data, Handle: &s.h}
}
