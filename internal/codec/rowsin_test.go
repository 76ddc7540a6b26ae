package codec

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/tenon-ml/tenon/component"
)

// TestRowsInKnowNoStruct reads rows without their struct, and holds each value against the one that was written.
func TestRowsInKnowNoStruct(t *testing.T) {
	t.Parallel()
	written := allKindsRows(t)
	want, data := reflect.ValueOf(written), encode(t, codecFor[[]allKinds](t), written).data
	rows, err := RowsIn(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if got, fields := rows.Type().NumField(), want.Type().Elem().NumField(); got != fields {
		t.Fatalf("%d columns, want %d", got, fields)
	}
	r, err := OpenRows(bytes.NewReader(data), int64(len(data)), rows, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := reflect.MakeSlice(reflect.SliceOf(rows.Type()), want.Len(), want.Len())
	if n, err := r.Read(got); n != want.Len() || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	for row := range want.Len() {
		for i := range want.Type().Elem().NumField() {
			name, _ := rows.Column(i)
			w, g := want.Index(row).Field(i), got.Index(row).Field(i)
			if (w.Kind() == reflect.Pointer || w.Kind() == reflect.Slice) && w.IsNil() {
				if !g.IsNil() {
					t.Errorf("row %d, column %s: %v, want null", row, name, g)
				}
				continue
			}
			if !sameValue(reflect.Indirect(w), reflect.Indirect(g)) {
				t.Errorf("row %d, column %s: %v, want %v", row, name, reflect.Indirect(g), reflect.Indirect(w))
			}
		}
	}
}

// sameValue compares values of kinds that may have become wider.
func sameValue(want, got reflect.Value) bool {
	switch w := want.Interface().(type) {
	case time.Time:
		g, ok := got.Interface().(time.Time)
		return ok && w.Equal(g) && w.Format(time.RFC3339Nano) == g.Format(time.RFC3339Nano)
	case []byte:
		return bytes.Equal(w, got.Bytes())
	}
	switch {
	case want.CanInt():
		return got.CanInt() && want.Int() == got.Int()
	case want.CanUint():
		return got.CanUint() && want.Uint() == got.Uint()
	case want.Kind() == reflect.Float32:
		return *float32bits(addressable(want)) == *float32bits(addressable(got))
	case want.Kind() == reflect.Float64:
		return math.Float64bits(want.Float()) == math.Float64bits(got.Float())
	}
	return want.Kind() == got.Kind() && want.Interface() == got.Interface()
}

func TestRowsInRefuse(t *testing.T) {
	t.Parallel()
	many := parquet.Group{}
	for i := range maxFileColumns + 1 {
		many["c"+string(rune('a'+i%26))+string(rune('0'+i/26%10))+string(rune(0x4e00+i))] = parquet.Leaf(parquet.BooleanType)
	}
	for _, test := range []struct {
		name, want string
		code       component.Code
		schema     parquet.Group
	}{
		{"nested", `column "a" is nested: only plain columns are read`, component.Invalid, parquet.Group{"a": parquet.Group{"b": parquet.Leaf(parquet.BooleanType)}}},
		{"list", `column "a" is nested: only plain columns are read`, component.Invalid, parquet.Group{"a": parquet.Repeated(parquet.Leaf(parquet.BooleanType))}},
		{"decimal", `column "a": decimals are not read`, component.Invalid, parquet.Group{"a": parquet.Decimal(2, 9, parquet.Int32Type)}},
		{"too many", "the file has 4097 columns: at most 4096 are read", component.Exhausted, many},
	} {
		var b bytes.Buffer
		if err := parquet.NewGenericWriter[any](&b, parquet.NewSchema("row", test.schema)).Close(); err != nil {
			t.Fatal(err)
		}
		_, err := RowsIn(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err == nil || err.Error() != test.want || component.CodeOf(err) != test.code {
			t.Errorf("%s: %v, code %v, want %s", test.name, err, component.CodeOf(err), test.want)
		}
	}
	if _, err := RowsIn(bytes.NewReader([]byte("PAR1")), 4); component.CodeOf(err) != component.Corrupt {
		t.Errorf("no Parquet: %v", err)
	}
}
