package codec

import (
	"context"
	"io"
	"reflect"

	"github.com/tenon-ml/tenon/component"
)

// cborCodec stores any type whose every value survives, as deterministic CBOR (RFC 8949, section 4.2).
//
// Writer and reader are Tenon's own, because a general library loses what has to survive here: it follows json tags, merges embedded structs,
// skips unexported fields, takes a pointer to nil for nil, drops time zones, knows no codec for a single type, holds a value whole before it
// writes, and ends the process on a cycle. The walk over the type that refuses what would be lost has to exist anyway. Tests hold the
// bytes against such a library.
func cborCodec(t reflect.Type, user []Codec) (Codec, error) {
	p, err := planOf(t, user)
	if err != nil {
		return Codec{}, err
	}
	describe := describer(t)
	return Codec{
		Name: "cbor", Version: 1, Type: t,
		Encode: func(ctx context.Context, w io.Writer, v any) (Info, error) {
			rv, err := valueOf(t, v)
			if err != nil {
				return Info{}, err
			}
			rv = addressable(rv)
			e := encoder{w: w, buf: make([]byte, 0, 64)}
			e.embed = func(c Codec, w io.Writer, v any) error {
				_, err := c.Encode(ctx, w, v)
				return err
			}
			if err := p.enc(&e, rv); err != nil {
				return Info{}, err
			}
			if _, err := w.Write(e.buf); err != nil {
				return Info{}, err
			}
			start := e.start
			if start == nil {
				start = e.buf[:min(len(e.buf), headSize)]
			}
			info := Info{Preview: previewCBOR(start)}
			if describe != nil {
				info.Meta = describe(rv)
			}
			return info, nil
		},
		Decode: func(ctx context.Context, c Content) (any, error) {
			data, err := readAll(ctx, c)
			if err != nil {
				return nil, err
			}
			d := decoder{data: data}
			d.embed = func(inner Codec, m memory) (any, error) {
				m.tempDir = c.TempDir
				return inner.Decode(ctx, m)
			}
			v := reflect.New(t).Elem()
			if err := d.all(p, v); err != nil {
				return nil, component.Errorf(decodeCode(err), "decode %s: %w", TypeString(t, user), err)
			}
			return v.Interface(), nil
		},
	}, nil
}

// decodeCode is the code of an error within verified content: what is malformed there is not what was stored.
func decodeCode(err error) component.Code {
	if code := component.CodeOf(err); code != component.Invalid && code != component.Unknown {
		return code
	}
	return component.Corrupt
}

// valueOf checks that v is a t.
func valueOf(t reflect.Type, v any) (reflect.Value, error) {
	rv := reflect.ValueOf(v)
	if rv.IsValid() && rv.Type() == t {
		return rv, nil
	}
	if !rv.IsValid() || !rv.Type().AssignableTo(t) {
		return rv, component.Errorf(component.Invalid, "value of type %T where %s is expected", v, t)
	}
	return rv.Convert(t), nil
}

// describer returns what extracts metadata of a list or map, or nil for other types.
func describer(t reflect.Type) func(reflect.Value) map[string]any {
	switch t.Kind() {
	case reflect.Map:
		return func(v reflect.Value) map[string]any { return map[string]any{"length": v.Len()} }
	case reflect.Slice, reflect.Array:
	default:
		return nil
	}
	depth, elem := 0, t
	for elem.Kind() == reflect.Slice || elem.Kind() == reflect.Array {
		depth, elem = depth+1, elem.Elem()
	}
	nested := depth > 1 && numericKind(elem.Kind())
	return func(v reflect.Value) map[string]any {
		meta := map[string]any{"length": v.Len()}
		if nested {
			if s := shape(v, depth); s != nil {
				meta["shape"] = s
			}
		}
		return meta
	}
}

// shape returns the lengths of a regular nested slice, or nil if it is ragged. It looks at no more than a thousand rows for each
// dimension, so that a ragged slice may pass for a regular one only if it is ragged far in.
func shape(v reflect.Value, depth int) []any {
	dims := []any{v.Len()}
	if depth == 1 {
		return dims
	}
	if v.Len() == 0 {
		return nil
	}
	first := shape(v.Index(0), depth-1)
	for i := range min(v.Len(), 1000) {
		if v.Index(i).Len() != v.Index(0).Len() {
			return nil
		}
	}
	if first == nil {
		return nil
	}
	return append(dims, first...)
}

// readAll reads the content whole, for codecs whose value is as large as its bytes.
func readAll(ctx context.Context, c Content) ([]byte, error) {
	r, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// The size is what the record says: trusted only so far as bytes arrive.
	data := make([]byte, 0, min(max(c.Size(), 0), 64<<20)+512)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			grown := make([]byte, len(data), min(2*len(data), max(int(c.Size()), len(data))+512+len(data)/8))
			copy(grown, data)
			data = grown
		}
	}
}
