package artifact

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/ref"
)

// Codec teaches a pipeline how values of type T are written and read, for types that no built-in codec round-trips. Pass it to
// pipeline.Codecs. The functions must be safe for concurrent use.
type Codec[T any] struct {
	// Name is recorded with every artifact: lower-case letters, digits, and ". _ / -", such as "acme/dense".
	Name string
	// Version of the byte form, from 1. Raise it when the form changes; Decode must keep reading the older ones, which it tells
	// apart by their bytes. Artifacts written by a newer version than this one are refused.
	Version int
	// Encode writes v. The same value must always give the same bytes, or nothing downstream of it is found in the cache.
	Encode func(w io.Writer, v T) error
	// Decode reads what Encode wrote. The bytes it does not read are read after it, to verify their digest.
	Decode func(r io.Reader) (T, error)
	// Describe is optional. Its meta holds JSON scalars, lists and maps, and its preview is a text for people; a
	// preview beyond PreviewLimit is cut.
	Describe func(v T) (meta map[string]any, preview string)
}

// AnyCodec is a [Codec] of any type.
type AnyCodec interface {
	// TenonAnyCodec is for this module alone: its parameter's type cannot be named elsewhere.
	TenonAnyCodec(ref.Access) (codec.Codec, error)
}

// TenonAnyCodec is for this module alone. It checks c and erases its type. The error's code is Invalid.
func (c Codec[T]) TenonAnyCodec(ref.Access) (codec.Codec, error) {
	t := reflect.TypeFor[T]()
	invalid := func(format string, args ...any) (codec.Codec, error) {
		return codec.Codec{}, component.Errorf(component.Invalid, "codec %q for %s: "+format, append([]any{c.Name, t}, args...)...)
	}
	switch {
	case c.Name == "" || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789._/-") != "":
		return invalid(`a name is made of a-z, 0-9, ".", "_", "/" and "-", such as "acme/dense"`)
	case codec.Reserved(c.Name):
		return invalid(`the name belongs to a built-in codec: put your own in front, such as "acme/%s"`, c.Name)
	case c.Version < 1:
		return invalid("version %d: versions start at 1", c.Version)
	case c.Encode == nil || c.Decode == nil:
		return invalid("Encode and Decode must both be set")
	}
	return codec.Codec{
		Name:    c.Name,
		Version: c.Version,
		Type:    t,
		Encode: func(_ context.Context, w io.Writer, v any) (info codec.Info, err error) {
			defer c.recovered("Encode", &err)
			value, ok := v.(T)
			if !ok && v != nil {
				return info, component.Errorf(component.Invalid, "codec %q for %s got a %T", c.Name, t, v)
			}
			if err := c.Encode(w, value); err != nil {
				return info, fmt.Errorf("codec %q: encode: %w", c.Name, err)
			}
			if c.Describe != nil {
				info.Meta, info.Preview = c.Describe(value)
				info, err = codec.CleanInfo(info)
				if err != nil {
					return info, fmt.Errorf("codec %q: describe: %w", c.Name, err)
				}
			}
			return info, nil
		},
		Decode: func(ctx context.Context, content codec.Content) (_ any, err error) {
			defer c.recovered("Decode", &err)
			r, err := content.Open(ctx)
			if err != nil {
				return nil, err
			}
			defer r.Close()
			v, decodeErr := c.Decode(r)
			// Corrupt bytes explain a decoding error, so the digest comes first.
			if _, err := io.Copy(io.Discard, r); err != nil {
				return nil, err
			}
			if decodeErr != nil {
				return nil, fmt.Errorf("codec %q: decode: %w", c.Name, decodeErr)
			}
			return v, nil
		},
	}, nil
}

func (c Codec[T]) recovered(what string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("codec %q: %s panicked: %v", c.Name, what, p)
	}
}
