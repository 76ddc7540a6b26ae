package component

import "reflect"

// clone returns a copy of v that shares no map, slice or pointer with it that is reached through exported fields. What has unexported
// fields is not data, such as a mutex or a logger: what they refer to, and pointers to it, are shared.
func clone[T any](v T) T {
	out := v
	cloneInto(reflect.ValueOf(&out).Elem(), map[any]reflect.Value{})
	return out
}

// cloneInto replaces what v refers to by copies. Done holds the copies of pointers, so that cycles end.
func cloneInto(v reflect.Value, done map[any]reflect.Value) {
	if !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			cloneInto(v.Field(i), done)
		}
	case reflect.Array:
		for i := range v.Len() {
			cloneInto(v.Index(i), done)
		}
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(out, v)
		for i := range out.Len() {
			cloneInto(out.Index(i), done)
		}
		v.Set(out)
	case reflect.Map:
		if v.IsNil() {
			return
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			out.SetMapIndex(key, cloned(value, done))
		}
		v.Set(out)
	case reflect.Interface:
		if !v.IsNil() {
			v.Set(cloned(v.Elem(), done))
		}
	case reflect.Pointer:
		if v.IsNil() || opaque(v.Type().Elem()) {
			return
		}
		if out, ok := done[v.Interface()]; ok {
			v.Set(out)
			return
		}
		out := reflect.New(v.Type().Elem())
		done[v.Interface()] = out
		out.Elem().Set(v.Elem())
		cloneInto(out.Elem(), done)
		v.Set(out.Convert(v.Type()))
	}
}

// opaque reports whether t is a struct with unexported fields.
func opaque(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			return true
		}
	}
	return false
}

func cloned(v reflect.Value, done map[any]reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	cloneInto(out, done)
	return out
}
