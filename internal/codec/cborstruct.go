package codec

import (
	"bytes"
	"reflect"
)

type structField struct {
	name  string
	key   []byte // encoded
	index int
	plan  *plan
}

// fieldsPlan writes a struct as a map from field names. Embedded structs are fields like any other, and tags do not matter.
func fieldsPlan(p *plan, fields []structField) {
	p.enc = func(e *encoder, v reflect.Value) error {
		e.head(majorMap, uint64(len(fields)))
		for i := range fields {
			f := &fields[i]
			e.buf = append(e.buf, f.key...)
			if err := f.plan.enc(e, v.Field(f.index)); err != nil {
				return within("."+f.name, err)
			}
		}
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		n, err := d.of(majorMap, "a struct")
		if err != nil {
			return err
		}
		for i := range fields {
			f := &fields[i]
			if uint64(i) >= n {
				return d.fail("field %s is missing", f.name)
			}
			if !bytes.HasPrefix(d.data[d.off:], f.key) {
				found, err := d.text()
				if err != nil {
					return err
				}
				return d.fail("found field %.80q where %s is expected", found, f.name)
			}
			d.off += len(f.key)
			if err := f.plan.dec(d, v.Field(f.index)); err != nil {
				return within("."+f.name, err)
			}
		}
		if n > uint64(len(fields)) {
			found, err := d.text()
			if err != nil {
				return err
			}
			return d.fail("there is no field %.80q", found)
		}
		return nil
	}
	p.eq = func(a, b reflect.Value) bool {
		for _, f := range fields {
			if !f.plan.eq(a.Field(f.index), b.Field(f.index)) {
				return false
			}
		}
		return true
	}
}
