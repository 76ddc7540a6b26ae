package codec

import (
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tenon-ml/tenon/component"
)

// maxFileColumns bounds the columns of a file whose struct is not known: each takes memory while it is read.
const maxFileColumns = 4096

// RowsIn returns a layout for the rows of a Parquet file, whoever wrote it, to read them where their struct is not known: its type is a
// struct with a field for each column, in the file's order. The fields of optional columns are pointers, or byte slices. The error names a column that
// is nested or of a type that is not read, with the code Invalid; the code is Corrupt if this is no Parquet file.
func RowsIn(r io.ReaderAt, size int64) (_ *Rows, err error) {
	defer recoverParquet("open", &err)
	file, err := openParquet(r, size)
	if err != nil {
		return nil, err
	}
	columns := file.Root().Columns()
	switch {
	case len(columns) == 0:
		return nil, component.Errorf(component.Invalid, "the file has no columns")
	case len(columns) > maxFileColumns:
		return nil, component.Errorf(component.Exhausted, "the file has %d columns: at most %d are read", len(columns), maxFileColumns)
	}
	texts := make(map[string]bool, len(columns)) // columns that may hold the zones of another
	for _, c := range columns {
		texts[c.Name()] = c.Leaf() && c.Type().Kind() == parquet.ByteArray
	}
	zones := make(map[string]bool)
	rows := &Rows{}
	var fields []reflect.StructField
	for _, c := range columns {
		if zones[c.Name()] {
			continue
		}
		if !c.Leaf() || c.Repeated() {
			return nil, component.Errorf(component.Invalid, "column %q is nested: only plain columns are read", c.Name())
		}
		t, err := fieldType(c.Type())
		if err != nil {
			return nil, component.Errorf(component.Invalid, "column %q: %w", c.Name(), err)
		}
		f := rowField{name: c.Name(), field: "F" + strconv.Itoa(len(fields)), index: len(fields), typ: t, pointer: c.Optional() && t.Kind() != reflect.Slice}
		if zone := c.Name() + zoneSuffix; f.time() && texts[zone] {
			zones[zone] = true
		}
		if f.pointer {
			t = reflect.PointerTo(t)
		}
		rows.fields = append(rows.fields, f)
		fields = append(fields, reflect.StructField{Name: f.field, Type: t})
	}
	rows.typ = reflect.StructOf(fields)
	return rows, nil
}

// fieldType returns the type of a field that holds every value of a column.
func fieldType(column parquet.Type) (reflect.Type, error) {
	logical := column.LogicalType()
	if logical == nil {
		logical = &format.LogicalType{}
	}
	if isDecimal(logical) {
		return nil, component.Errorf(component.Invalid, "decimals are not read")
	}
	if isDate(logical) || timestampUnit(logical) != 0 || column.Kind() == parquet.Int96 {
		return reflect.TypeFor[time.Time](), nil
	}
	switch column.Kind() {
	case parquet.Boolean:
		return reflect.TypeFor[bool](), nil
	case parquet.Int32, parquet.Int64:
		return integerType(column, logical), nil
	case parquet.Float:
		return reflect.TypeFor[float32](), nil
	case parquet.Double:
		return reflect.TypeFor[float64](), nil
	case parquet.ByteArray:
		if isText(logical) {
			return reflect.TypeFor[string](), nil
		}
	}
	return reflect.TypeFor[[]byte](), nil
}

func integerType(column parquet.Type, logical *format.LogicalType) reflect.Type {
	switch unsigned, wide := isUnsigned(logical), column.Kind() == parquet.Int64; {
	case unsigned && wide:
		return reflect.TypeFor[uint64]()
	case unsigned:
		return reflect.TypeFor[uint32]()
	case wide:
		return reflect.TypeFor[int64]()
	}
	return reflect.TypeFor[int32]()
}

func isText(l *format.LogicalType) bool {
	switch l.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return true
	}
	return false
}

// Type returns the struct that a row is.
func (r *Rows) Type() reflect.Type { return r.typ }

// Column returns the name of the column that the field i of a row is, and the type of its values.
func (r *Rows) Column(i int) (name string, t reflect.Type) { return r.fields[i].name, r.fields[i].typ }
