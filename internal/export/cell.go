package export

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/jsonfloat"
)

// Cell is one value of a row.
type Cell struct{ v reflect.Value }

// Null reports whether there is no value.
func (c Cell) Null() bool {
	k := c.v.Kind()
	return (k == reflect.Pointer || k == reflect.Slice) && c.v.IsNil()
}

// Len returns the number of bytes of a string or of bytes; 0 for any other value.
func (c Cell) Len() int {
	if v := reflect.Indirect(c.v); v.Kind() == reflect.String || v.Kind() == reflect.Slice {
		return v.Len()
	}
	return 0
}

// Text is the value in full: a float in as many digits as tell it from all others, bytes as base64; null is empty. A string is as it is, whatever it
// holds.
func (c Cell) Text() string {
	if c.Null() {
		return ""
	}
	v := reflect.Indirect(c.v)
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Float32, reflect.Float64:
		if name, ok := jsonfloat.Name(v.Float()); ok {
			return name
		}
		return string(codec.AppendJSONFloat(nil, v.Float(), v.Type().Bits()))
	}
	return string(appendPlain(nil, v))
}

// appendJSON appends the value as JSON. A string that is not UTF-8 is {"base64": ...}.
func (c Cell) appendJSON(out []byte) []byte {
	if c.Null() {
		return append(out, "null"...)
	}
	v := reflect.Indirect(c.v)
	switch k := v.Kind(); {
	case k == reflect.String:
		s := v.String()
		if !utf8.ValidString(s) {
			out = base64.StdEncoding.AppendEncode(append(out, `{"base64":"`...), []byte(s))
			return append(out, `"}`...)
		}
		return codec.AppendJSONString(out, s)
	case k == reflect.Float32 || k == reflect.Float64:
		return codec.AppendJSONFloat(out, v.Float(), v.Type().Bits())
	case k == reflect.Bool || v.CanInt() || v.CanUint():
		return appendPlain(out, v)
	}
	return append(appendPlain(append(out, '"'), v), '"')
}

// appendPlain appends a value whose text is the same everywhere and needs no quoting within quotes.
func appendPlain(out []byte, v reflect.Value) []byte {
	switch k := v.Kind(); {
	case k == reflect.Bool:
		return strconv.AppendBool(out, v.Bool())
	case v.CanInt():
		return strconv.AppendInt(out, v.Int(), 10)
	case v.CanUint():
		return strconv.AppendUint(out, v.Uint(), 10)
	case k == reflect.Slice:
		return base64.StdEncoding.AppendEncode(out, v.Bytes())
	}
	return v.Interface().(time.Time).AppendFormat(out, time.RFC3339Nano) // the only other type of a column
}
