package strictyaml

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pair is a key of an ordered map and its value.
type Pair struct {
	Key   string
	Value any
}

// Encode returns the YAML of what [Plain] and decoding into an empty interface give: nil, booleans, numbers, strings, []any and
// map[string]any, in the order of its keys, or []Pair, in its own. [Parse] and [Node.Decode] give the same back. The text is the same for the same
// value. Other types, and text that is not UTF-8, are an error.
func Encode(v any) ([]byte, error) {
	text, err := encode(v, "")
	if err != nil {
		return nil, err
	}
	return []byte(strings.TrimPrefix(text, "\n") + "\n"), nil
}

// encode returns v as what follows a key: a scalar after nothing, or lines that each begin with a line break and indent.
func encode(v any, indent string) (string, error) {
	switch v := v.(type) {
	case map[string]any:
		pairs := make([]Pair, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, Pair{key, v[key]})
		}
		return encode(pairs, indent)
	case []Pair:
		if len(v) == 0 {
			return "{}", nil
		}
		var b strings.Builder
		for _, p := range v {
			key, err := encodeString(p.Key)
			if err != nil {
				return "", err
			}
			text, err := encode(p.Value, indent+"  ")
			if err != nil {
				return "", fmt.Errorf("%s: %w", p.Key, err)
			}
			b.WriteString("\n" + indent + key + ":")
			if !strings.HasPrefix(text, "\n") {
				b.WriteByte(' ')
			}
			b.WriteString(text)
		}
		return b.String(), nil
	case []any:
		if len(v) == 0 {
			return "[]", nil
		}
		var b strings.Builder
		for _, elem := range v {
			text, err := encode(elem, indent+"  ")
			if err != nil {
				return "", err
			}
			b.WriteString("\n" + indent + "- " + strings.TrimPrefix(text, "\n"+indent+"  "))
		}
		return b.String(), nil
	}
	return encodeScalar(v)
}

func encodeScalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v), nil
	case float32:
		return encodeFloat(float64(v), 32), nil
	case float64:
		return encodeFloat(v, 64), nil
	case string:
		return encodeString(v)
	}
	return "", fmt.Errorf("a Go %T cannot be written in YAML", v)
}

func encodeFloat(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	text := strconv.FormatFloat(f, 'g', -1, bits)
	if !strings.ContainsAny(text, ".e") {
		text += ".0" // or it were an integer
	}
	return text
}

// encodeString writes s as it is where nobody can misread it, and in double quotes elsewhere.
func encodeString(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%.40q is not UTF-8", s)
	}
	if isSafe(s) {
		return s, nil
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}

// isSafe reports whether s is a word, path or sentence that no YAML reader takes for anything else.
func isSafe(s string) bool {
	if s == "" || len(s) > 80 || !unicode.IsLetter(rune(s[0])) && s[0] != '/' || s[0] >= 0x80 || strings.HasSuffix(s, " ") || strings.HasSuffix(s, ":") {
		return false
	}
	for _, r := range s {
		if r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ./_-:@+", r) {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity":
		return false
	}
	return !strings.Contains(s, ": ") && !strings.Contains(s, "  ")
}
