package fingerprint

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/internal/fingerprint/declgraph"
)

// instance describes a function that is generic, or of another module, for the graph. Kind tells apart what the names alone do not. It
// reports false if that cannot be known: such functions are fingerprinted coarsely.
func (d *Declared) instance(f Func, fn any, wired string) (i declgraph.Instance, kind string, ok bool) {
	name, generic := strings.CutSuffix(f.base(), "[...]")
	if strings.ContainsAny(f.Name, "%()") || strings.Contains(name, ".") || filepath.Ext(f.File) != ".go" { // a method, a literal, or what the compiler made
		return declgraph.Instance{}, "", false
	}
	pkg := f.pkg()
	if pkg == "main" {
		pkg = d.tree.pkg
	}
	if owner := d.tree.owner(pkg); owner == "" || owner == d.tree.module && !generic {
		return declgraph.Instance{}, "", false
	}
	i = declgraph.Instance{Path: pkg, Name: name, Generic: generic}
	var t types
	if kind = t.describe(reflect.TypeOf(fn)); t.local {
		return declgraph.Instance{}, "", false
	}
	for _, named := range t.names {
		if named.Path == "main" {
			named.Path = d.tree.pkg
		}
		i.Types = append(i.Types, named)
	}
	if generic {
		i.File, i.Line = d.position(wired)
	}
	return i, kind, true
}

// position splits a file:line, and returns the name of the file in the tree.
func (d *Declared) position(at string) (file string, line int) {
	colon := strings.LastIndexByte(at, ':')
	if colon < 0 {
		return "", 0
	}
	line, err := strconv.Atoi(at[colon+1:])
	if err != nil {
		return "", 0
	}
	return d.fileInTree(at[:colon]), line
}

// pkg is the import path of a function's package, as the linker writes it; "main" for the main package.
func (f Func) pkg() string {
	slash := strings.LastIndexByte(f.Name, '/') + 1
	name, _, _ := strings.Cut(f.Name[slash:], ".")
	return f.Name[:slash] + name
}

// types collects the names of the types that a type consists of.
type types struct {
	names []declgraph.TypeName
	local bool // one may be declared in a function
}

// describe returns a text that no other type has, unless types that are declared in functions are part of it.
func (t *types) describe(typ reflect.Type) string {
	if typ.Name() != "" {
		full := typ.Name()
		if typ.PkgPath() != "" {
			full = typ.PkgPath() + "." + full
		}
		names, ok := declgraph.TypeNames(full)
		t.names, t.local = append(t.names, names...), t.local || !ok
		return full
	}
	switch typ.Kind() {
	case reflect.Func:
		return fmt.Sprintf("func%v(%s)(%s)", typ.IsVariadic(), t.list(typ.NumIn(), typ.In), t.list(typ.NumOut(), typ.Out))
	case reflect.Struct:
		return "struct{" + t.list(typ.NumField(), func(i int) reflect.Type { return typ.Field(i).Type }) + "}" + typ.String()
	case reflect.Interface:
		return "interface{" + t.list(typ.NumMethod(), func(i int) reflect.Type { return typ.Method(i).Type }) + "}" + typ.String()
	case reflect.Map:
		return "map[" + t.describe(typ.Key()) + "]" + t.describe(typ.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", typ.Len(), t.describe(typ.Elem()))
	case reflect.Chan:
		return fmt.Sprintf("%v %s", typ.ChanDir(), t.describe(typ.Elem()))
	default: // a pointer or a slice
		return typ.Kind().String() + " " + t.describe(typ.Elem())
	}
}

func (t *types) list(n int, at func(int) reflect.Type) string {
	var all strings.Builder
	for i := range n {
		all.WriteString(t.describe(at(i)) + ";")
	}
	return all.String()
}
