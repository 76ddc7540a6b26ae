package codec

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"time"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"github.com/tenon-ml/tenon/component"
)

const (
	// A row group ends after this many rows or bytes of values: what a writer holds in memory.
	groupRows  = 128 << 10
	groupBytes = 48 << 20
	// batchRows is how many rows are written or read column by column at once.
	batchRows = 2048
	// nilKey marks a nil list in the metadata of its file.
	nilKey = "tenon.nil"
	// maxColumns bounds the columns that are described in the metadata.
	maxColumns = 64
)

// RowWriter writes rows as Parquet with bounded memory. Not safe for concurrent use.
type RowWriter struct {
	rows    *Rows
	w       *parquet.GenericWriter[any]
	columns []columnState
	values  []parquet.Value
	zones   []parquet.Value
	preview tablePreview
	total   int64
	group   int   // rows in the current row group
	bytes   int64 // estimate of the current row group's values
}

type columnState struct {
	span  *span
	nulls int64
	from  time.Time
	to    time.Time
}

// Plain is a writer for which rows are not compressed: what compresses them, and what unpacks them, is shared by the whole process, and a bubble
// of testing/synctest must not use what another one made.
type Plain interface {
	io.Writer
	Plain()
}

// NewRowWriter returns a writer of rows to w.
func NewRowWriter(w io.Writer, rows *Rows) *RowWriter {
	schema := rows.schema
	if _, plain := w.(Plain); plain {
		schema = rows.plain
	}
	rw := &RowWriter{
		rows: rows,
		w: parquet.NewGenericWriter[any](w, schema(),
			parquet.CreatedBy("tenon", "1", ""), // not the library's version: the same rows give the same bytes
			parquet.WriteBufferSize(256<<10),
			parquet.DictionaryMaxBytes(1<<20),
		),
		columns: make([]columnState, len(rows.fields)),
	}
	for i, f := range rows.fields {
		rw.columns[i].span = newSpan(f.typ.Kind())
	}
	return rw
}

// Write appends the rows of a slice.
func (w *RowWriter) Write(rows reflect.Value) (err error) {
	defer recoverParquet("write", &err)
	w.preview.add(w.rows, rows)
	for n := rows.Len(); n > 0; n = rows.Len() {
		batch := rows.Slice(0, w.batch(rows, min(n, batchRows, groupRows-w.group)))
		rows = rows.Slice(batch.Len(), n)
		for i := range w.rows.fields {
			if err := w.writeColumn(i, batch); err != nil {
				return fmt.Errorf("write column %q: %w", w.rows.fields[i].name, err)
			}
		}
		w.total += int64(batch.Len())
		w.group += batch.Len()
		if w.group >= groupRows || w.bytes >= groupBytes {
			if err := w.w.Flush(); err != nil {
				return err
			}
			w.group, w.bytes = 0, 0
		}
	}
	return nil
}

// batch returns how many of the first n rows are written at once: fewer if their strings are long.
func (w *RowWriter) batch(rows reflect.Value, n int) int {
	bytes := w.bytes
	for row := range n {
		for i := range w.rows.fields {
			f := &w.rows.fields[i]
			if k := f.typ.Kind(); k != reflect.String && k != reflect.Slice {
				continue
			}
			if v := reflect.Indirect(rows.Index(row).Field(f.index)); v.IsValid() {
				bytes += int64(v.Len())
			}
		}
		if bytes >= groupBytes {
			return row + 1
		}
	}
	return n
}

func (w *RowWriter) writeColumn(i int, batch reflect.Value) error {
	f := &w.rows.fields[i]
	w.values, w.zones = w.values[:0], w.zones[:0]
	optional := f.pointer || f.time() || f.typ.Kind() == reflect.Slice
	for row := range batch.Len() {
		v := batch.Index(row).Field(f.index)
		switch {
		case f.pointer && v.IsNil():
			w.columns[i].nulls++
			w.values = append(w.values, parquet.NullValue().Level(0, 0, f.column))
			w.zones = append(w.zones, parquet.NullValue().Level(0, 0, f.column+1))
			continue
		case f.pointer:
			v = v.Elem()
		case f.typ.Kind() == reflect.Slice && v.IsNil():
			w.columns[i].nulls++
			w.values = append(w.values, parquet.NullValue().Level(0, 0, f.column))
			continue
		}
		if f.time() {
			if err := w.addTime(i, *v.Addr().Interface().(*time.Time)); err != nil {
				return err
			}
			continue
		}
		level := 0
		if optional {
			level = 1
		}
		w.values = append(w.values, w.value(i, v).Level(0, level, f.column))
	}
	columns := w.w.ColumnWriters()
	w.bytes += int64(len(w.values)) * 8
	if f.time() {
		if _, err := columns[f.column+1].WriteRowValues(w.zones); err != nil {
			return err
		}
	}
	_, err := columns[f.column].WriteRowValues(w.values)
	return err
}

