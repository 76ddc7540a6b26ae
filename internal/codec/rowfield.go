package codec

import (
	"reflect"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/tenon-ml/tenon/component"
)

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
