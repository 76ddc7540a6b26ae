package export

import (
	"context"
	"errors"
	"io"
	"iter"
	"reflect"

	"github.com/tenon-ml/tenon/internal/codec"
)

// Table reads the rows of Parquet content. Not safe for concurrent use.
type Table struct {
	columns []Column
	spooled *codec.Spooled
	reader  *codec.RowReader
	rows    *codec.Rows
}

// Column of a table.
type Column struct {
	Name   string
	Type   string // of its values, such as "int64", "string" and "time"
	Number bool
}

// OpenTable opens content of the kind Rows, after it has copied and verified it: in memory if it is small, else in a file. The caller closes
// the table. The error of a column that is nested or of a type that is not read names it; its code is Invalid.
func OpenTable(ctx context.Context, c codec.Content) (_ *Table, err error) {
	spooled, err := codec.Spool(ctx, c)
	if err != nil {
		return nil, err
	}
	t := &Table{spooled: spooled}
	if t.rows, err = codec.RowsIn(spooled, spooled.Size()); err == nil {
		t.reader, err = codec.OpenRows(spooled, spooled.Size(), t.rows, true)
	}
	if err != nil {
		_ = spooled.Close()
		return nil, err
	}
	for i := range t.rows.Type().NumField() {
		name, typ := t.rows.Column(i)
		number := typ.Kind() >= reflect.Int && typ.Kind() <= reflect.Float64
		t.columns = append(t.columns, Column{Name: name, Type: codec.TypeString(typ, nil), Number: number})
	}
	return t, nil
}

// Columns returns the columns in their order: at least one.
func (t *Table) Columns() []Column { return t.columns }

// NumRows returns the number of rows that the file says it has.
func (t *Table) NumRows() int64 { return t.reader.NumRows() }

// Rows yields the rows in order, once. A row is valid until the next one. An error is the last that is yielded.
func (t *Table) Rows(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		// One row at a time: a short file may hold long strings many times over, and what is held is bounded by a row then.
		batch := reflect.MakeSlice(reflect.SliceOf(t.rows.Type()), 1, 1)
		for {
			err := ctx.Err()
			if err == nil {
				_, err = t.reader.Read(batch)
			}
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(Row{}, err)
				return
			case !yield(Row{batch.Index(0)}, nil):
				return
			}
		}
	}
}

// Close releases what the table holds.
func (t *Table) Close() {
	_ = t.reader.Close()
	_ = t.spooled.Close() // the content's Close removes what may be left
}

// Row of a table.
type Row struct{ v reflect.Value }

// Cell returns the value in a column.
func (r Row) Cell(column int) Cell { return Cell{r.v.Field(column)} }
