package codec

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/tenon-ml/tenon/component"
)

// RowReader reads rows from a Parquet file, whoever wrote it, with memory bounded by its pages. Not safe for concurrent use.
type RowReader struct {
	rows   *Rows
	file   *parquet.File
	groups []parquet.RowGroup
	fields []fieldReader
	row    int64 // of the file, for errors
	left   int64 // rows of the current row group
	zones  decoder
}

// fieldReader reads the column of one field.
type fieldReader struct {
	field  rowField
	column int
	set    func(reflect.Value, parquet.Value) error
	zone   int // column of the zones; -1 for none
	values columnReader
	zoned  columnReader
	texts  map[string]string // short strings that were seen: columns repeat themselves
}

// OpenRows opens a Parquet file. A field takes the column of its name, or else the only one whose name differs in nothing but case.
// If strict, columns without a field are an error too. The error names field and column; its code is Invalid, or Corrupt if
// this is no Parquet file.
func OpenRows(r io.ReaderAt, size int64, rows *Rows, strict bool) (_ *RowReader, err error) {
	defer recoverParquet("open", &err)
	file, err := parquet.OpenFile(r, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true), parquet.ReadBufferSize(256<<10))
	if err != nil {
		return nil, component.Errorf(component.Corrupt, "open parquet: %w", err)
	}
	rr := &RowReader{rows: rows, file: file, groups: file.RowGroups()}
	leaves := make(map[string]*parquet.Column)
	var names []string
	for _, c := range file.Root().Columns() {
		leaves[c.Name()] = c
		names = append(names, c.Name())
	}
	used := make(map[string]bool)
	for _, f := range rows.fields {
		name, err := matchColumn(f, names)
		if err != nil {
			return nil, err
		}
		used[name] = true
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
	if len(r.groups) == 0 {
		return io.EOF
	}
	group := r.groups[0]
	r.groups = r.groups[1:]
	r.left = group.NumRows()
	chunks := group.ColumnChunks()
	for i := range r.fields {
		f := &r.fields[i]
		if err := f.values.reset(chunks[f.column]); err != nil {
			return err
		}
		if f.zone < 0 {
			continue
		}
		if err := f.zoned.reset(chunks[f.zone]); err != nil {
			return err
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

// assign sets a field of any row type, nil where the column has null.
func (f *fieldReader) assign(field reflect.Value, v parquet.Value) error {
	switch {
	case v.IsNull() && (f.field.pointer || f.field.typ.Kind() == reflect.Slice):
		field.SetZero()
		return nil
	case v.IsNull():
		return component.Errorf(component.Invalid, "null does not fit field %s of type %s: make it a pointer", f.field.field, f.field.typ)
	case f.field.pointer:
		p := reflect.New(f.field.typ)
		err := f.set(p.Elem(), v)
		field.Set(p.Convert(field.Type()))
		return err
	}
	return f.set(field, v)
}

// setZoned sets a time from an instant and a zone, of which either may be null.
func (f *fieldReader) setZoned(field reflect.Value, v, zone parquet.Value, zones *decoder) error {
	if zone.IsNull() {
		return f.assign(field, v)
	}
	s, far, err := parseZone(string(zone.ByteArray()))
	if err != nil {
		return err
	}
	if far != v.IsNull() {
		return component.Errorf(component.Corrupt, "time and zone do not fit together")
	}
	t := time.Unix(s.seconds, s.nanos).UTC()
	if !far {
		if err := f.set(reflect.ValueOf(&t).Elem(), v); err != nil {
			return err
		}
	}
	if s.zone != "UTC" || s.abbrev != "UTC" || s.offset != 0 {
		t = t.In(zones.location(t, s))
	}
	if f.field.pointer {
		field.Set(reflect.ValueOf(&t).Convert(field.Type()))
		return nil
	}
	field.Set(reflect.ValueOf(t))
	return nil
}

func parseZone(text string) (s timeParts, far bool, err error) {
	n, err := fmt.Sscan(zoneWords(text), &s.offset, &s.seconds, &s.nanos)
	far = n == 3
	if n != 1 && n != 3 || s.nanos < 0 || s.nanos > 999_999_999 || s.offset < -1<<31 || s.offset > 1<<31-1 {
		return s, far, component.Errorf(component.Corrupt, "time zone %.80q is malformed", text)
	}
	rest := text
	for _, part := range [...]*string{&s.zone, &s.abbrev} {
		if *part, rest, err = nextZoneWord(rest); err != nil {
			return s, far, component.Errorf(component.Corrupt, "time zone %.80q is malformed", text)
		}
	}
	return s, far, nil
}

// readAll reads every row into a slice variable, growing it with what arrives.
func (r *RowReader) readAll(v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, int(min(max(r.NumRows(), 0), 1<<16))))
	for {
		n := v.Len()
		v.Grow(batchRows)
		v.SetLen(n + min(v.Cap()-n, 64<<10))
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

// columnReader yields the values of one column chunk. A value is valid until the next call.
type columnReader struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    []parquet.Value
	rest   []parquet.Value
	done   bool // the page has no more values to read
}

func (c *columnReader) reset(chunk parquet.ColumnChunk) error {
	c.close()
	if c.buf == nil {
		c.buf = make([]parquet.Value, 512)
	}
	c.pages = chunk.Pages()
	return nil
}

func (c *columnReader) next() (parquet.Value, error) {
	for len(c.rest) == 0 {
		if err := c.fill(); err != nil {
			return parquet.Value{}, err
		}
	}
	v := c.rest[0]
	c.rest = c.rest[1:]
	return v, nil
}

func (c *columnReader) fill() error {
	if c.page == nil || c.done {
		parquet.Release(c.page)
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return component.Errorf(component.Corrupt, "the column ends before the others")
		}
		if err != nil {
			c.page = nil
			return component.Errorf(component.Corrupt, "read page: %w", err)
		}
		c.page, c.values, c.done = page, page.Values(), false
	}
	n, err := c.values.ReadValues(c.buf)
	c.rest = c.buf[:n]
	if errors.Is(err, io.EOF) || err == nil && n == 0 {
		c.done = true
		return nil
	}
	if err != nil {
		return component.Errorf(component.Corrupt, "read values: %w", err)
	}
	return nil
}

func (c *columnReader) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	if c.pages != nil {
		_ = c.pages.Close()
	}
	*c = columnReader{buf: c.buf}
}
