package codec

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/tenon-ml/tenon/component"
)

// RowReader reads rows from a Parquet file, whoever wrote it, with memory bounded by its pages. Not safe for concurrent use.
type RowReader struct {
	rows   *Rows
	file   *parquet.File
	data   io.ReaderAt
	group  int // the next row group
	fields []fieldReader
	row    int64 // of the file, for errors
	left   int64 // rows of the current row group
	zones  decoder
}

// OpenRows opens a Parquet file. A field takes the column of its name, or else the only one whose name differs in nothing but case.
// If strict, columns without a field are an error too. The error names field and column; its code is Invalid, or Corrupt if
// this is no Parquet file.
func OpenRows(r io.ReaderAt, size int64, rows *Rows, strict bool) (_ *RowReader, err error) {
	defer recoverParquet("open", &err)
	file, err := openParquet(r, size)
	if err != nil {
		return nil, err
	}
	rr := &RowReader{rows: rows, file: file, data: r}
	leaves := make(map[string]*parquet.Column)
	var names []string
	for _, c := range file.Root().Columns() {
		if leaves[c.Name()] != nil {
			return nil, component.Errorf(component.Invalid, "the file has two columns %q", c.Name())
		}
		leaves[c.Name()] = c
		names = append(names, c.Name())
	}
	used := make(map[string]bool)
	for _, f := range rows.fields {
		name, err := matchColumn(f, names)
		if err != nil {
			return nil, err
		}
		if used[name] {
			return nil, component.Errorf(component.Invalid, "no column %q for field %s: column %q is taken by another field", f.name, f.field, name)
		}
		used[name] = true
		f.name = name // as the file spells it
		c := leaves[name]
		if !c.Leaf() || c.Repeated() {
			return nil, component.Errorf(component.Invalid, "column %q for field %s is nested: only plain columns can be read into a struct", name, f.field)
		}
		fr := fieldReader{field: f, column: c.Index(), zone: -1, texts: make(map[string]string)}
		if fr.set, err = fr.setter(c.Type()); err != nil {
			return nil, err
		}
		if z := leaves[name+zoneSuffix]; f.time() && z != nil && z.Leaf() && z.Type().Kind() == parquet.ByteArray {
			fr.zone = z.Index()
			used[name+zoneSuffix] = true
		}
		rr.fields = append(rr.fields, fr)
	}
	for _, name := range names {
		if strict && !used[name] {
			return nil, component.Errorf(component.Invalid, "column %q has no field in %s and would be lost: add one, or tag the field that it is for with parquet:%q",
				name, typeName(rows.typ), name)
		}
	}
	return rr, nil
}

func openParquet(r io.ReaderAt, size int64) (*parquet.File, error) {
	if err := checkFooter(r, size); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true), parquet.ReadBufferSize(256<<10))
	if err != nil {
		return nil, component.Errorf(component.Corrupt, "open parquet: %w", err)
	}
	return file, nil
}

func matchColumn(f rowField, names []string) (string, error) {
	var fold []string
	for _, n := range names {
		if n == f.name {
			return n, nil
		}
		if strings.EqualFold(n, f.name) {
			fold = append(fold, n)
		}
	}
	switch len(fold) {
	case 1:
		return fold[0], nil
	case 0:
		shown := names[:min(len(names), 20)]
		return "", component.Errorf(component.Invalid, "no column %q for field %s: the columns are %s; name the right one with a tag such as parquet:%q",
			f.name, f.field, strings.Join(shown, ", "), append(shown, "name")[0])
	}
	return "", component.Errorf(component.Invalid, "field %s could be any of the columns %s: name one with a tag such as parquet:%q", f.field, strings.Join(fold, ", "), fold[0])
}

// NumRows returns the number of rows that the file says it has.
func (r *RowReader) NumRows() int64 { return r.file.NumRows() }

// Nil reports whether the file holds a nil list.
func (r *RowReader) Nil() bool {
	v, _ := r.file.Lookup(nilKey)
	return v == "true"
}

