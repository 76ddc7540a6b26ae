package codec

import (
	"bytes"
	"reflect"

	"github.com/tenon-ml/tenon/component"
)

// userPlan embeds what a user's codec writes, with its name and version, so that the codec may grow. A nil is null and never reaches the
// codec.
func userPlan(p *plan, c Codec) {
	switch c.Type.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan:
		p.nullable = true
	}
	p.eq = equalMarshaled
	p.enc = func(e *encoder, v reflect.Value) error {
		if p.nullable && v.IsNil() {
			return e.null()
		}
		var buf bytes.Buffer
		if err := e.embed(c, &buf, v.Interface()); err != nil {
			return err
		}
		e.head(majorArray, 3)
		if err := e.text(c.Name); err != nil {
			return err
		}
		e.head(majorUint, uint64(c.Version))
		return e.bytes(buf.Bytes())
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		if p.nullable && d.null() {
			v.SetZero()
			return nil
		}
		if err := d.expect(majorArray, 3, "a value of codec "+c.ID()); err != nil {
			return err
		}
		name, err := d.text()
		if err != nil {
			return err
		}
		if string(name) != c.Name {
			return d.fail("found a value of codec %.80q where one of %q is expected", name, c.Name)
		}
		version, err := d.uint()
		if err != nil {
			return err
		}
		if version > uint64(c.Version) {
			return component.Errorf(component.Unsupported, "value was written by codec %s/%d, this program reads up to version %d: use a newer one", c.Name, version, c.Version)
		}
		data, err := d.bytes()
		if err != nil {
			return err
		}
		got, err := d.embed(c, memory{data: bytes.Clone(data), version: int(version)})
		if err != nil {
			return err
		}
		if got == nil {
			return d.fail("codec %s decoded nil", c.ID())
		}
		v.Set(reflect.ValueOf(got))
		return nil
	}
}
