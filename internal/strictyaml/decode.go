package strictyaml

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

type decoder struct {
	source   string
	problems []Problem
	depth    int
}

func (d *decoder) fail(n ast.Node, path, format string, args ...any) {
	d.problems = append(d.problems, problem(d.source, firstToken(n), path, fmt.Sprintf(format, args...)))
}

// value decodes n over what v holds.
func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	if text := refused(n); text != "" {
		d.fail(n, path, "%s", text)
		return
	}
	if d.depth == MaxDepth {
		d.fail(n, path, "more than %d levels deep", MaxDepth)
		return
	}
	d.depth++
	defer func() { d.depth-- }()
	if v.Type() == reflect.TypeFor[Node]() {
		d.check(n, path)
		v.Set(reflect.ValueOf(Node{d.source, path, n}))
		return
	}
	s, isScalar := scalarOf(n)
	if isScalar && s.kind == kindNull {
		d.null(n, v, path)
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		elem := copied(v)
		d.value(n, elem.Elem(), path)
		v.Set(elem)
	case isLeaf(v.Type()):
		if !isScalar {
			d.fail(n, path, "want %s, got %s", wanted(v.Type()), got(n))
			return
		}
		if err := s.set(v); err != nil {
			d.fail(n, path, "%s", oneLine(err.Error()))
		}
	case v.Kind() == reflect.Struct:
		d.object(n, v, path)
	case v.Kind() == reflect.Map:
		d.table(n, v, path)
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		d.list(n, v, path)
	case v.Kind() == reflect.Interface && v.NumMethod() == 0:
		if plain := d.plain(n, path); plain != nil {
			v.Set(reflect.ValueOf(plain))
		}
	default:
		d.fail(n, path, "a Go %s cannot be written in YAML", v.Type())
	}
}

// null takes in a null. A section of which nothing is left keeps its defaults; what can be nil becomes nil.
func (d *decoder) null(n ast.Node, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		v.SetZero()
		return
	case reflect.Struct:
		if !isLeaf(v.Type()) {
			return
		}
	}
	d.fail(n, path, "has no value: want %s", wanted(v.Type()))
}

func (d *decoder) object(n ast.Node, v reflect.Value, path string) {
	if !isMapping(n) {
		d.fail(n, path, "want keys and values, got %s", got(n))
		return
	}
	fields := fieldsOf(v.Type())
	d.keys(n, path, normal, func(key string, pair *ast.MappingValueNode) {
		f, err := fields.find(key)
		if err != nil {
			d.fail(pair.Key, join(path, key), "%s", err)
			return
		}
		d.value(pair.Value, f.in(v), join(path, f.name))
	})
}

func (d *decoder) table(n ast.Node, v reflect.Value, path string) {
	if !isMapping(n) {
		d.fail(n, path, "want keys and values, got %s", got(n))
		return
	}
	t := v.Type()
	out := reflect.MakeMap(t)
	d.keys(n, path, func(key string) string { return key }, func(key string, pair *ast.MappingValueNode) {
		k, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := setText(k, key); err != nil {
			d.fail(pair.Key, join(path, key), "key: %s", oneLine(err.Error()))
			return
		}
		d.value(pair.Value, elem, join(path, key))
		if out.MapIndex(k).IsValid() {
			d.fail(pair.Key, join(path, key), "duplicate key")
			return
		}
		out.SetMapIndex(k, elem)
	})
	v.Set(out)
}

func (d *decoder) list(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(n, path, "want a list, got %s", got(n))
		return
	}
	out := reflect.New(v.Type()).Elem()
	if v.Kind() == reflect.Slice {
		out.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	} else if v.Len() != len(seq.Values) {
		d.fail(n, path, "want a list of %d, got %d", v.Len(), len(seq.Values))
		return
	}
	for i, elem := range seq.Values {
		d.value(elem, out.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(out)
}

// plain decodes n into what an empty interface holds.
func (d *decoder) plain(n ast.Node, path string) any {
	if s, ok := scalarOf(n); ok {
		return s.plain()
	}
	if _, ok := n.(*ast.SequenceNode); ok {
		out := []any{}
		d.list(n, reflect.ValueOf(&out).Elem(), path)
		return out
	}
	out := map[string]any{}
	d.table(n, reflect.ValueOf(&out).Elem(), path)
	return out
}

// check finds what is wrong with a node whatever its type will be.
func (d *decoder) check(n ast.Node, path string) {
	var out any
	d.value(n, reflect.ValueOf(&out).Elem(), path)
}

// keys calls each for every key of a mapping that is usable and not given twice; same brings keys that mean the same together.
func (d *decoder) keys(n ast.Node, path string, same func(string) string, each func(string, *ast.MappingValueNode)) {
	first := map[string]*token.Token{}
	for _, pair := range pairs(n) {
		if text := refused(pair.Key); text != "" {
			d.fail(pair.Key, path, "%s", text)
			continue
		}
		key, ok := keyText(pair.Key)
		if !ok {
			d.fail(pair.Key, path, "want a plain key, got %s", got(pair.Key))
			continue
		}
		if tk, twice := first[same(key)]; twice {
			d.fail(pair.Key, join(path, key), "duplicate key: given first in line %d", tk.Position.Line)
			continue
		}
		first[same(key)] = firstToken(pair.Key)
		each(key, pair)
	}
}

// copied returns a pointer to a copy of what v, a pointer, points to.
func copied(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type().Elem())
	if !v.IsNil() {
		out.Elem().Set(v.Elem())
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// oneLine makes a bounded line of a text that others wrote.
func oneLine(s string) string {
	const most = 300
	line := []rune(strings.Join(strings.Fields(s), " "))
	if len(line) > most {
		return string(line[:most]) + "..."
	}
	return string(line)
}