// Read fills a slice from its start and returns how many rows it read: less than asked for only with an error, which is io.EOF
// at the end.
func (r *RowReader) Read(into reflect.Value) (n int, err error) {
	defer recoverParquet("read", &err)
	for n < into.Len() {
		if r.left == 0 {
			if err := r.nextGroup(); err != nil {
				return n, err
			}
			continue
		}
		batch := into.Slice(n, n+int(min(int64(into.Len()-n), batchRows, r.left)))
		for i := range r.fields {
			if err := r.readColumn(&r.fields[i], batch); err != nil {
				return n, err
			}
		}
		n += batch.Len()
		r.row += int64(batch.Len())
		r.left -= int64(batch.Len())
	}
	return n, nil
}

func (r *RowReader) nextGroup() error {
	groups := r.file.RowGroups()
	if r.group == len(groups) {
		return io.EOF
	}
	group := groups[r.group]
	if r.left = group.NumRows(); r.left < 0 {
		return component.Errorf(component.Corrupt, "row group of %d rows", r.left)
	}
	chunks, meta := group.ColumnChunks(), r.file.Metadata().RowGroups[r.group].Columns
	r.group++
	open := func(c *columnReader, column int) error {
		if err := checkPages(r.data, r.file.Size(), &meta[column].MetaData); err != nil {
			return err
		}
		c.reset(chunks[column])
		return nil
	}
	for i := range r.fields {
		f := &r.fields[i]
		if err := open(&f.values, f.column); err != nil {
			return within(fmt.Sprintf("column %q", f.field.name), err)
		}
		if f.zone < 0 {
			continue
		}
		if err := open(&f.zoned, f.zone); err != nil {
			return within(fmt.Sprintf("column %q", f.field.name+zoneSuffix), err)
		}
	}
	return nil
}

func (r *RowReader) readColumn(f *fieldReader, batch reflect.Value) error {
	at := func(row int, err error) error {
		return component.Errorf(component.CodeOf(err), "row %d, column %q: %w", r.row+int64(row), f.field.name, err)
	}
	for row := range batch.Len() {
		v, err := f.values.next()
		if err != nil {
			return at(row, err)
		}
		field := batch.Index(row).Field(f.field.index)
		if f.zone >= 0 {
			zone, err := f.zoned.next()
			if err == nil {
				err = f.setZoned(field, v, zone, &r.zones)
			}
			if err != nil {
				return at(row, err)
			}
			continue
		}
		if err := f.assign(field, v); err != nil {
			return at(row, err)
		}
	}
	return nil
}

// readAll reads every row into a slice variable, growing it with what arrives. A file whose rows would take more than limit bytes
// of memory is refused: nulls and repeated values can be packed without bound.
func (r *RowReader) readAll(v reflect.Value, limit int64) error {
	most := int(min(limit/int64(r.rows.typ.Size()), math.MaxInt32<<16))
	// The number of rows is trusted up to 64 MiB.
	v.Set(reflect.MakeSlice(v.Type(), 0, int(min(max(r.NumRows(), 0), 64<<20/int64(r.rows.typ.Size()), int64(most)))))
	for {
		n := v.Len()
		if n >= most {
			return component.Errorf(component.Exhausted, "the file has %d rows, which take more than %d MiB of memory: read it row by row as an artifact.Table", r.NumRows(), limit>>20)
		}
		if n == v.Cap() {
			v.Grow(batchRows)
		}
		v.SetLen(min(most, n+min(v.Cap()-n, 64<<10)))
		got, err := r.Read(v.Slice(n, v.Len()))
		v.SetLen(n + got)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Close releases what the reader holds, but for the file.
func (r *RowReader) Close() (err error) {
	defer recoverParquet("close", &err)
	for i := range r.fields {
		r.fields[i].values.close()
		r.fields[i].zoned.close()
	}
	return nil
}
