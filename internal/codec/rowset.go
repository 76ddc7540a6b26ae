package codec

import (
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tenon-ml/tenon/component"
)

// setter returns how values of a column type are set in the field, without losing anything.
func (f *fieldReader) setter(column parquet.Type) (func(reflect.Value, parquet.Value) error, error) {
	kind, logical := f.field.typ.Kind(), column.LogicalType()
	if logical == nil {
		logical = &format.LogicalType{}
	}
	integer := column.Kind() == parquet.Int32 || column.Kind() == parquet.Int64
	binary := column.Kind() == parquet.ByteArray || column.Kind() == parquet.FixedLenByteArray
	refuse := func() (func(reflect.Value, parquet.Value) error, error) {
		return nil, component.Errorf(component.Invalid, "column %q of type %s does not fit field %s of type %s", f.field.name, column, f.field.field, f.field.typ)
	}
	switch {
	case logical.Value != nil && isDecimal(logical):
		return refuse()
	case f.field.time():
		return f.timeSetter(column, logical, refuse)
	case kind == reflect.Bool && column.Kind() == parquet.Boolean:
		return func(dst reflect.Value, v parquet.Value) error { dst.SetBool(v.Boolean()); return nil }, nil
	case kind == reflect.Float32 && column.Kind() == parquet.Float:
		return func(dst reflect.Value, v parquet.Value) error {
			*float32bits(dst) = math.Float32bits(v.Float())
			return nil
		}, nil
	case kind == reflect.Float64 && column.Kind() == parquet.Double:
		return func(dst reflect.Value, v parquet.Value) error { dst.SetFloat(v.Double()); return nil }, nil
	case kind == reflect.Float64 && column.Kind() == parquet.Float:
		return func(dst reflect.Value, v parquet.Value) error { dst.SetFloat(float64(v.Float())); return nil }, nil
	case kind == reflect.String && column.Kind() == parquet.ByteArray:
		return func(dst reflect.Value, v parquet.Value) error { dst.SetString(f.text(v.ByteArray())); return nil }, nil
	case kind == reflect.Slice && binary:
		return func(dst reflect.Value, v parquet.Value) error {
			dst.SetBytes(append([]byte{}, v.ByteArray()...))
			return nil
		}, nil
	case numericKind(kind) && integer:
		return integerSetter(column, logical), nil
	}
	return refuse()
}

// text returns b as a string, the same one for short ones that repeat.
func (f *fieldReader) text(b []byte) string {
	if s, ok := f.texts[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(b) <= 64 && len(f.texts) < 4096 {
		f.texts[s] = s
	}
	return s
}

func integerSetter(column parquet.Type, logical *format.LogicalType) func(reflect.Value, parquet.Value) error {
	unsigned := isUnsigned(logical)
	narrow := column.Kind() == parquet.Int32
	return func(dst reflect.Value, v parquet.Value) error {
		var i int64
		switch {
		case narrow && unsigned:
			i = int64(v.Uint32())
		case narrow:
			i = int64(v.Int32())
		default:
			i = v.Int64()
		}
		big := unsigned && i < 0 // beyond 2^63
		var fits bool
		switch {
		case dst.CanInt():
			if fits = !big && !dst.OverflowInt(i); fits {
				dst.SetInt(i)
			}
		case dst.CanUint():
			if fits = (unsigned || i >= 0) && !dst.OverflowUint(uint64(i)); fits {
				dst.SetUint(uint64(i))
			}
		default:
			limit := int64(1) << 53
			if dst.Kind() == reflect.Float32 {
				limit = 1 << 24
			}
			if fits = i >= -limit && i <= limit; fits {
				dst.SetFloat(float64(i))
			}
		}
		if fits {
			return nil
		}
		shown := strconv.FormatInt(i, 10)
		if big {
			shown = strconv.FormatUint(uint64(i), 10)
		}
		return component.Errorf(component.Invalid, "%s does not fit type %s", shown, dst.Type())
	}
}

func (f *fieldReader) timeSetter(column parquet.Type, logical *format.LogicalType, refuse func() (func(reflect.Value, parquet.Value) error, error)) (func(reflect.Value, parquet.Value) error, error) {
	set := func(at func(parquet.Value) time.Time) (func(reflect.Value, parquet.Value) error, error) {
		return func(dst reflect.Value, v parquet.Value) error {
			*dst.Addr().Interface().(*time.Time) = at(v).UTC()
			return nil
		}, nil
	}
	switch unit := timestampUnit(logical); {
	case column.Kind() == parquet.Int64 && unit == time.Millisecond:
		return set(func(v parquet.Value) time.Time { return time.UnixMilli(v.Int64()) })
	case column.Kind() == parquet.Int64 && unit == time.Microsecond:
		return set(func(v parquet.Value) time.Time { return time.UnixMicro(v.Int64()) })
	case column.Kind() == parquet.Int64 && unit == time.Nanosecond:
		return set(func(v parquet.Value) time.Time { return time.Unix(0, v.Int64()) })
	case column.Kind() == parquet.Int32 && isDate(logical):
		return set(func(v parquet.Value) time.Time { return time.Unix(int64(v.Int32())*86400, 0) })
	case column.Kind() == parquet.Int96:
		return set(func(v parquet.Value) time.Time {
			// Nanoseconds of the day, and the Julian day: how Spark and Impala wrote times.
			i := v.Int96()
			const epoch = 2_440_588
			return time.Unix((int64(i[2])-epoch)*86400, int64(uint64(i[1])<<32|uint64(i[0])))
		})
	}
	return refuse()
}

func isDecimal(l *format.LogicalType) bool { _, ok := l.Value.(*format.DecimalType); return ok }
func isDate(l *format.LogicalType) bool    { _, ok := l.Value.(*format.DateType); return ok }

func isUnsigned(l *format.LogicalType) bool {
	i, ok := l.Value.(*format.IntType)
	return ok && !i.IsSigned
}

// timestampUnit returns 0 for what is no timestamp.
func timestampUnit(l *format.LogicalType) time.Duration {
	t, ok := l.Value.(*format.TimestampType)
	if !ok || t.Unit.Value == nil {
		return 0
	}
	return t.Unit.Value.Duration()
}
