package strictyaml

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema of what decodes into v, a struct or a pointer to one that holds the defaults: properties under the
// names of [FieldName], described by their doc tags. No property is required.
func Schema(v any) *jsonschema.Schema {
	r := reflect.ValueOf(v)
	for r.Kind() == reflect.Pointer && !r.IsNil() {
		r = r.Elem()
	}
	if !r.IsValid() {
		return &jsonschema.Schema{}
	}
	return schemaOf(r.Type(), r, nil)
}

// schemaOf returns the schema of t, with the defaults that v holds if it is valid. Within holds the types that enclose t: a
// recursive type ends in "anything".
func schemaOf(t reflect.Type, v reflect.Value, within []reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		if v.IsValid() {
			v = v.Elem()
		}
		return schemaOf(t.Elem(), v, within)
	}
	if t == reflect.TypeFor[Node]() || slices.Contains(within, t) {
		return &jsonschema.Schema{}
	}
	if isLeaf(t) {
		return withDefault(leafSchema(t), v)
	}
	switch t.Kind() {
	case reflect.Struct:
		s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}}
		within = append(within[:len(within):len(within)], t)
		for _, f := range fieldsOf(t).list {
			var inner reflect.Value
			if v.IsValid() {
				inner, _ = v.FieldByIndexErr(f.index)
			}
			p := schemaOf(f.typ, inner, within)
			p.Description = f.doc
			s.Properties[f.name] = p
			s.PropertyOrder = append(s.PropertyOrder, f.name)
		}
		return s
	case reflect.Map:
		return withDefault(&jsonschema.Schema{Type: "object", AdditionalProperties: schemaOf(t.Elem(), reflect.Value{}, within)}, v)
	case reflect.Slice:
		return withDefault(&jsonschema.Schema{Type: "array", Items: schemaOf(t.Elem(), reflect.Value{}, within)}, v)
	case reflect.Array:
		n := t.Len()
		return withDefault(&jsonschema.Schema{Type: "array", Items: schemaOf(t.Elem(), reflect.Value{}, within), MinItems: &n, MaxItems: &n}, v)
	}
	return &jsonschema.Schema{}
}

func leafSchema(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", Examples: []any{"1m30s"}}
	case t == reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case implementsText(t) && t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return &jsonschema.Schema{Types: []string{"string", "number"}} // such as "4GiB"
	case implementsText(t):
		return &jsonschema.Schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Slice:
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}
	case reflect.Float32, reflect.Float64:
		return &jsonschema.Schema{Type: "number"}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"} // bounds that JSON readers would round
	case reflect.Int8, reflect.Int16, reflect.Int32:
		bound := math.Ldexp(1, t.Bits()-1)
		return &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(-bound), Maximum: jsonschema.Ptr(bound - 1)}
	}
	if t.Bits() == 64 {
		return &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(0.0)}
	}
	return &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(0.0), Maximum: jsonschema.Ptr(math.Ldexp(1, t.Bits()) - 1)}
}

// withDefault adds what v holds, unless it is the zero value, which says as much as no default.
func withDefault(s *jsonschema.Schema, v reflect.Value) *jsonschema.Schema {
	if !v.IsValid() || v.IsZero() {
		return s
	}
	if text, err := json.Marshal(plainOf(v)); err == nil { // NaN and infinities have no JSON
		s.Default = text
	}
	return s
}
