package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// Field is a value that a struct holds, perhaps in a nested struct.
type Field struct {
	Name   string       // as it is written: "retry.max_attempts"
	GoName string       // "Retry.MaxAttempts"
	Type   reflect.Type // of the value
	Doc    string       // the field's doc tag
	Index  []int        // for reflect.Value.FieldByIndex
}

// Fields lists the fields of a struct type, or of what a pointer type points to, in the order of their declaration. Fields of
// nested structs take the place of the struct; what is behind a pointer, or written as one text, is one field.
func Fields(t reflect.Type) []Field {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var out []Field
	for _, f := range fieldsOf(t).list {
		own := Field{Name: f.name, GoName: f.goName, Type: f.typ, Doc: f.doc, Index: f.index}
		if inner := nested(f.typ); len(inner) > 0 {
			for _, inner := range inner {
				inner.Name, inner.GoName = f.name+"."+inner.Name, f.goName+"."+inner.GoName
				inner.Index = slices.Concat(f.index, inner.Index)
				out = append(out, inner)
			}
			continue
		}
		out = append(out, own)
	}
	return out
}

// nested returns the fields of a struct that is not written as one value.
func nested(t reflect.Type) []Field {
	if t.Kind() != reflect.Struct || isLeaf(t) || t == reflect.TypeFor[Node]() {
		return nil
	}
	return Fields(t)
}

// FieldName returns how a field is written: as its yaml tag says, or else its Go name in snake case: TestShare is test_share, LR
// is lr, CSVFile is csv_file. It is "" for a field that is not written at all.
func FieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	switch {
	case name == "-" || !f.IsExported():
		return ""
	case name != "":
		return name
	}
	return snake(f.Name)
}

func snake(name string) string {
	r := []rune(name)
	var b strings.Builder
	for i, c := range r {
		if i > 0 && unicode.IsUpper(c) {
			after := r[i+1:]
			plural := len(after) > 0 && after[0] == 's' && (len(after) == 1 || unicode.IsUpper(after[1])) // IDs, URLsByName
			if !unicode.IsUpper(r[i-1]) && r[i-1] != '_' || len(after) > 0 && unicode.IsLower(after[0]) && unicode.IsUpper(r[i-1]) && !plural {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// normal brings together the spellings of one name.
func normal(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
}

// fields of one struct, those of embedded structs among them.
type fields struct {
	list []field
	by   map[string][]int // normal name: indexes into list
}

type field struct {
	name, goName, doc string
	typ               reflect.Type
	index             []int
}

func fieldsOf(t reflect.Type) fields {
	fs := fields{by: map[string][]int{}}
	fs.add(t, nil, map[reflect.Type]bool{})
	// As in Go, a field hides those of its name that are embedded more deeply.
	least := map[string]int{}
	for _, f := range fs.list {
		if depth, ok := least[normal(f.name)]; !ok || len(f.index) < depth {
			least[normal(f.name)] = len(f.index)
		}
	}
	fs.list = slices.DeleteFunc(fs.list, func(f field) bool { return len(f.index) > least[normal(f.name)] })
	for i, f := range fs.list {
		fs.by[normal(f.name)] = append(fs.by[normal(f.name)], i)
	}
	return fs
}

func (fs *fields) add(t reflect.Type, index []int, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	defer delete(seen, t)
	for sf := range fieldsIn(t) {
		at := slices.Concat(index, sf.Index)
		if inner, ok := inlined(sf); ok {
			fs.add(inner, at, seen)
			continue
		}
		if name := FieldName(sf); name != "" {
			fs.list = append(fs.list, field{name: name, goName: sf.Name, doc: sf.Tag.Get("doc"), typ: sf.Type, index: at})
		}
	}
}

func fieldsIn(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// inlined returns the struct whose fields stand in the place of an embedded field, or of one tagged ",inline".
func inlined(f reflect.StructField) (reflect.Type, bool) {
	name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name != "" || !f.Anonymous && !slices.Contains(strings.Split(options, ","), "inline") {
		return nil, false
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		if !f.IsExported() {
			return nil, false // reflection cannot fill it
		}
		t = t.Elem()
	}
	return t, t.Kind() == reflect.Struct && !isLeaf(t)
}

// find returns the field of a name, or says why there is none.
func (fs fields) find(name string) (field, error) {
	at := fs.by[normal(name)]
	if exact := slices.DeleteFunc(slices.Clone(at), func(i int) bool { return fs.list[i].name != name }); len(exact) > 0 {
		at = exact
	}
	switch len(at) {
	case 0:
		return field{}, fmt.Errorf("unknown key: %s", Suggest(name, fs.names()))
	case 1:
		return fs.list[at[0]], nil
	}
	var same []string
	for _, i := range at {
		same = append(same, fs.list[i].goName)
	}
	return field{}, fmt.Errorf("the Go fields %s have the same name: give one another in a yaml tag", strings.Join(same, " and "))
}

func (fs fields) names() []string {
	names := make([]string, len(fs.list))
	for i, f := range fs.list {
		names[i] = f.name
	}
	return names
}

// in returns the field in v, which is of the struct type. Pointers on the way are replaced by copies.
func (f field) in(v reflect.Value) reflect.Value {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			elem := copied(v)
			v.Set(elem)
			v = elem.Elem()
		}
		v = v.Field(x)
	}
	return v
}
