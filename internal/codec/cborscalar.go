package codec

import (
	"bytes"
	"math"
	"reflect"
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
