package strictyaml

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/tenon-ml/tenon/internal/jsonfloat"
)

// JSON returns what [Plain] returns as JSON. Numbers that JSON does not have are the strings "NaN", "Infinity" and "-Infinity".
func JSON(v any) (json.RawMessage, error) { return json.Marshal(finite(Plain(v))) }

// finite replaces, in what Plain made, the numbers that JSON does not have.
func finite(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = finite(v[k])
		}
	case []any:
		for i := range v {
			v[i] = finite(v[i])
		}
	case float32:
		return number(float64(v), v)
	case float64:
		return number(v, v)
	}
	return v
}

// number returns v, or the string for f if that is not finite.
func number(f float64, v any) any {
	if name, ok := jsonfloat.Name(f); ok {
		return name
	}
	return v
}

// Plain returns v as maps, lists and scalars under the names of [FieldName], for JSON and for people: durations as "1m30s", what
// marshals to text as text, byte slices in base64. Fields that are nil are left out. Text that cannot be made is the error's.
func Plain(v any) any { return plainOf(reflect.ValueOf(v)) }

func plainOf(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if _, ok := v.Interface().(encoding.TextMarshaler); !ok {
			return plainOf(v.Elem())
		}
	}
	switch x := v.Interface().(type) {
	case Node:
		var out any
		_ = x.Decode(&out)
		return out
	case time.Duration:
		return x.String()
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.Struct:
		out := map[string]any{}
		for _, f := range fieldsOf(v.Type()).list {
			inner, err := v.FieldByIndexErr(f.index)
			if err != nil || isNil(inner) {
				continue
			}
			out[f.name] = plainOf(inner)
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for k, elem := range v.Seq2() {
			out[fmt.Sprint(plainOf(k))] = plainOf(elem)
		}
		return out
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return base64.StdEncoding.EncodeToString(v.Bytes())
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = plainOf(v.Index(i))
		}
		return out
	}
	if v.Type().PkgPath() == "" {
		return v.Interface()
	}
	switch { // a defined type is shown as what it is made of
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return v.Float()
	}
	return v.Interface()
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return v.IsNil()
	}
	return false
}
