package codec

import (
	"bytes"
	"encoding"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// A plan is how values of one type are written as CBOR, read and compared. It is compiled once per type and immutable afterwards,
// except that the plans of a recursive type point to each other while they are compiled.
type plan struct {
	enc func(*encoder, reflect.Value) error // the value is addressable
	dec func(*decoder, reflect.Value) error
	eq  func(a, b reflect.Value) bool
	// nullable says that null is the encoding of one of the type's values.
	nullable bool
}

// plans memoises compile for types without codecs of the user's: a pure function of the type.
var plans sync.Map

func planOf(t reflect.Type, user []Codec) (*plan, error) {
	if len(user) == 0 {
		if p, ok := plans.Load(t); ok {
			return p.(*plan), nil
		}
	}
	c := compiler{user: user, seen: make(map[visit]*plan)}
	p, err := c.plan(t, place{root: true})
	if err != nil {
		return nil, err
	}
	if len(user) == 0 {
		plans.Store(t, p)
	}
	return p, nil
}

type compiler struct {
	user []Codec
	seen map[visit]*plan
}

// visit is a type and whether it is within a map key, where more is refused.
type visit struct {
	t   reflect.Type
	key bool
}

// place is where in the type tree the compiler is, for errors.
type place struct {
	path  string
	owner reflect.Type // the struct that holds the field
	root  bool
	key   bool // within a map key
}

func (at place) elem(suffix string) place {
	at.root = false
	if at.path != "" {
		at.path += suffix
	}
	return at
}

func (at place) field(t reflect.Type, name string) place {
	path := at.path
	if path == "" {
		path = t.Name()
	}
	if path != "" {
		path += "."
	}
	return place{path: path + name, owner: t, key: at.key}
}

// lost makes the error for a type whose values would not come back.
func (at place) lost(t reflect.Type, why, remedy string) error {
	what := "type " + typeName(t)
	if at.path != "" {
		what = "field " + at.path
	}
	holder := t
	if at.owner != nil {
		holder = at.owner
	}
	return component.Errorf(component.Invalid, "%s %s: %s, or give the pipeline a codec for %s with pipeline.Codecs", what, why, remedy, typeName(holder))
}

// typeName names a type as its package's own code does; for errors only.
func typeName(t reflect.Type) string {
	if t.Name() != "" {
		return t.Name()
	}
	return strings.ReplaceAll(t.String(), "interface {}", "any")
}

func (c *compiler) plan(t reflect.Type, at place) (*plan, error) {
	if p, ok := c.seen[visit{t, at.key}]; ok {
		return p, nil
	}
	p := new(plan)
	c.seen[visit{t, at.key}] = p
	if err := c.fill(p, t, at); err != nil {
		return nil, err
	}
	return p, nil
}

func (c *compiler) fill(p *plan, t reflect.Type, at place) error {
	if i := slices.IndexFunc(c.user, func(u Codec) bool { return u.Type == t }); i >= 0 && !at.root {
		userPlan(p, c.user[i])
		return nil
	}
	if !at.root && selfCoded(t) {
		return component.Errorf(component.Invalid,
			"field %s is a %s inside another value, so that only its handle would be stored: return it as an artifact.Ref of its own", at.path, t)
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		timePlan(p)
		return nil
	case reflect.TypeFor[big.Float]():
		gobPlan(p) // its MarshalText loses precision
		return nil
	}
	m, err := marshalerOf(t, at)
	if err != nil {
		return err
	}
	if m != noMarshaler {
		marshalerPlan(p, m)
		return nil
	}
	switch t.Kind() {
	case reflect.Bool:
		boolPlan(p)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		intPlan(p)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		uintPlan(p)
	case reflect.Float32:
		float32Plan(p)
	case reflect.Float64:
		float64Plan(p)
	case reflect.Complex64, reflect.Complex128:
		complexPlan(p, t)
	case reflect.String:
		stringPlan(p)
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return c.elementsPlan(p, t, at)
	case reflect.Struct:
		return c.structPlan(p, t, at)
	case reflect.Interface:
		if t == reflect.TypeFor[error]() {
			return at.lost(t, "is an error, which has no form as data", "store its text in a string")
		}
		return at.lost(t, "is an interface, whose dynamic type would be lost", "use a concrete type")
	case reflect.Func:
		return at.lost(t, "is a function, which has no form as data", "leave it out")
	case reflect.Chan:
		return at.lost(t, "is a channel, which has no form as data", "leave it out")
	default: // uintptr, unsafe.Pointer
		return at.lost(t, "is an address, which means nothing in another process", "leave it out")
	}
	return nil
}

// elementsPlan plans what refers to or holds values of one type.
func (c *compiler) elementsPlan(p *plan, t reflect.Type, at place) error {
	switch t.Kind() {
	case reflect.Pointer:
		if at.key {
			return at.lost(t, "is a pointer within a map key, whose identity would be lost", "use the value as the key")
		}
		p.nullable = true
		elem, err := c.plan(t.Elem(), at.elem(""))
		if err != nil {
			return err
		}
		pointerPlan(p, t, elem)
	case reflect.Slice:
		p.nullable = true
		if isByte(t.Elem()) {
			bytesPlan(p)
			return nil
		}
		elem, err := c.plan(t.Elem(), at.elem("[]"))
		if err != nil {
			return err
		}
		slicePlan(p, t, elem)
	case reflect.Array:
		if isByte(t.Elem()) {
			byteArrayPlan(p, t)
			return nil
		}
		elem, err := c.plan(t.Elem(), at.elem("[]"))
		if err != nil {
			return err
		}
		arrayPlan(p, t, elem)
	case reflect.Map:
		p.nullable = true
		inKey := at.elem("[key]")
		inKey.key = true
		key, err := c.plan(t.Key(), inKey)
		if err != nil {
			return err
		}
		elem, err := c.plan(t.Elem(), at.elem("[]"))
		if err != nil {
			return err
		}
		mapPlan(p, t, key, elem)
	}
	return nil
}

func (c *compiler) structPlan(p *plan, t reflect.Type, at place) error {
	var fields []structField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			continue
		}
		in := at.field(t, f.Name)
		if !f.IsExported() {
			return in.lost(f.Type, "is unexported and would be lost", "export it")
		}
		sub, err := c.plan(f.Type, in)
		if err != nil {
			return err
		}
		key := append(appendHead(nil, majorText, uint64(len(f.Name))), f.Name...)
		fields = append(fields, structField{name: f.Name, key: key, index: i, plan: sub})
	}
	slices.SortFunc(fields, func(a, b structField) int { return bytes.Compare(a.key, b.key) })
	fieldsPlan(p, fields)
	return nil
}

// isByte reports whether t is a plain byte, of which slices and arrays are byte strings.
func isByte(t reflect.Type) bool {
	return t.Kind() == reflect.Uint8 && !hasBoth(t, reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()) &&
		!hasBoth(t, reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler]())
}
