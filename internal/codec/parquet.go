package codec

import (
	"context"
	"io"
	"reflect"
)

// parquetCodec stores a slice of flat structs.
func parquetCodec(t reflect.Type, rows *Rows) Codec {
	return Codec{
		Name: "parquet", Version: 1, Type: t, Rows: rows,
		Encode: func(_ context.Context, w io.Writer, v any) (Info, error) {
			rv, err := valueOf(t, v)
			if err != nil {
				return Info{}, err
			}
			rw := NewRowWriter(w, rows)
			if err := rw.Write(rv); err != nil {
				return Info{}, err
			}
			return rw.Close(rv.IsNil())
		},
		Decode: func(ctx context.Context, c Content) (any, error) {
			f, err := Spool(ctx, c)
			if err != nil {
				return nil, err
			}
			defer func() { _ = f.Close() }() // a temporary file
			r, err := OpenRows(f, f.Size(), rows, true)
			if err != nil {
				return nil, err
			}
			defer func() { _ = r.Close() }()
			v := reflect.New(t).Elem()
			if r.Nil() {
				return v.Interface(), nil
			}
			if err := r.readAll(v, max(1<<30, 1<<10*c.Size())); err != nil {
				return nil, err
			}
			return v.Interface(), nil
		},
	}
}
