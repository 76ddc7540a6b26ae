package codec

import (
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tenon-ml/tenon/component"
)

// Rows is how a flat struct is laid out as Parquet columns. Immutable, safe for concurrent use.
//
// A column is called like its field, or as the field's parquet tag says. Pointers and byte slices are optional columns: nil is
// null. A time is a timestamp in nanoseconds and, as Parquet keeps no zones, a second column with the suffix "_zone", which is null
// for UTC; an instant outside of the years 1678 to 2261 is null in the first column and spelled out in the second.
type Rows struct {
	typ    reflect.Type
	fields []rowField
	schema func() *parquet.Schema
	plain  func() *parquet.Schema // without compression
}

type rowField struct {
	name    string // of the column
	field   string // of the struct
	index   int
	typ     reflect.Type // of the value, without the pointer
	pointer bool
	column  int // index in the schema of what Tenon writes; a time has another one behind it
}

func (f rowField) time() bool { return f.typ == reflect.TypeFor[time.Time]() }

const zoneSuffix = "_zone"

// RowsOf returns the layout of a flat struct: exported fields of bool, integer, float, string, byte slice and time types, pointers to
// them but for byte slices, and named types of these. The error of another type names the field; its code is Invalid.
func RowsOf(t reflect.Type, user []Codec) (*Rows, error) {
	refuse := func(format string, args ...any) (*Rows, error) {
		return nil, component.Errorf(component.Invalid, "rows of %s: "+format, append([]any{typeName(t)}, args...)...)
	}
	if t.Kind() != reflect.Struct || owned(t, user) {
		return refuse("want a struct of plain fields")
	}
	if t.NumField() == 0 {
		return refuse("a struct without fields makes no columns")
	}
	r := &Rows{typ: t}
	names := make(map[string]bool)
	columns := 0
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			return refuse("field %s is unexported and would be lost: export it", f.Name)
		}
		name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		if name == "-" {
			return refuse("field %s would be left out by its tag and lost: remove the tag", f.Name)
		}
		if name == "" {
			name = f.Name
		}
		rf := rowField{name: name, field: f.Name, index: i, typ: f.Type, column: columns}
		if f.Type.Kind() == reflect.Pointer {
			rf.typ, rf.pointer = f.Type.Elem(), true
		}
		if !rf.time() && (owned(rf.typ, user) || !flatKind(rf.typ, rf.pointer)) {
			return refuse("field %s of type %s is no plain value: use a bool, number, string, []byte or time.Time", f.Name, f.Type)
		}
		taken := []string{name}
		if rf.time() {
			taken = append(taken, name+zoneSuffix)
		}
		for _, n := range taken {
			if names[n] {
				return refuse("two fields make the column %q: name one of them otherwise with a parquet tag", n)
			}
			names[n] = true
		}
		columns += len(taken)
		r.fields = append(r.fields, rf)
	}
	r.schema = sync.OnceValue(func() *parquet.Schema { return r.buildSchema(true) })
	r.plain = sync.OnceValue(func() *parquet.Schema { return r.buildSchema(false) })
	return r, nil
}

func flatKind(t reflect.Type, pointer bool) bool {
	k := t.Kind()
	switch {
	case k == reflect.Bool || k == reflect.String || numericKind(k):
		return true
	case k == reflect.Slice:
		return isByte(t.Elem()) && !pointer
	}
	return false
}

// ordered is a group whose columns are in the order of the struct's fields; parquet.Group sorts them.
type ordered struct {
	parquet.Group
	columns []parquet.Field
}

func (o ordered) Fields() []parquet.Field { return o.columns }

type columnNode struct {
	parquet.Node
	name string
}

func (c columnNode) Name() string { return c.name }

// Value is of no use, as rows are written column by column.
func (c columnNode) Value(reflect.Value) reflect.Value { return reflect.Value{} }

func (r *Rows) buildSchema(compressed bool) *parquet.Schema {
	o := ordered{Group: parquet.Group{}}
	add := func(name string, n parquet.Node, optional bool) {
		if compressed {
			n = parquet.Compressed(n, &zstd.Codec{Level: zstd.SpeedFastest})
		}
		if optional {
			n = parquet.Optional(n)
		}
		o.Group[name] = n
		o.columns = append(o.columns, columnNode{n, name})
	}
	for _, f := range r.fields {
		if f.time() {
			add(f.name, parquet.Timestamp(parquet.Nanosecond), true)
			add(f.name+zoneSuffix, parquet.Encoded(parquet.String(), &parquet.RLEDictionary), true)
			continue
		}
		add(f.name, leaf(f.typ), f.pointer || f.typ.Kind() == reflect.Slice)
	}
	return parquet.NewSchema("row", o)
}

func leaf(t reflect.Type) parquet.Node {
	bits := int(t.Size()) * 8
	switch k := t.Kind(); {
	case k == reflect.Bool:
		return parquet.Leaf(parquet.BooleanType)
	case k == reflect.Float32:
		return parquet.Leaf(parquet.FloatType)
	case k == reflect.Float64:
		return parquet.Leaf(parquet.DoubleType)
	case k == reflect.String:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case k == reflect.Slice:
		return parquet.Leaf(parquet.ByteArrayType)
	case k >= reflect.Uint && k <= reflect.Uint64:
		return parquet.Uint(bits)
	}
	return parquet.Int(bits)
}
