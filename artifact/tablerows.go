package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// tableBatch is how many rows are handed to and taken from the columns at once: as many as package codec does for a slice, so that the
// same rows give the same bytes.
const tableBatch = 2048

func encodeTable[T any](ctx context.Context, w io.Writer, v any, layout *codec.Rows) (codec.Info, error) {
	table, err := valueAs[Table[T]](v)
	if err != nil {
		return codec.Info{}, err
	}
	if table.rows == nil {
		return codec.Info{}, errNoRows[T]()
	}
	out := codec.NewRowWriter(w, layout)
	var batch []T
	written := 0
	flush := func() error {
		err := out.Write(reflect.ValueOf(batch))
		written += len(batch)
		clear(batch)
		batch = batch[:0]
		return err
	}
	for row, err := range table.Rows(ctx) {
		if err != nil {
			return codec.Info{}, fmt.Errorf("after %d rows: %w", written+len(batch), err)
		}
		batch = append(batch, row)
		if len(batch) < tableBatch {
			continue
		}
		if err := flush(); err != nil {
			return codec.Info{}, err
		}
	}
	if err := flush(); err != nil {
		return codec.Info{}, err
	}
	return out.Close(false)
}

// decodeTable keeps the verified content at hand, in a file unless it is tiny, since Parquet is read from several places.
func decodeTable[T any](ctx context.Context, c codec.Content, layout *codec.Rows) (any, error) {
	p := pass[T]{layout: layout, strict: true, explain: func(err error) error { return err }}
	if c.Size() <= InlineLimit {
		memory, err := codec.Spool(ctx, c)
		if err != nil {
			return nil, err
		}
		p.open = func() (seekable, error) { return memory, nil } // closing it does nothing
	} else {
		path, _, err := codec.SpoolFile(ctx, c, "table.parquet")
		if err != nil {
			return nil, err
		}
		p.open = openPath(path)
	}
	// Columns that do not fit are an error now, before the step is called.
	f, err := p.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := codec.OpenRows(f, f.Size(), layout, true)
	if err != nil {
		return nil, err
	}
	return Table[T]{rows: p.rows}, r.Close()
}

// seekable is content that can be read at any place.
type seekable interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

type openFile struct {
	*os.File
	size int64
}

func (f openFile) Size() int64 { return f.size }

func openPath(path string) func() (seekable, error) {
	return func() (seekable, error) {
		if path == "" {
			return nil, component.Errorf(component.Invalid, "the path is empty")
		}
		f, info, err := openRegular(path, "open")
		if err != nil {
			return nil, err
		}
		return openFile{f, info.Size()}, nil
	}
}

// pass reads the rows of a Parquet file from the first to the last.
type pass[T any] struct {
	open    func() (seekable, error)
	layout  *codec.Rows
	strict  bool
	explain func(error) error
}

func (p pass[T]) rows(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := p.read(ctx, yield); err != nil {
			yield(*new(T), p.explain(err))
		}
	}
}

// read returns nil if yield wants no more.
func (p pass[T]) read(ctx context.Context, yield func(T, error) bool) error {
	f, err := p.open()
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := codec.OpenRows(f, f.Size(), p.layout, p.strict)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing can be lost
	batch := make([]T, min(max(r.NumRows(), 1), tableBatch))
	for {
		n, err := r.Read(reflect.ValueOf(batch))
		for _, row := range batch[:n] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(row, nil) {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
