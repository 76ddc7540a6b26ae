// Package codec is the contract between values and bytes, without type parameters, and the codecs that need nothing of Tenon.
//
// A [Codec] is chosen once per type, when a pipeline is built ([For]); building fails for a type that would not come back as
// it went. Package artifact adds the codecs of its own types through [SelfCoded].
package codec

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// Codec writes values of one Go type and reads them back. Immutable, safe for concurrent use.
type Codec struct {
	Name    string // "cbor", "parquet", "acme/dense"
	Version int    // of the byte form; a Codec reads every version up to its own
	Type    reflect.Type
	// Encode streams v, whose dynamic type is assignable to Type, and tells what it saw on the way.
	Encode func(ctx context.Context, w io.Writer, v any) (Info, error)
	// Decode returns a new value whose type is Type. It reads the content to its end, so that the digest is verified, or
	// defers reading to the value itself (blobs).
	Decode func(ctx context.Context, c Content) (any, error)
	// Rows is the layout of what the codec writes, if that is Parquet.
	Rows *Rows
}

// ID returns the name and version as recorded in an artifact.Record: "cbor/1".
func (c Codec) ID() string { return fmt.Sprintf("%s/%d", c.Name, c.Version) }

// ParseID splits what [Codec.ID] joined.
func ParseID(id string) (name string, version int, err error) {
	slash := strings.LastIndexByte(id, '/')
	if slash < 1 {
		return "", 0, fmt.Errorf("malformed codec %.80q, want name/version", id)
	}
	version, err = strconv.Atoi(id[slash+1:])
	if err != nil || version < 1 {
		return "", 0, fmt.Errorf("malformed codec %.80q, want name/version", id)
	}
	return id[:slash], version, nil
}

// Info is extracted from a value while it is encoded.
type Info struct {
	Meta    map[string]any // JSON scalars, lists and maps only; no NaN or infinity
	Preview string         // bounded by artifact.PreviewLimit, valid UTF-8
}

// Content is what a codec decodes.
type Content interface {
	// Open opens the bytes. The reader verifies the digest: it fails in place of io.EOF if the bytes are wrong.
	Open(ctx context.Context) (io.ReadCloser, error)
	// Size in bytes.
	Size() int64
	// Version of the codec that wrote the bytes.
	Version() int
	// Meta is what the codec extracted when the bytes were written.
	Meta() map[string]any
	// TempDir returns a new directory that lives as long as the value may be used.
	TempDir() (string, error)
}

// SelfCoded is implemented by types of package artifact that bring their own codec: File, Dir, Blob, Table. The method
// is called on a zero value.
type SelfCoded interface{ TenonCodec() (Codec, error) }
