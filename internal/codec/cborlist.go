package codec

import (
	"reflect"
	"strconv"
)

// pointerPlan writes null for nil. What a pointer points to may itself be null, and is then wrapped into a list of one.
func pointerPlan(p *plan, t reflect.Type, elem *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			return e.null()
		}
		if err := e.enter(); err != nil {
			return err
		}
		if elem.nullable {
			e.head(majorArray, 1)
		}
		err := elem.enc(e, v.Elem())
		e.depth--
		return err
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		if d.null() {
			v.SetZero()
			return nil
		}
		if err := d.enter(); err != nil {
			return err
		}
		if elem.nullable {
			if err := d.expect(majorArray, 1, "a pointer to a pointer"); err != nil {
				return err
			}
		}
		target := reflect.New(t.Elem())
		err := elem.dec(d, target.Elem())
		v.Set(target.Convert(t)) // t may be a named pointer type
		d.depth--
		return err
	}
	p.eq = func(a, b reflect.Value) bool {
		return a.IsNil() == b.IsNil() && (a.IsNil() || elem.eq(a.Elem(), b.Elem()))
	}
}

func slicePlan(p *plan, t reflect.Type, elem *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			return e.null()
		}
		if err := e.enter(); err != nil {
			return err
		}
		e.head(majorArray, uint64(v.Len()))
		if err := encodeElements(e, elem, v); err != nil {
			return err
		}
		e.depth--
		return nil
	}
	// A claimed length is trusted up to one MiB of memory; from there on the slice grows with what arrives.
	trusted := 1 + 1<<20/max(1, int(t.Elem().Size()))
	p.dec = func(d *decoder, v reflect.Value) error {
		if d.null() {
			v.SetZero()
			return nil
		}
		if err := d.enter(); err != nil {
			return err
		}
		n, err := d.count(majorArray, "a list")
		if err != nil {
			return err
		}
		v.Set(reflect.MakeSlice(t, min(n, trusted), min(n, trusted)))
		for i := range n {
			if i == v.Len() {
				v.Grow(1)
				v.SetLen(min(n, v.Cap()))
			}
			if err := elem.dec(d, v.Index(i)); err != nil {
				return within(indexStep(i), err)
			}
		}
		d.depth--
		return nil
	}
	p.eq = func(a, b reflect.Value) bool {
		return a.IsNil() == b.IsNil() && a.Len() == b.Len() && equalElements(elem, a, b)
	}
}

func arrayPlan(p *plan, t reflect.Type, elem *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		e.head(majorArray, uint64(t.Len()))
		return encodeElements(e, elem, v)
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		if err := d.expect(majorArray, uint64(t.Len()), "the array"); err != nil {
			return err
		}
		for i := range t.Len() {
			if err := elem.dec(d, v.Index(i)); err != nil {
				return within(indexStep(i), err)
			}
		}
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return equalElements(elem, a, b) }
}

func encodeElements(e *encoder, elem *plan, v reflect.Value) error {
	for i := range v.Len() {
		if err := elem.enc(e, v.Index(i)); err != nil {
			return within(indexStep(i), err)
		}
		if err := e.room(); err != nil {
			return err
		}
	}
	return nil
}

func equalElements(elem *plan, a, b reflect.Value) bool {
	for i := range a.Len() {
		if !elem.eq(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

// indexStep shows an index in the way to an error.
func indexStep(i int) string { return "[" + strconv.Itoa(i) + "]" }
