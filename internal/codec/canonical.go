package codec

import (
	"bytes"
	"reflect"

	"github.com/tenon-ml/tenon/component"
)

// Canonical returns the deterministic CBOR of a parameter: equal values give equal bytes, in every process. The error names the
// field that cannot be written; its code is Invalid.
func Canonical(v any) ([]byte, error) {
	if v == nil {
		return nil, component.Errorf(component.Invalid, "nil has no type and cannot be a parameter")
	}
	rv := reflect.ValueOf(v)
	p, err := planOf(rv.Type(), nil)
	if err != nil {
		return nil, err
	}
	e := encoder{buf: make([]byte, 0, 64)}
	if err := p.enc(&e, addressable(rv)); err != nil {
		return nil, err
	}
	return e.buf, nil
}

// addressable copies v, because plans read floats and call methods through pointers.
func addressable(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// Check reports whether every value of type t comes back from CBOR as it went. The error names the field that does not, and says
// what to do; its code is Invalid.
func Check(t reflect.Type) error {
	_, err := planOf(t, nil)
	return err
}

// RoundTrip reports whether v comes back as it went. Beyond [Check] it finds marshalers that lose data and values that contain
// themselves. Two pointers to one variable come back as pointers to two equal ones.
func RoundTrip(v any) error {
	data, err := Canonical(v)
	if err != nil {
		return err
	}
	t := reflect.TypeOf(v)
	got := reflect.New(t)
	if err := DecodeInto(data, got.Interface()); err != nil {
		return component.Errorf(component.Invalid, "value of type %s cannot be read again: %w", typeName(t), err)
	}
	p, err := planOf(t, nil)
	if err != nil {
		return err
	}
	again, err := Canonical(got.Elem().Interface())
	if err != nil {
		return err
	}
	if !bytes.Equal(data, again) || !p.eq(addressable(reflect.ValueOf(v)), got.Elem()) {
		return component.Errorf(component.Invalid, "value of type %s comes back different after it was written and read: a MarshalText or MarshalBinary within it loses data", typeName(t))
	}
	return nil
}

// DecodeInto decodes what [Canonical] wrote into the variable that dst points to. It accepts exactly that form: unknown, missing and
// repeated fields are errors, as is anything after the value. Memory and nesting are bounded by the data's size, whoever wrote
// it. On error the variable may be partly set. The error's code is Invalid.
func DecodeInto(data []byte, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return component.Errorf(component.Invalid, "decode into %T: want a pointer", dst)
	}
	p, err := planOf(v.Type().Elem(), nil)
	if err != nil {
		return err
	}
	d := decoder{data: data}
	return d.all(p, v.Elem())
}

// all decodes a value that is the whole data.
func (d *decoder) all(p *plan, v reflect.Value) error {
	if err := p.dec(d, v); err != nil {
		return err
	}
	if d.off != len(d.data) {
		return d.fail("%d bytes after the end of the value", len(d.data)-d.off)
	}
	return nil
}
