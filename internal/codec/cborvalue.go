package codec

import (
	"bytes"
	"math"
	"reflect"
	"slices"

	"github.com/tenon-ml/tenon/component"
)

func boolPlan(p *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		b := byte(cborFalse)
		if v.Bool() {
			b = cborTrue
		}
		e.buf = append(e.buf, b)
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		if d.off >= len(d.data) {
			return d.fail("data ends where a boolean is expected")
		}
		b := d.data[d.off]
		if b != cborFalse && b != cborTrue {
			return d.fail("found %s where a boolean is expected", describeItem(b))
		}
		d.off++
		v.SetBool(b == cborTrue)
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return a.Bool() == b.Bool() }
}

func intPlan(p *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		e.int(v.Int())
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		i, err := d.int()
		if err != nil {
			return err
		}
		if v.OverflowInt(i) {
			return d.fail("%d is out of the range of %s", i, v.Kind())
		}
		v.SetInt(i)
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return a.Int() == b.Int() }
}

func uintPlan(p *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		e.head(majorUint, v.Uint())
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		u, err := d.uint()
		if err != nil {
			return err
		}
		if v.OverflowUint(u) {
			return d.fail("%d is out of the range of %s", u, v.Kind())
		}
		v.SetUint(u)
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return a.Uint() == b.Uint() }
}

// float32bits reads the bits in place: a conversion to float64 and back changes signalling NaNs.
func float32bits(v reflect.Value) *uint32 { return (*uint32)(v.Addr().UnsafePointer()) }

func float32Plan(p *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		e.buf = appendFloat32(e.buf, *float32bits(v))
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		wide, err := d.float64()
		if err != nil {
			return err
		}
		bits, ok := narrow64(wide)
		if !ok {
			return d.fail("%v does not fit a float32", math.Float64frombits(wide))
		}
		*float32bits(v) = bits
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return *float32bits(a) == *float32bits(b) }
}

func float64Plan(p *plan) {
	p.enc = func(e *encoder, v reflect.Value) error {
		e.buf = appendFloat64(e.buf, math.Float64bits(v.Float()))
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		bits, err := d.float64()
		if err != nil {
			return err
		}
		v.SetFloat(math.Float64frombits(bits))
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return math.Float64bits(a.Float()) == math.Float64bits(b.Float()) }
}

func complexPlan(p *plan, t reflect.Type) {
	parts := reflect.TypeFor[[2]float64]()
	part := new(plan)
	float64Plan(part)
	if t.Kind() == reflect.Complex64 {
		parts = reflect.TypeFor[[2]float32]()
		float32Plan(part)
	}
	arrayPlan(p, parts, part)
	view := func(v reflect.Value) reflect.Value { return reflect.NewAt(parts, v.Addr().UnsafePointer()).Elem() }
	enc, dec, eq := p.enc, p.dec, p.eq
	p.enc = func(e *encoder, v reflect.Value) error { return enc(e, view(v)) }
	p.dec = func(d *decoder, v reflect.Value) error { return dec(d, view(v)) }
	p.eq = func(a, b reflect.Value) bool { return eq(view(a), view(b)) }
}

func stringPlan(p *plan) {
	p.enc = func(e *encoder, v reflect.Value) error { return e.text(v.String()) }
	p.dec = func(d *decoder, v reflect.Value) error {
		b, err := d.text()
		if err != nil {
			return err
		}
		v.SetString(string(b))
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return a.String() == b.String() }
}

func bytesPlan(p *plan) {
	p.nullable = true
	p.enc = func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			return e.null()
		}
		return e.bytes(v.Bytes())
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		if d.null() {
			v.SetZero()
			return nil
		}
		b, err := d.bytes()
		if err != nil {
			return err
		}
		v.SetBytes(append(make([]byte, 0, len(b)), b...))
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return a.IsNil() == b.IsNil() && bytes.Equal(a.Bytes(), b.Bytes()) }
}

