package pipeline

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"

	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/ref"
)

// kind is what a place in a step's input is to the builder.
type kind uint8

const (
	kindParam kind = iota // a parameter as a whole
	kindRef
	kindSource
	kindStruct // the rest lead to Refs or Sources further down
	kindList
	kindMap
	kindPointer
)

// shape is the plan for walking values of one type. It is made once per type.
type shape struct {
	kind   kind
	typ    reflect.Type
	text   string // structural type of a param
	flat   bool   // of a param: assigning copies all of it
	fields []field
	elem   *shape
}

type field struct {
	index int
	name  string
	shape *shape
}

// flaw is a mistake in a type, with the path of the field that has it.
type flaw struct {
	path string
	err  error
}

// shapes plans types. A mistake in a type is found once, with its path.
type shapes struct {
	codecs []codec.Codec
	known  map[reflect.Type]*shape
	flaws  map[reflect.Type][]flaw
}

// of returns the plan for a step's input type and the mistakes in it.
func (s *shapes) of(t reflect.Type) (*shape, []flaw) {
	if known, ok := s.known[t]; ok {
		return known, s.flaws[t]
	}
	p := planner{shapes: s, open: map[reflect.Type]*shape{}}
	sh := p.plan(t, "")
	if t.Kind() != reflect.Struct || sh.kind == kindRef || sh.kind == kindSource {
		p.flaw("", fmt.Errorf("the input is of type %v: use a struct whose Ref fields are the inputs and whose other fields are parameters", t))
	}
	s.known[t], s.flaws[t] = sh, p.flaws
	return sh, p.flaws
}

type planner struct {
	*shapes
	open  map[reflect.Type]*shape // being planned: recursive types
	flaws []flaw
}

func (p *planner) flaw(path string, err error) {
	p.flaws = append(p.flaws, flaw{path, err})
}

func (p *planner) plan(t reflect.Type, path string) *shape {
	switch {
	case ref.IsRef(t):
		return &shape{kind: kindRef, typ: t}
	case ref.IsSource(t):
		return &shape{kind: kindSource, typ: t}
	}
	if open := p.open[t]; open != nil {
		return open
	}
	if path != "" && !holds(t, map[reflect.Type]bool{}) {
		return p.param(t, path)
	}
	sh := &shape{typ: t}
	p.open[t] = sh
	defer delete(p.open, t)
	switch t.Kind() {
	case reflect.Struct:
		sh.kind = kindStruct
		p.fields(sh, path)
	case reflect.Slice, reflect.Array:
		sh.kind = kindList
		sh.elem = p.plan(t.Elem(), path+"[]")
	case reflect.Map:
		sh.kind = kindMap
		p.mapKey(t, path)
		sh.elem = p.plan(t.Elem(), path+"[]")
	case reflect.Pointer:
		sh.kind = kindPointer
		sh.elem = p.plan(t.Elem(), path)
	}
	return sh
}

func (p *planner) param(t reflect.Type, path string) *shape {
	if holdsAnywhere(t, map[reflect.Type]bool{}) {
		p.flaw(path, errors.New("a Ref in an unexported field or in a map key cannot be seen and would be lost: move it to an exported field"))
		return &shape{kind: kindParam, typ: t}
	}
	if err := codec.Check(t); err != nil {
		p.flaw(path, fmt.Errorf("parameter cannot be recorded: %w", err))
	}
	return &shape{kind: kindParam, typ: t, text: codec.TypeString(t, p.codecs), flat: isFlat(t)}
}

func (p *planner) fields(sh *shape, path string) {
	t := sh.typ
	if path != "" && marshals(t) {
		p.flaw(path, fmt.Errorf("type %v has a marshaler of its own and holds a Ref, which the marshaler would lose: move the Ref out of it", t))
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Name
		if path != "" {
			name = path + "." + f.Name
		}
		switch {
		case f.Anonymous && (ref.IsRef(f.Type) || ref.IsSource(f.Type)):
			p.flaw(name, errors.New("a Ref must not be embedded, because its methods would be promoted: give the field a name"))
		case !f.IsExported() && holdsAnywhere(f.Type, map[reflect.Type]bool{}):
			p.flaw(name, errors.New("a Ref in an unexported field cannot be seen and would be lost: export the field"))
		case !f.IsExported():
			p.flaw(name, errors.New("an unexported field would be lost: export it, or remove it from the input"))
		case f.Type.Kind() == reflect.Interface:
			p.flaw(name, fmt.Errorf("a field of interface type %v loses the type of its value: use a concrete type", f.Type))
		default:
			sh.fields = append(sh.fields, field{i, f.Name, p.plan(f.Type, name)})
		}
	}
}

func (p *planner) mapKey(t reflect.Type, path string) {
	if holdsAnywhere(t.Key(), map[reflect.Type]bool{}) {
		p.flaw(path, errors.New("a Ref must not be a map key: use it as the map's value"))
		return
	}
	switch t.Key().Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		p.flaw(path, fmt.Errorf("a map that holds Refs has keys of type %v: use strings or integers", t.Key()))
	}
}

// holds reports whether a Ref or Source can be reached in t where the builder looks: exported fields, elements, pointers.
func holds(t reflect.Type, seen map[reflect.Type]bool) bool {
	return search(t, seen, false)
}

// holdsAnywhere looks also where the builder does not: unexported fields and map keys.
func holdsAnywhere(t reflect.Type, seen map[reflect.Type]bool) bool {
	return search(t, seen, true)
}

func search(t reflect.Type, seen map[reflect.Type]bool, anywhere bool) bool {
	if ref.IsRef(t) || ref.IsSource(t) {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if (anywhere || f.IsExported() || f.Anonymous) && search(f.Type, seen, anywhere) {
				return true
			}
		}
	case reflect.Map:
		return search(t.Elem(), seen, anywhere) || search(t.Key(), seen, anywhere)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return search(t.Elem(), seen, anywhere)
	}
	return false
}

// isFlat reports whether assigning a value of t copies all of it.
func isFlat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return false
	case reflect.Array:
		return isFlat(t.Elem())
	case reflect.Struct:
		if t.PkgPath() == "time" && t.Name() == "Time" {
			return true
		}
		for i := range t.NumField() {
			if !isFlat(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}

func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}
