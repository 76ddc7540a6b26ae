package codec

import (
	"image"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// chosen memoises For for programs without codecs of their own: a pure function of the type.
var chosen sync.Map

// For chooses the codec of a type: the user's, of exactly that type; its own, for the types of package artifact; its marshaler;
// a built-in one. The error of a type that no codec would bring back names the field and says what to do; its code is Invalid.
func For(t reflect.Type, user []Codec) (Codec, error) {
	if len(user) > 0 {
		return choose(t, user)
	}
	if c, ok := chosen.Load(t); ok {
		return c.(Codec), nil
	}
	c, err := choose(t, nil)
	if err == nil {
		chosen.Store(t, c)
	}
	return c, err
}

func choose(t reflect.Type, user []Codec) (Codec, error) {
	if t == nil {
		return Codec{}, component.Errorf(component.Invalid, "no codec for nil, which has no type")
	}
	if i := slices.IndexFunc(user, func(c Codec) bool { return c.Type == t }); i >= 0 {
		return user[i], nil
	}
	if selfCoded(t) {
		c, err := reflect.New(t).Interface().(SelfCoded).TenonCodec()
		if err == nil && c.Type != nil && c.Type != t {
			return Codec{}, component.Errorf(component.Invalid, "type %s embeds a %s, which would hide its other fields: return that as an artifact.Ref of its own", typeName(t), c.Type)
		}
		c.Type = t
		return c, err
	}
	if c, ok := imageCodec(t); ok {
		return c, nil
	}
	if t != reflect.TypeFor[time.Time]() {
		m, err := marshalerOf(t, place{root: true})
		if err != nil {
			return Codec{}, err
		}
		if m != noMarshaler && !lossyMarshaler(t) {
			return marshaledCodec(t, m), nil
		}
	}
	switch t.Kind() {
	case reflect.String:
		return textCodec(t), nil
	case reflect.Slice:
		if isByte(t.Elem()) {
			return bytesCodec(t), nil
		}
		// A type within the list that the user has a codec for, or that has its own form, is no plain number or row.
		if !owned(t.Elem(), user) {
			if c, ok := numericCodec(t); ok {
				return c, nil
			}
			if rows, err := RowsOf(t.Elem(), user); err == nil {
				return parquetCodec(t, rows), nil
			}
		}
	}
	return cborCodec(t, user)
}

// owned reports whether a type is written by something else than the form of its kind.
func owned(t reflect.Type, user []Codec) bool {
	if slices.ContainsFunc(user, func(c Codec) bool { return c.Type == t }) || selfCoded(t) || t == reflect.TypeFor[time.Time]() {
		return true
	}
	m, err := marshalerOf(t, place{})
	return err != nil || m != noMarshaler
}

func isImage(t reflect.Type) bool {
	return t == reflect.TypeFor[image.Image]() || t == reflect.TypeFor[*image.Gray]() || t == reflect.TypeFor[*image.Gray16]() ||
		t == reflect.TypeFor[*image.NRGBA]() || t == reflect.TypeFor[*image.NRGBA64]()
}

// Reserved reports whether a codec name belongs to this module.
func Reserved(name string) bool {
	return slices.Contains([]string{"cbor", "bytes", "text", "binary", "marshaled-text", "numeric", "parquet", "png",
		"file", "dir", "blob", "table", "gather", "bool", "struct"}, name)
}
