package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
)

// leaves is what a walk over the value of a step's input found, in the order of the walk. Cloning walks in the same order.
type leaves struct {
	inputs  []input
	sources []graph.Source
	params  []param
	flaws   []flaw
	open    []uintptr // pointers being followed
}

type input struct {
	path string
	slot ref.Slot
}

type param struct {
	path, text string
	encoded    []byte // deterministic CBOR
}

// walk collects the leaves of v.
func (l *leaves) walk(s *shape, v reflect.Value, path string) {
	switch s.kind {
	case kindRef:
		l.inputs = append(l.inputs, input{path, addressable(v).Addr().Interface().(ref.Holder).TenonRef(ref.Access{})})
	case kindSource:
		slot := addressable(v).Addr().Interface().(ref.SourceHolder).TenonSource(ref.Access{})
		l.sources = append(l.sources, graph.Source{Field: path, Slot: slot})
		l.param(path, "source", slot.URI)
	case kindParam:
		l.param(path, s.text, v.Interface())
	case kindStruct:
		for _, f := range s.fields {
			l.walk(f.shape, v.Field(f.index), join(path, f.name))
		}
	case kindList:
		if v.Kind() == reflect.Slice {
			l.size(path, v)
		}
		for i := range v.Len() {
			l.walk(s.elem, v.Index(i), path+"["+strconv.Itoa(i)+"]")
		}
	case kindMap:
		l.size(path, v)
		for _, k := range sortedKeys(v) {
			l.walk(s.elem, v.MapIndex(k), path+"["+keyText(k)+"]")
		}
	case kindPointer:
		l.pointer(s, v, path)
	}
}

func (l *leaves) pointer(s *shape, v reflect.Value, path string) {
	if v.IsNil() {
		l.param(path, "pointer", (*int)(nil))
		return
	}
	if slices.Contains(l.open, v.Pointer()) {
		l.flaws = append(l.flaws, flaw{path, errors.New("the pointer leads back to a value that holds it: an input must be a tree")})
		return
	}
	l.open = append(l.open, v.Pointer())
	l.walk(s.elem, v.Elem(), path)
	l.open = l.open[:len(l.open)-1]
}

// size records the length of a list or map, so that empty and nil ones are told apart.
func (l *leaves) size(path string, v reflect.Value) {
	if v.IsNil() {
		l.param(path, "length", (*int)(nil))
		return
	}
	l.param(path, "length", v.Len())
}

func (l *leaves) param(path, text string, v any) {
	encoded, err := codec.Canonical(v)
	if err == nil && text != "source" && text != "length" && text != "pointer" {
		err = codec.RoundTrip(v)
	}
	if err != nil {
		l.flaws = append(l.flaws, flaw{path, fmt.Errorf("parameter cannot be recorded: %w", err)})
	}
	l.params = append(l.params, param{path, text, encoded})
}

// cloner makes a step's own copy of its input, with the values of one call in place of the edges.
type cloner struct {
	call                    graph.Call
	params                  []param
	input, source, paramPos int
}

func (c *cloner) clone(s *shape, dst, src reflect.Value) error {
	switch s.kind {
	case kindRef:
		slot := dst.Addr().Interface().(ref.Holder).TenonRef(ref.Access{})
		*slot.Handle = &ref.Handle{Set: true, Value: c.call.Inputs[c.input]}
		c.input++
	case kindSource:
		dst.Set(src)
		*dst.Addr().Interface().(ref.SourceHolder).TenonSource(ref.Access{}).Handle = c.call.Sources[c.source]
		c.source++
		c.paramPos++
	case kindParam:
		p := c.params[c.paramPos]
		c.paramPos++
		if s.flat {
			dst.Set(src)
			return nil
		}
		return codec.DecodeInto(p.encoded, dst.Addr().Interface())
	case kindStruct:
		for _, f := range s.fields {
			if err := c.clone(f.shape, dst.Field(f.index), src.Field(f.index)); err != nil {
				return err
			}
		}
	case kindList:
		return c.list(s, dst, src)
	case kindMap:
		return c.maps(s, dst, src)
	case kindPointer:
		if src.IsNil() {
			c.paramPos++
			return nil
		}
		dst.Set(reflect.New(s.typ.Elem()))
		return c.clone(s.elem, dst.Elem(), src.Elem())
	}
	return nil
}

func (c *cloner) list(s *shape, dst, src reflect.Value) error {
	if src.Kind() == reflect.Slice {
		c.paramPos++
		if src.IsNil() {
			return nil
		}
		dst.Set(reflect.MakeSlice(s.typ, src.Len(), src.Len()))
	}
	for i := range src.Len() {
		if err := c.clone(s.elem, dst.Index(i), src.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *cloner) maps(s *shape, dst, src reflect.Value) error {
	c.paramPos++
	if src.IsNil() {
		return nil
	}
	dst.Set(reflect.MakeMapWithSize(s.typ, src.Len()))
	for _, k := range sortedKeys(src) {
		e := reflect.New(s.typ.Elem()).Elem()
		if err := c.clone(s.elem, e, src.MapIndex(k)); err != nil {
			return err
		}
		dst.SetMapIndex(k, e)
	}
	return nil
}

func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	a := reflect.New(v.Type()).Elem()
	a.Set(v)
	return a
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(keyText(a), keyText(b)) })
	return keys
}

// keyText is a map key in the name of an input: plain where that is unambiguous, quoted otherwise.
func keyText(k reflect.Value) string {
	text := fmt.Sprint(k.Interface())
	if k.Kind() == reflect.String {
		text = k.String()
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '[' || r == ']' || r == '"' || r > '~' }) {
		return strconv.Quote(text)
	}
	return text
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
