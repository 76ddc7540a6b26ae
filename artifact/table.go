package artifact

import (
	"context"
	"iter"

	"github.com/tenon-ml/tenon/internal/codec"
)

// Table is a sequence of rows that is not held in memory.
type Table[T any] struct {
	rows func(context.Context) iter.Seq2[T, error]
}

// NewTable returns a table of rows.
func NewTable[T any](rows iter.Seq2[T, error]) Table[T] {
	return Table[T]{rows: func(context.Context) iter.Seq2[T, error] { return rows }}
}

// Rows yields the rows.
func (t Table[T]) Rows(ctx context.Context) iter.Seq2[T, error] { return t.rows(ctx) }

// TenonCodec is for this module alone.
func (Table[T]) TenonCodec() (codec.Codec, error) { return codec.Codec{}, nil }
