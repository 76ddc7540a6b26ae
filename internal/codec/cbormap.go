package codec

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// mapPlan writes a map in the order of its encoded keys. A key that is not equal to itself (NaN), and keys that are written alike, cannot be
// looked up again and are errors.
func mapPlan(p *plan, t reflect.Type, key, elem *plan) {
	type entry struct {
		key   []byte // encoded
		value reflect.Value
	}
	p.enc = func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			return e.null()
		}
		if err := e.enter(); err != nil {
			return err
		}
		entries := make([]entry, 0, v.Len())
		scratchKey := reflect.New(t.Key()).Elem()
		keys := encoder{depth: e.depth, embed: e.embed}
		for it := v.MapRange(); it.Next(); {
			scratchKey.SetIterKey(it)
			if !reflexive(scratchKey) {
				return component.Errorf(component.Invalid, "map has a NaN in a key, which cannot be looked up again")
			}
			start := len(keys.buf)
			if err := key.enc(&keys, scratchKey); err != nil {
				return within("[key]", err)
			}
			entries = append(entries, entry{keys.buf[start:len(keys.buf):len(keys.buf)], it.Value()})
		}
		slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
		e.head(majorMap, uint64(len(entries)))
		scratch := reflect.New(t.Elem()).Elem()
		for i, entry := range entries {
			if i > 0 && bytes.Equal(entry.key, entries[i-1].key) {
				return component.Errorf(component.Invalid, "map has two keys that are written alike: %s", keyText(entry.key))
			}
			e.buf = append(e.buf, entry.key...)
			scratch.Set(entry.value)
			if err := elem.enc(e, scratch); err != nil {
				return within("["+keyText(entry.key)+"]", err)
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
		k, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for range n {
			k.SetZero()
			value.SetZero()
			start := d.off
			if err := key.dec(d, k); err != nil {
				return within("[key]", err)
			}
			encoded := d.data[start:d.off]
			if last != nil && bytes.Compare(last, encoded) >= 0 {
				return d.fail("map keys are not in order")
			}
			last = encoded
			if !reflexive(k) {
				return d.fail("map has a NaN in a key")
			}
			if err := elem.dec(d, value); err != nil {
				return within("["+keyText(encoded)+"]", err)
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
			if !other.IsValid() || !elem.eq(addressable(it.Value()), addressable(other)) {
				return false
			}
		}
		return true
	}
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
