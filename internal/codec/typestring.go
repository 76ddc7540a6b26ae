package codec

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SelfTyped is implemented by a [SelfCoded] type whose structural name says more than its codec's.
type SelfTyped interface{ TenonType() string }

// TypeString returns the structure of a type without Go names, the same in every build of the program: "[]struct{Species string;
// Mass float64}". Named types are as their underlying ones; a column that a parquet tag names otherwise than its field stands behind the
// field's type, quoted; "^1" is the innermost enclosing named type, where a type contains itself. A type with a user's codec is called
// like the codec, times "time", images "image", and types that marshal themselves "binary" or "text".
func TypeString(t reflect.Type, user []Codec) string {
	w := typeWriter{user: user}
	w.write(t)
	return w.out.String()
}

type typeWriter struct {
	user  []Codec
	out   strings.Builder
	stack []reflect.Type // enclosing named types
}

func (w *typeWriter) write(t reflect.Type) {
	if name, ok := w.special(t); ok {
		w.out.WriteString(name)
		return
	}
	if i := slices.Index(w.stack, t); i >= 0 {
		w.out.WriteString("^" + strconv.Itoa(len(w.stack)-i))
		return
	}
	if t.Name() != "" {
		w.stack = append(w.stack, t)
		defer func() { w.stack = w.stack[:len(w.stack)-1] }()
	}
	switch t.Kind() {
	case reflect.Pointer:
		w.out.WriteByte('*')
		w.write(t.Elem())
	case reflect.Slice:
		w.out.WriteString("[]")
		w.write(t.Elem())
	case reflect.Array:
		w.out.WriteString("[" + strconv.Itoa(t.Len()) + "]")
		w.write(t.Elem())
	case reflect.Map:
		w.out.WriteString("map[")
		w.write(t.Key())
		w.out.WriteByte(']')
		w.write(t.Elem())
	case reflect.Struct:
		w.fields(t)
	default:
		w.out.WriteString(t.Kind().String())
	}
}

func (w *typeWriter) fields(t reflect.Type) {
	w.out.WriteString("struct{")
	for i := range t.NumField() {
		f := t.Field(i)
		if i > 0 {
			w.out.WriteString("; ")
		}
		w.out.WriteString(f.Name + " ")
		w.write(f.Type)
		if column, _, _ := strings.Cut(f.Tag.Get("parquet"), ","); column != "" && column != f.Name {
			w.out.WriteString(" " + strconv.Quote(column))
		}
	}
	w.out.WriteByte('}')
}

// special names the types that are not written by their structure.
func (w *typeWriter) special(t reflect.Type) (string, bool) {
	if i := slices.IndexFunc(w.user, func(c Codec) bool { return c.Type == t }); i >= 0 {
		return w.user[i].Name, true
	}
	if selfCoded(t) {
		zero := reflect.New(t).Interface()
		if s, ok := zero.(SelfTyped); ok {
			return s.TenonType(), true
		}
		c, _ := zero.(SelfCoded).TenonCodec()
		return c.Name, true
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time", true
	case isImage(t):
		return "image", true
	case lossyMarshaler(t):
		return "binary", true
	}
	switch m, _ := marshalerOf(t, place{}); m {
	case binaryMarshaler:
		return "binary", true
	case textMarshaler:
		return "text", true
	}
	return "", false
}
