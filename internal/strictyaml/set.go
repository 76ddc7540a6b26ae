package strictyaml

import (
	"fmt"
	"reflect"
	"strings"
)

// Set sets the value with the given name in what into points to, a struct, from its text: "--set name=value". The name is that of a
// [Field], the name of a nested struct, or either with "." and the key of a map. Numbers, durations, times and texts are
// written as they are; lists, maps and structs in YAML's flow syntax: [a, b], {x: 1}. Structs are merged, everything else is
// replaced. The error is an [*Error] without a position, and then nothing was changed.
func Set(into any, name, value string) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return setError(name, "cannot be set in a %T: want a pointer to a struct", into)
	}
	if len(value) > MaxSize {
		return setError(name, "%d bytes are more than the %d that are read", len(value), MaxSize)
	}
	work := reflect.New(v.Type().Elem()).Elem()
	work.Set(v.Elem())
	if err := setPath(work, strings.Split(name, "."), name, value); err != nil {
		return err
	}
	v.Elem().Set(work)
	return nil
}

func setError(name, format string, args ...any) error {
	return &Error{[]Problem{{Key: name, Text: fmt.Sprintf(format, args...)}}}
}

// setPath sets what is at path in v, which may be written to while all that it refers to may not.
func setPath(v reflect.Value, path []string, name, value string) error {
	if len(path) == 0 {
		return setValue(v, name, value)
	}
	switch {
	case v.Kind() == reflect.Pointer:
		elem := copied(v)
		v.Set(elem)
		return setPath(elem.Elem(), path, name, value)
	case len(nested(v.Type())) > 0:
		f, err := fieldsOf(v.Type()).find(path[0])
		if err != nil {
			return unknown(v.Type(), path, name, err)
		}
		return setPath(f.in(v), path[1:], name, value)
	case v.Kind() == reflect.Map:
		// The rest of the name is the key: keys may hold dots.
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := setText(key, strings.Join(path, ".")); err != nil {
			return setError(name, "key: %s", oneLine(err.Error()))
		}
		out := reflect.MakeMap(v.Type())
		for k, e := range v.Seq2() {
			out.SetMapIndex(k, e)
		}
		if old := v.MapIndex(key); old.IsValid() {
			elem.Set(old)
		}
		if err := setValue(elem, name, value); err != nil {
			return err
		}
		out.SetMapIndex(key, elem)
		v.Set(out)
		return nil
	}
	return setError(name, "%s has no parts: it is %s", strings.TrimSuffix(name, "."+strings.Join(path, ".")), wanted(v.Type()))
}

// unknown is the error for a name of which path, in t, does not exist.
func unknown(t reflect.Type, path []string, name string, err error) error {
	if !strings.HasPrefix(err.Error(), "unknown key") {
		return setError(name, "%s", err)
	}
	prefix := strings.TrimSuffix(name, strings.Join(path, "."))
	var known []string
	for _, f := range Fields(t) {
		known = append(known, prefix+f.Name)
	}
	if name == "" {
		return setError(name, "an empty name: %s", Suggest(name, known))
	}
	return setError(name, "unknown name: %s", Suggest(name, known))
}

func setValue(v reflect.Value, name, value string) error {
	switch {
	case v.Kind() == reflect.Pointer:
		if value == "null" && v.Type().Elem().Kind() != reflect.String {
			v.SetZero()
			return nil
		}
		elem := copied(v)
		v.Set(elem)
		return setValue(elem.Elem(), name, value)
	case isLeaf(v.Type()):
		if err := setText(v, value); err != nil {
			return setError(name, "%s", oneLine(err.Error()))
		}
		return nil
	}
	n, err := Parse([]byte(value), "")
	if err == nil && n.IsZero() {
		return setError(name, "has no value: want %s", wanted(v.Type()))
	}
	if err == nil {
		n.path = name
		work := reflect.New(v.Type())
		work.Elem().Set(v)
		if err = n.Decode(work.Interface()); err == nil {
			v.Set(work.Elem())
			return nil
		}
	}
	return withoutPosition(err, name, v.Type())
}

// withoutPosition makes the error of a document one of a command-line argument.
func withoutPosition(err error, name string, t reflect.Type) error {
	e, ok := err.(*Error) //nolint:errorlint // Parse and Decode return no other
	if !ok {
		return err
	}
	for i := range e.Problems {
		p := &e.Problems[i]
		p.Line, p.Column = 0, 0
		if p.Key == "" {
			p.Key, p.Text = name, p.Text+": want "+wanted(t)
		}
	}
	return e
}
