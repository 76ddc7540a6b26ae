package strictyaml

import (
	"encoding"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// kind is what YAML makes of a scalar.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString // quoted, or a block
	kindPlain  // not quoted, and nothing else
)

// maxQuoted bounds how much of a value an error repeats, in characters.
const maxQuoted = 60

type scalar struct {
	text string
	kind kind
}

// plainKind tells numbers that the YAML library takes for text (they are out of its range) from text.
func plainKind(text string) kind {
	if strings.TrimLeft(text, "+-.0123456789") == text {
		return kindPlain
	}
	if _, err := parseFloat(text, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return kindNumber
	}
	return kindPlain
}

// set stores s in v, which is of a leaf type.
func (s scalar) set(v reflect.Value) error {
	if implementsText(v.Type()) || v.Type() == reflect.TypeFor[time.Duration]() {
		return setText(v, s.text)
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice:
		if s.kind == kindBool || s.kind == kindNumber {
			if len(s.text) > maxQuoted {
				return fmt.Errorf("want %s, got %s: put it in quotes", wanted(v.Type()), s.show())
			}
			return fmt.Errorf("want %s, got %s: write %q", wanted(v.Type()), s.show(), s.text)
		}
	default:
		if s.kind == kindString {
			hint := ""
			if setText(reflect.New(v.Type()).Elem(), s.text) == nil {
				hint = ": leave out the quotes"
			}
			return fmt.Errorf("want %s, got %s%s", wanted(v.Type()), s.show(), hint)
		}
	}
	return setText(v, s.text)
}

func (s scalar) plain() any {
	switch s.kind {
	case kindNull:
		return nil
	case kindBool:
		return strings.EqualFold(s.text, "true")
	case kindNumber:
		if i, err := parseInt(s.text, 64); err == nil {
			return i
		}
		if u, err := parseUint(s.text, 64); err == nil {
			return u
		}
		if f, err := parseFloat(s.text, 64); err == nil {
			return f
		}
	}
	return s.text
}

// show returns s as an error message names it.
func (s scalar) show() string {
	text := s.text
	if r := []rune(text); len(r) > maxQuoted {
		text = string(r[:maxQuoted]) + "..."
	}
	if s.kind == kindString || s.kind == kindPlain {
		return strconv.Quote(text)
	}
	return text
}

// setText stores in v what text means for v's type, which is a leaf.
func setText(v reflect.Value, text string) error {
	bad := func() error {
		if leadingZero(text) && strings.Trim(text, "+-0123456789_.") == "" {
			return fmt.Errorf("want %s, got %s: leave out the leading zero", wanted(v.Type()), scalar{text, kindNumber}.show())
		}
		return fmt.Errorf("want %s, got %s", wanted(v.Type()), scalar{text, plainKind(text)}.show())
	}
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				if v.Type() == reflect.TypeFor[time.Time]() {
					return bad()
				}
				return err
			}
			return nil
		}
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(text)
		if err != nil {
			return bad()
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
			return bad()
		}
		v.SetBool(strings.EqualFold(text, "true"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := parseInt(text, v.Type().Bits())
		if errors.Is(err, strconv.ErrRange) {
			least := int64(-1) << (v.Type().Bits() - 1)
			return fmt.Errorf("%s is out of range: want %d to %d", scalar{text, kindNumber}.show(), least, -(least + 1))
		} else if err != nil {
			return bad()
		}
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		u, err := parseUint(text, v.Type().Bits())
		if errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%s is out of range: want 0 to %d", scalar{text, kindNumber}.show(), uint64(math.MaxUint64)>>(64-v.Type().Bits()))
		} else if err != nil {
			return bad()
		}
		v.SetUint(u)
	case reflect.Float32, reflect.Float64:
		f, err := parseFloat(text, v.Type().Bits())
		if errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%s is out of range for a %d-bit number", scalar{text, kindNumber}.show(), v.Type().Bits())
		} else if err != nil {
			return bad()
		}
		v.SetFloat(f)
	case reflect.Slice: // of bytes
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return bad()
		}
		v.SetBytes(b)
	default:
		return fmt.Errorf("a Go %s cannot be written as text", v.Type())
	}
	return nil
}

// parseInt reads decimal, 0x, 0o and 0b integers with optional underscores. A leading zero is refused: some take it for octal.
func parseInt(text string, bits int) (int64, error) {
	if leadingZero(text) {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(text, 0, bits)
}

func parseUint(text string, bits int) (uint64, error) {
	if i, err := parseInt(text, 64); err == nil && i < 0 {
		return 0, strconv.ErrRange
	}
	text = strings.TrimPrefix(text, "+")
	if leadingZero(text) || strings.HasPrefix(text, "+") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(text, 0, bits)
}

func leadingZero(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return len(text) > 1 && text[0] == '0' && (text[1] >= '0' && text[1] <= '9' || text[1] == '_')
}

// parseFloat reads what parseInt reads, decimal fractions, and the words for infinities and NaN.
func parseFloat(text string, bits int) (float64, error) {
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case ".inf", "inf":
		if strings.HasPrefix(text, "-") {
			return math.Inf(-1), nil
		}
		return math.Inf(1), nil
	case ".nan":
		return math.NaN(), nil
	case "nan":
		if text == "NaN" {
			return math.NaN(), nil
		}
		return 0, strconv.ErrSyntax
	case "infinity":
		return 0, strconv.ErrSyntax
	}
	if i, err := parseInt(text, 64); err == nil {
		text = strconv.FormatInt(i, 10)
	} else if leadingZero(text) {
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(text, bits)
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if err == nil && f == 0 && strings.ContainsAny(mantissa, "123456789") {
		return 0, strconv.ErrRange
	}
	return f, err
}

// isLeaf reports whether values of type t are written as one scalar.
func isLeaf(t reflect.Type) bool {
	if implementsText(t) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	case reflect.Slice:
		return t.Elem() == reflect.TypeFor[byte]()
	}
	return false
}

func implementsText(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// wanted names what is written for a type.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 90s or 1h30m"
	case t == reflect.TypeFor[time.Time]():
		return "a time such as 2026-01-31T15:04:05Z"
	case implementsText(t):
		return "a text"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Struct, reflect.Map:
		return "keys and values"
	case reflect.Slice:
		if t.Elem() == reflect.TypeFor[byte]() {
			return "bytes in base64"
		}
		return "a list"
	case reflect.Array:
		return fmt.Sprintf("a list of %d", t.Len())
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.Interface:
		return "a value"
	}
	return "a whole number"
}
