package codec

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// mapForm writes a map in the order of its encoded keys. A key that is not equal to itself (NaN), and keys that are written alike, cannot be
// looked up again and are errors.
type mapForm struct {
	t         reflect.Type
	key, elem *plan
}

func mapPlan(p *plan, t reflect.Type, key, elem *plan) {
	m := mapForm{t, key, elem}
	p.enc, p.dec, p.eq = m.encode, m.decode, m.equal
}

type mapEntry struct {
	key   []byte // encoded
	value reflect.Value
}

func (m mapForm) encode(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.null()
	}
	if err := e.enter(); err != nil {
		return err
	}
	entries, err := m.entries(e, v)
	if err != nil {
		return err
	}
	e.head(majorMap, uint64(len(entries)))
	scratch := reflect.New(m.t.Elem()).Elem()
	for i, entry := range entries {
		if i > 0 && bytes.Equal(entry.key, entries[i-1].key) {
			return component.Errorf(component.Invalid, "map has two keys that are written alike: %s", keyText(entry.key))
		}
		e.buf = append(e.buf, entry.key...)
		scratch.Set(entry.value)
		if err := m.elem.enc(e, scratch); err != nil {
			return within("["+keyText(entry.key)+"]", err)
		}
		if err := e.room(); err != nil {
			return err
		}
	}
	e.depth--
	return nil
}

// entries returns the entries of v in the order in which they are written.
func (m mapForm) entries(e *encoder, v reflect.Value) ([]mapEntry, error) {
	entries := make([]mapEntry, 0, v.Len())
	scratch := reflect.New(m.t.Key()).Elem()
	keys := encoder{depth: e.depth, embed: e.embed}
	for it := v.MapRange(); it.Next(); {
		scratch.SetIterKey(it)
		if !reflexive(scratch) {
			return nil, component.Errorf(component.Invalid, "map has a NaN in a key, which cannot be looked up again")
		}
		start := len(keys.buf)
		if err := m.key.enc(&keys, scratch); err != nil {
			return nil, within("[key]", err)
		}
		entries = append(entries, mapEntry{keys.buf[start:len(keys.buf):len(keys.buf)], it.Value()})
	}
	slices.SortFunc(entries, func(a, b mapEntry) int { return bytes.Compare(a.key, b.key) })
	return entries, nil
}

func (m mapForm) decode(d *decoder, v reflect.Value) error {
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
	v.Set(reflect.MakeMapWithSize(m.t, min(n, 1024)))
	var last []byte
	key, elem := reflect.New(m.t.Key()).Elem(), reflect.New(m.t.Elem()).Elem()
	for range n {
		key.SetZero()
		elem.SetZero()
		start := d.off
		if err := m.key.dec(d, key); err != nil {
			return within("[key]", err)
		}
		encoded := d.data[start:d.off]
		if last != nil && bytes.Compare(last, encoded) >= 0 {
			return d.fail("map keys are not in order")
		}
		last = encoded
		if !reflexive(key) {
			return d.fail("map has a NaN in a key")
		}
		if err := m.elem.dec(d, elem); err != nil {
			return within("["+keyText(encoded)+"]", err)
		}
		v.SetMapIndex(key, elem)
	}
	if v.Len() != n {
		return d.fail("map has keys that are equal")
	}
	d.depth--
	return nil
}

func (m mapForm) equal(a, b reflect.Value) bool {
	if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
		return false
	}
	for it := a.MapRange(); it.Next(); {
		other := b.MapIndex(it.Key())
		if !other.IsValid() || !m.elem.eq(addressable(it.Value()), addressable(other)) {
			return false
		}
	}
	return true
}

// reflexive reports whether a key equals itself: whether it holds no NaN.
func reflexive(key reflect.Value) bool { return key.Equal(key) } //nolint:gocritic // that is the question

// keyText shows the start of an encoded map key.
func keyText(encoded []byte) string {
	r := renderer{decoder: decoder{data: encoded}, limit: 40}
	out, err := r.value(nil)
	if err != nil || len(out) > r.limit {
		return strings.ToValidUTF8(string(out[:min(len(out), r.limit)]), "") + ellipsis
	}
	return string(out)
}
