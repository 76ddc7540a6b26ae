package command

import (
	"errors"
	"reflect"
	"slices"

	"github.com/tenon-ml/tenon/internal/ref"
)

// field is one of the step's input.
type field struct {
	index int
	kind  kind
	typ   reflect.Type // of a parameter, or of a Ref's value
	forms []form       // of a Ref's value, the default first
}

type kind uint8

const (
	kindParam kind = iota
	kindSource
	kindRef
)

// output is one Ref of the step's output.
type output struct {
	name  string
	index int // of the field; -1 for a single Ref
	typ   reflect.Type
	forms []form
	form  form
	file  string // its name in the directory of outputs
	used  string // the placeholder
}

func (c *compiler) inputFields(in reflect.Type) {
	for i := range in.NumField() {
		f := in.Field(i)
		switch {
		case !f.IsExported():
			continue // the builder reports it
		case ref.IsSource(f.Type):
			c.fields[f.Name] = field{index: i, kind: kindSource}
		case ref.IsRef(f.Type):
			forms, err := formsOf(ref.ValueType(f.Type))
			if err != nil {
				c.mistake("In."+f.Name, err)
			}
			c.fields[f.Name] = field{index: i, kind: kindRef, typ: ref.ValueType(f.Type), forms: forms}
		case holdsRef(f.Type, map[reflect.Type]bool{}):
			c.mistake("In."+f.Name, errors.New("it holds a Ref or Source, which must be a field of its own for a command: move it out, or make one list of many with pipeline.Gather"))
			c.used[f.Name] = true
		default:
			c.fields[f.Name] = field{index: i, kind: kindParam, typ: f.Type}
		}
	}
}

// holdsRef reports whether a value of type t may hold a Ref or Source.
func holdsRef(t reflect.Type, seen map[reflect.Type]bool) bool {
	if ref.IsRef(t) || ref.IsSource(t) {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		return slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return holdsRef(f.Type, seen) })
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Pointer:
		return holdsRef(t.Elem(), seen)
	}
	return false
}

func (c *compiler) outputFields(out reflect.Type) {
	add := func(name string, index int, t reflect.Type) {
		o := output{name: name, index: index, typ: ref.ValueType(t)}
		var err error
		if o.forms, err = formsOf(o.typ); err != nil {
			c.mistake(name, err)
			o.used = "reported"
		}
		c.outputs = append(c.outputs, o)
	}
	if ref.IsRef(out) {
		add(singleName, -1, out)
		return
	}
	if out.Kind() != reflect.Struct {
		return // the builder reports it
	}
	for i := range out.NumField() {
		if f := out.Field(i); f.IsExported() && ref.IsRef(f.Type) {
			add(f.Name, i, f.Type)
		}
	}
}
