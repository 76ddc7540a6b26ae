package codec

import (
	"context"
	"io"
	"reflect"

	"github.com/tenon-ml/tenon/component"
)

// bytesCodec stores a byte slice as it is. Nil and empty have the same bytes and hence the same digest; the metadata tells them
// apart.
func bytesCodec(t reflect.Type) Codec {
	return Codec{
		Name: "bytes", Version: 1, Type: t,
		Encode: func(_ context.Context, w io.Writer, v any) (Info, error) {
			rv, err := valueOf(t, v)
			if err != nil {
				return Info{}, err
			}
			meta := map[string]any{"length": rv.Len()}
			if rv.IsNil() {
				meta["nil"] = true
			}
			if _, err := w.Write(rv.Bytes()); err != nil {
				return Info{}, err
			}
			return Info{Meta: meta, Preview: previewBytes(rv.Bytes())}, nil
		},
		Decode: func(ctx context.Context, c Content) (any, error) {
			data, err := readAll(ctx, c)
			if err != nil {
				return nil, err
			}
			v := reflect.New(t).Elem()
			if isNil, _ := c.Meta()["nil"].(bool); !isNil || len(data) > 0 {
				v.SetBytes(data)
			}
			return v.Interface(), nil
		},
	}
}

// textCodec stores a string as it is.
func textCodec(t reflect.Type) Codec {
	return Codec{
		Name: "text", Version: 1, Type: t,
		Encode: func(_ context.Context, w io.Writer, v any) (Info, error) {
			rv, err := valueOf(t, v)
			if err != nil {
				return Info{}, err
			}
			s := rv.String()
			if _, err := io.WriteString(w, s); err != nil {
				return Info{}, err
			}
			return Info{Meta: map[string]any{"length": len(s)}, Preview: Printable(s)}, nil
		},
		Decode: func(ctx context.Context, c Content) (any, error) {
			data, err := readAll(ctx, c)
			if err != nil {
				return nil, err
			}
			v := reflect.New(t).Elem()
			v.SetString(string(data))
			return v.Interface(), nil
		},
	}
}

// marshaledCodec stores what a type's own marshaler writes.
func marshaledCodec(t reflect.Type, m marshaler) Codec {
	name := "binary"
	if m == textMarshaler {
		name = "marshaled-text"
	}
	return Codec{
		Name: name, Version: 1, Type: t,
		Encode: func(_ context.Context, w io.Writer, v any) (Info, error) {
			rv, err := valueOf(t, v)
			if err != nil {
				return Info{}, err
			}
			data, err := marshal(m, addressable(rv))
			if err != nil {
				return Info{}, err
			}
			if _, err := w.Write(data); err != nil {
				return Info{}, err
			}
			if m == textMarshaler {
				return Info{Preview: Printable(string(data))}, nil
			}
			return Info{Preview: previewBytes(data)}, nil
		},
		Decode: func(ctx context.Context, c Content) (any, error) {
			data, err := readAll(ctx, c)
			if err != nil {
				return nil, err
			}
			v := reflect.New(t).Elem()
			if err := unmarshal(m, data, v); err != nil {
				return nil, component.Errorf(decodeCode(err), "%w", err)
			}
			return v.Interface(), nil
		},
	}
}
