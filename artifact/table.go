package artifact

import (
	"context"
	"fmt"
	"io"
	"iter"
	"reflect"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// Table is a sequence of rows that need not fit in memory. T is a struct with exported fields of bool, integer, float, string, []byte and
// time.Time types, and pointers to them for values that may be missing; anything else is an error when the pipeline is built, and
// the error names the field. A field `parquet:"name"` is the column of that name.
//
// Tables are stored as Parquet, as slices of such structs are: what was stored as one can be read as the other. They are written and
// read row by row with bounded memory.
//
// A step returns a Table made by [NewTable], [TableOf] or [FromParquet]; its rows are read once, when the step has returned. A
// step receives a Table whose rows may be ranged over as often as it likes, also concurrently, while the attempt lasts.
//
// The zero Table has no source of rows: ranging over it yields an error, and storing it is one. A table without rows is
// TableOf[T](nil). A Table is immutable and as safe for concurrent use as the sequence it was made of.
type Table[T any] struct {
	rows func(context.Context) iter.Seq2[T, error]
}

// NewTable returns a table of the rows that a sequence yields. The first error ends it: while the table is stored the error
// fails the step, and nothing is stored. What a row points to must not be changed after it was yielded, since rows are written in batches.
func NewTable[T any](rows iter.Seq2[T, error]) Table[T] {
	if rows == nil {
		return Table[T]{}
	}
	return Table[T]{rows: func(ctx context.Context) iter.Seq2[T, error] {
		return func(yield func(T, error) bool) {
			for row, err := range rows {
				if err == nil {
					err = ctx.Err()
				}
				if !yieldRow(yield, row, err) {
					return
				}
			}
		}
	}}
}

// TableOf returns a table of rows in memory, which must not be changed afterwards.
func TableOf[T any](rows []T) Table[T] {
	return NewTable(func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	})
}

// FromParquet returns a table of the rows of a local Parquet file, whoever wrote it. The file is opened each time the rows are ranged over,
// which is also when errors show. A field takes the column of its name, or the only one whose name differs in nothing but case. Columns
// without a field are not read; a column that is missing, or cannot become its field without loss, is an error that names both.
func FromParquet[T any](path string) Table[T] {
	what := fmt.Sprintf("parquet file %q", path)
	layout, err := codec.RowsOf(reflect.TypeFor[T](), nil)
	if err != nil {
		return NewTable(func(yield func(T, error) bool) { yield(*new(T), failed(what, err)) })
	}
	p := pass[T]{open: openPath(path), layout: layout, explain: func(err error) error { return pathFailed(what, err) }}
	return Table[T]{rows: p.rows}
}

// Rows yields the rows in order. An error comes with the zero T and is the last that is yielded; the end of ctx is one. Breaking out of
// the loop releases everything.
func (t Table[T]) Rows(ctx context.Context) iter.Seq2[T, error] {
	if t.rows == nil {
		return func(yield func(T, error) bool) { yield(*new(T), errNoRows[T]()) }
	}
	return t.rows(ctx)
}

// Collect returns all rows in memory. It is not nil unless there is an error.
func (t Table[T]) Collect(ctx context.Context) ([]T, error) {
	all := []T{}
	for row, err := range t.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

func errNoRows[T any]() error {
	return component.Errorf(component.Invalid, "table of %s without rows: make it with artifact.NewTable, TableOf or FromParquet", reflect.TypeFor[T]())
}

// yieldRow reports whether to go on.
func yieldRow[T any](yield func(T, error) bool, row T, err error) bool {
	if err != nil {
		yield(*new(T), err)
		return false
	}
	return yield(row, nil)
}

// TenonCodec is for this module alone. The error names the field that makes T no row.
func (Table[T]) TenonCodec() (codec.Codec, error) {
	layout, err := codec.RowsOf(reflect.TypeFor[T](), nil)
	if err != nil {
		return codec.Codec{}, err
	}
	return codec.Codec{
		Name: "parquet", Version: 1, Type: reflect.TypeFor[Table[T]](), Rows: layout,
		Encode: func(ctx context.Context, w io.Writer, v any) (codec.Info, error) {
			return encodeTable[T](ctx, w, v, layout)
		},
		Decode: func(ctx context.Context, c codec.Content) (any, error) { return decodeTable[T](ctx, c, layout) },
	}, nil
}

// TenonType is for this module alone: a table has the structural type of a list of its rows.
func (Table[T]) TenonType() string {
	if _, err := codec.RowsOf(reflect.TypeFor[T](), nil); err != nil {
		return "table"
	}
	return codec.TypeString(reflect.TypeFor[[]T](), nil)
}
