package command

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// checkJSON reports what of a type would be lost in JSON, as package encoding/json writes it.
func checkJSON(t reflect.Type) error { return checkJSONAt(t, t.String(), map[reflect.Type]bool{}) }

func checkJSONAt(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	if seen[t] || marshalsJSON(t) {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16,
		reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64, reflect.String:
		return nil
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return checkJSONAt(t.Elem(), path, seen)
	case reflect.Map:
		if k := t.Key().Kind(); k != reflect.String && (k < reflect.Int || k > reflect.Uint64) && !marshalsText(t.Key()) {
			return fmt.Errorf("%s: JSON has no keys of type %v", path, t.Key())
		}
		return checkJSONAt(t.Elem(), path, seen)
	case reflect.Struct:
		return checkJSONFields(t, path, seen)
	}
	return fmt.Errorf("%s: JSON has no form for type %v", path, t)
}

func checkJSONFields(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	taken := map[string]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		at := path + "." + f.Name
		name, _ := jsonName(f)
		switch {
		case f.Anonymous:
			return fmt.Errorf("%s is embedded, which JSON does not show: give the field a name", at)
		case !f.IsExported():
			return fmt.Errorf("%s is unexported and would be lost: export it", at)
		case name == "-":
			return fmt.Errorf("%s would be left out by its tag and lost: remove the tag", at)
		case taken[strings.ToLower(name)] != "":
			return fmt.Errorf("%s is called %q in JSON, like %s", at, name, taken[strings.ToLower(name)])
		}
		taken[strings.ToLower(name)] = f.Name
		if err := checkJSONAt(f.Type, at, seen); err != nil {
			return err
		}
	}
	return nil
}

// jsonName returns the name of a field in JSON, and whether it may be left out.
func jsonName(f reflect.StructField) (name string, optional bool) {
	tag := f.Tag.Get("json")
	if tag == "-" {
		return "-", false
	}
	name, options, _ := strings.Cut(tag, ",")
	if name == "" {
		name = f.Name
	}
	for option := range strings.SplitSeq(options, ",") {
		optional = optional || option == "omitempty" || option == "omitzero"
	}
	return name, optional || f.Type.Kind() == reflect.Pointer
}

// marshalsJSON reports whether a type has a form of its own in JSON.
func marshalsJSON(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t == reflect.TypeFor[time.Time]() || marshalsText(t) ||
		p.Implements(reflect.TypeFor[json.Marshaler]()) && p.Implements(reflect.TypeFor[json.Unmarshaler]())
}

func marshalsText(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// decodeJSON reads a value of type t. It is stricter than package encoding/json: there is nothing but the value, every member of an object has a
// field and every field that is not optional a member, no member comes twice, null is a pointer, slice or map, and a string is UTF-8.
func decodeJSON(data []byte, t reflect.Type) (any, error) {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errors.New("it is empty")
	case !utf8.Valid(data):
		return nil, errors.New("it is not UTF-8")
	}
	v := reflect.New(t)
	if err := json.Unmarshal(data, v.Interface()); err != nil {
		return nil, explainJSON(data, err)
	}
	w := jsonWalk{dec: json.NewDecoder(bytes.NewReader(data))}
	if err := w.value(t, ""); err != nil {
		return nil, err
	}
	return v.Elem().Interface(), nil
}

// explainJSON says where in the text a mistake is.
func explainJSON(data []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	line := 1 + bytes.Count(data[:min(syntax.Offset, int64(len(data)))], []byte("\n"))
	if msg := err.Error(); strings.Contains(msg, "character 'N'") || strings.Contains(msg, "character 'I'") {
		return fmt.Errorf("line %d: %w: JSON has no NaN and no Infinity", line, err)
	}
	return fmt.Errorf("line %d: %w", line, err)
}

// jsonWalk reads a text that package encoding/json has accepted for a type, to find what it is silent about.
type jsonWalk struct{ dec *json.Decoder }

func (w *jsonWalk) value(t reflect.Type, path string) error {
	nullable := false
	for t.Kind() == reflect.Pointer {
		t, nullable = t.Elem(), true
	}
	if marshalsJSON(t) {
		var skipped json.RawMessage
		return w.dec.Decode(&skipped)
	}
	token, err := w.dec.Token()
	switch {
	case err != nil:
		return err
	case token == nil && (nullable || t.Kind() == reflect.Slice || t.Kind() == reflect.Map):
		return nil
	case token == nil:
		return fmt.Errorf("%sit is null", prefix(path))
	case token == json.Delim('{') && t.Kind() == reflect.Map:
		return w.entries(t, path)
	case token == json.Delim('{'):
		return w.object(t, path)
	case token == json.Delim('['):
		return w.list(t, path)
	}
	return nil
}

func prefix(path string) string {
	if path == "" {
		return ""
	}
	return strings.TrimPrefix(path, ".") + ": "
}

func (w *jsonWalk) list(t reflect.Type, path string) error {
	n := 0
	for ; w.dec.More(); n++ {
		if err := w.value(t.Elem(), path+"["+strconv.Itoa(n)+"]"); err != nil {
			return err
		}
	}
	if t.Kind() == reflect.Array && n != t.Len() {
		return fmt.Errorf("%sit has %d elements, want %d", prefix(path), n, t.Len())
	}
	_, err := w.dec.Token()
	return err
}

func (w *jsonWalk) entries(t reflect.Type, path string) error {
	seen := map[string]bool{}
	for w.dec.More() {
		key, err := w.key(seen, path)
		if err != nil {
			return err
		}
		if err := w.value(t.Elem(), path+"["+key+"]"); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

func (w *jsonWalk) key(seen map[string]bool, path string) (string, error) {
	token, err := w.dec.Token()
	if err != nil {
		return "", err
	}
	key := fmt.Sprint(token)
	if seen[key] {
		return "", fmt.Errorf("%sthe member %.60q comes twice", prefix(path), key)
	}
	seen[key] = true
	return key, nil
}

func (w *jsonWalk) object(t reflect.Type, path string) error {
	seen, set := map[string]bool{}, map[int]bool{}
	for w.dec.More() {
		key, err := w.key(seen, path)
		if err != nil {
			return err
		}
		i := fieldOf(t, key)
		switch {
		case i < 0:
			return fmt.Errorf("%sthe member %.60q has no field in %v", prefix(path), key, t)
		case set[i]:
			return fmt.Errorf("%sthe member %.60q comes twice", prefix(path), key)
		}
		set[i] = true
		if err := w.value(t.Field(i).Type, path+"."+key); err != nil {
			return err
		}
	}
	for i := range t.NumField() {
		if name, optional := jsonName(t.Field(i)); !optional && !set[i] {
			return fmt.Errorf("%sthe member %q is missing", prefix(path), name)
		}
	}
	_, err := w.dec.Token()
	return err
}

// fieldOf returns the field that a member is decoded into; -1 if there is none.
func fieldOf(t reflect.Type, key string) int {
	for i := range t.NumField() {
		if name, _ := jsonName(t.Field(i)); strings.EqualFold(name, key) {
			return i
		}
	}
	return -1
}