func byteArrayPlan(p *plan, t reflect.Type) {
	p.enc = func(e *encoder, v reflect.Value) error { return e.bytes(v.Bytes()) }
	p.dec = func(d *decoder, v reflect.Value) error {
		b, err := d.bytes()
		if err != nil {
			return err
		}
		if len(b) != t.Len() {
			return d.fail("found %d bytes where %d are expected", len(b), t.Len())
		}
		copy(v.Bytes(), b)
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }
}

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
		n := v.Len()
		e.head(majorArray, uint64(n))
		for i := range n {
			if err := elem.enc(e, v.Index(i)); err != nil {
				return err
			}
			if err := e.room(); err != nil {
				return err
			}
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
				return component.Errorf(component.Invalid, "[%d]: %w", i, err)
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
		for i := range t.Len() {
			if err := elem.enc(e, v.Index(i)); err != nil {
				return err
			}
			if err := e.room(); err != nil {
				return err
			}
		}
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		if err := d.expect(majorArray, uint64(t.Len()), "the array"); err != nil {
			return err
		}
		for i := range t.Len() {
			if err := elem.dec(d, v.Index(i)); err != nil {
				return component.Errorf(component.Invalid, "[%d]: %w", i, err)
			}
		}
		return nil
	}
	p.eq = func(a, b reflect.Value) bool { return equalElements(elem, a, b) }
}

func equalElements(elem *plan, a, b reflect.Value) bool {
	for i := range a.Len() {
		if !elem.eq(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func mapPlan(p *plan, t reflect.Type, key, elem *plan) {
	type entry struct {
		encoded []byte
		key     reflect.Value
	}
	// addressable copies a value out of a map.
	addressable := func(t reflect.Type, v reflect.Value) reflect.Value {
		c := reflect.New(t).Elem()
		c.Set(v)
		return c
	}
	p.enc = func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			return e.null()
		}
		if err := e.enter(); err != nil {
			return err
		}
		entries := make([]entry, 0, v.Len())
		for it := v.MapRange(); it.Next(); {
			ke := encoder{depth: e.depth}
			if err := key.enc(&ke, addressable(t.Key(), it.Key())); err != nil {
				return err
			}
			entries = append(entries, entry{ke.buf, it.Key()})
		}
		slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.encoded, b.encoded) })
		e.head(majorMap, uint64(len(entries)))
		scratch := reflect.New(t.Elem()).Elem()
		for i, entry := range entries {
			value := v.MapIndex(entry.key)
			if !value.IsValid() {
				return component.Errorf(component.Invalid, "map has a NaN in a key, which cannot be looked up again")
			}
			if i > 0 && bytes.Equal(entry.encoded, entries[i-1].encoded) {
				return component.Errorf(component.Invalid, "map has two keys that are written alike: %v", entry.key)
			}
			e.buf = append(e.buf, entry.encoded...)
			scratch.Set(value)
			if err := elem.enc(e, scratch); err != nil {
				return err
			}
			if err := e.room(); err != nil {
				return err
			}
		}
		e.depth--
		return nil
	}
	p.dec = func(d *decoder, v reflect.Value) error {
		if d.null() {
			v.SetZero()
			return nil
		}
		if err := d.enter(); err != nil {
			return err
		}
		n, err := d.count(majorMap, "a map")
		if err != nil {
			return err
		}
		v.Set(reflect.MakeMapWithSize(t, min(n, 1024)))
		var last []byte
		for range n {
			start := d.off
			k, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			if err := key.dec(d, k); err != nil {
				return component.Errorf(component.Invalid, "map key: %w", err)
			}
			encoded := d.data[start:d.off]
			if last != nil && bytes.Compare(last, encoded) >= 0 {
				return d.fail("map keys are not in order")
			}
			last = encoded
			if err := elem.dec(d, value); err != nil {
				return component.Errorf(component.Invalid, "[%.80v]: %w", k, err)
			}
			v.SetMapIndex(k, value)
		}
		if v.Len() != n {
			return d.fail("map has keys that are equal")
		}
		d.depth--
		return nil
	}
	p.eq = func(a, b reflect.Value) bool {
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return false
		}
		for it := a.MapRange(); it.Next(); {
			other := b.MapIndex(it.Key())
			if !other.IsValid() || !elem.eq(addressable(t.Elem(), it.Value()), addressable(t.Elem(), other)) {
				return false
			}
		}
		return true
	}
}

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
				return component.Errorf(component.CodeOf(err), "%s: %w", f.name, err)
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
				return component.Errorf(component.Invalid, "%s: %w", f.name, err)
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
