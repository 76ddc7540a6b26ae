package ref

import "reflect"

// IsRef reports whether t is an artifact.Ref, exactly: a struct that embeds one has its method, and is none.
func IsRef(t reflect.Type) bool { return holder(t, reflect.TypeFor[Holder]()) }

// IsSource reports whether t is artifact.Source, exactly.
func IsSource(t reflect.Type) bool { return holder(t, reflect.TypeFor[SourceHolder]()) }

// ValueType returns T of an artifact.Ref[T].
func ValueType(t reflect.Type) reflect.Type {
	return reflect.New(t).Interface().(Holder).TenonRef(Access{}).Type
}

func holder(t, method reflect.Type) bool {
	return t.Kind() == reflect.Struct && reflect.PointerTo(t).Implements(method) && !embeds(t)
}

func embeds(t reflect.Type) bool {
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			return true
		}
	}
	return false
}