func (w *RowWriter) value(i int, v reflect.Value) parquet.Value {
	s := w.columns[i].span
	switch v.Kind() {
	case reflect.Bool:
		return parquet.BooleanValue(v.Bool())
	case reflect.Int, reflect.Int64:
		s.int(v.Int())
		return parquet.Int64Value(v.Int())
	case reflect.Int8, reflect.Int16, reflect.Int32:
		s.int(v.Int())
		return parquet.Int32Value(int32(v.Int()))
	case reflect.Uint, reflect.Uint64:
		s.uint(v.Uint())
		return parquet.Int64Value(int64(v.Uint()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		s.uint(v.Uint())
		return parquet.Int32Value(int32(v.Uint()))
	case reflect.Float32:
		f := math.Float32frombits(*float32bits(v))
		s.float(float64(f))
		return parquet.FloatValue(f)
	case reflect.Float64:
		s.float(v.Float())
		return parquet.DoubleValue(v.Float())
	case reflect.String:
		w.bytes += int64(v.Len())
		text := v.String()
		return parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(text), len(text))) //nolint:gosec // the library copies it
	}
	w.bytes += int64(v.Len())
	return parquet.ByteArrayValue(v.Bytes())
}

func (w *RowWriter) addTime(i int, t time.Time) error {
	if err := checkZone(t); err != nil {
		return err
	}
	f, c := &w.rows.fields[i], &w.columns[i]
	if !c.span.seen || t.Before(c.from) {
		c.from = t
	}
	if !c.span.seen || t.After(c.to) {
		c.to = t
	}
	c.span.seen = true
	value := parquet.NullValue().Level(0, 0, f.column)
	far := t.Before(time.Unix(0, math.MinInt64)) || t.After(time.Unix(0, math.MaxInt64))
	if !far {
		value = parquet.Int64Value(t.UnixNano()).Level(0, 1, f.column)
	}
	zone := parquet.NullValue().Level(0, 0, f.column+1)
	if far || t.Location() != time.UTC {
		zone = parquet.ByteArrayValue([]byte(zoneText(t, far))).Level(0, 1, f.column+1)
	}
	w.values = append(w.values, value)
	w.zones = append(w.zones, zone)
	return nil
}

// Close ends the file and tells what was written; isNil marks a list that was nil rather than empty.
func (w *RowWriter) Close(isNil bool) (info Info, err error) {
	defer recoverParquet("write", &err)
	if isNil {
		w.w.SetKeyValueMetadata(nilKey, "true")
	}
	if err := w.w.Close(); err != nil {
		return Info{}, err
	}
	columns := make([]any, 0, min(len(w.columns), maxColumns))
	for i, c := range w.columns[:min(len(w.columns), maxColumns)] {
		f := w.rows.fields[i]
		m := map[string]any{"name": f.name, "type": TypeString(f.typ, nil)}
		if c.nulls > 0 {
			m["nulls"] = c.nulls
		}
		if numericKind(f.typ.Kind()) {
			c.span.describe(m)
		}
		if f.time() && c.span.seen {
			m["min"], m["max"] = c.from.Format(time.RFC3339Nano), c.to.Format(time.RFC3339Nano)
		}
		columns = append(columns, m)
	}
	meta := map[string]any{"rows": w.total, "columns": columns}
	if len(w.columns) > maxColumns {
		meta["more_columns"] = len(w.columns) - maxColumns
	}
	return Info{Meta: meta, Preview: w.preview.render(w.rows, w.total)}, nil
}

func recoverParquet(what string, err *error) {
	if p := recover(); p != nil {
		*err = component.Errorf(component.Corrupt, "parquet: %s: %v", what, p)
	}
}
