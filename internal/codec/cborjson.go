package codec

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/tenon-ml/tenon/internal/jsonfloat"
)

// CanonicalJSON renders what [Canonical] wrote for people and for the graph. Given the type it is exact: integers in full, the
// shortest floats that read back as they were, "NaN", "Infinity" and "-Infinity", times in RFC 3339 with their zone, bytes as base64,
// a string that is not valid UTF-8 as {"base64": ...}, keys in order. Different values of one type have different forms, except that
// all NaNs are alike. The error's code is Invalid.
func CanonicalJSON(data []byte) (json.RawMessage, error) {
	r := renderer{decoder: decoder{data: data}}
	out, err := r.value(nil)
	if err != nil {
		return nil, err
	}
	if r.off != len(data) {
		return nil, r.fail("%d bytes after the end of the value", len(data)-r.off)
	}
	return out, nil
}

// renderer turns CBOR into JSON.
type renderer struct {
	decoder
	// limit ends the rendering when the output is longer; 0 is none. What was written then is a beginning and no whole JSON.
	limit int
	// spaced puts blanks after commas and colons.
	spaced bool
}

func (r *renderer) sep(out []byte, c byte) []byte {
	out = append(out, c)
	if r.spaced {
		out = append(out, ' ')
	}
	return out
}

func (r *renderer) value(out []byte) ([]byte, error) {
	if r.limit > 0 && len(out) > r.limit {
		return out, errCut
	}
	if r.off >= len(r.data) {
		return out, r.fail("data ends where a value is expected")
	}
	switch r.data[r.off] >> 5 {
	case majorUint:
		u, err := r.uint()
		return strconv.AppendUint(out, u, 10), err
	case majorNeg:
		i, err := r.int()
		return strconv.AppendInt(out, i, 10), err
	case majorBytes:
		b, err := r.cut(r.bytes)
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, b)
		return append(out, '"'), err
	case majorText:
		b, err := r.cut(r.text)
		return AppendJSONString(out, string(b)), err
	case majorArray:
		return r.list(out)
	case majorMap:
		return r.object(out)
	case majorTag:
		return r.tagged(out)
	}
	switch r.data[r.off] {
	case cborNull:
		r.off++
		return append(out, "null"...), nil
	case cborFalse:
		r.off++
		return append(out, "false"...), nil
	case cborTrue:
		r.off++
		return append(out, "true"...), nil
	}
	wide, err := r.float64()
	if err != nil {
		return out, err
	}
	return AppendJSONFloat(out, math.Float64frombits(wide), 64), nil
}

// cut reads a string, of which the start is enough if the rendering is limited and the data ends.
func (r *renderer) cut(read func() ([]byte, error)) ([]byte, error) {
	b, err := read()
	if err != nil && r.limit > 0 && r.off < len(r.data) {
		return r.data[r.off:], errCut
	}
	return b, err
}

func (r *renderer) list(out []byte) ([]byte, error) {
	if err := r.enter(); err != nil {
		return out, err
	}
	n, err := r.of(majorArray, "a list")
	if err != nil {
		return out, err
	}
	out = append(out, '[')
	for i := range n {
		if i > 0 {
			out = r.sep(out, ',')
		}
		if out, err = r.value(out); err != nil {
			return out, err
		}
	}
	r.depth--
	return append(out, ']'), nil
}

func (r *renderer) tagged(out []byte) ([]byte, error) {
	start := r.off
	tag, err := r.of(majorTag, "a tag")
	if err != nil {
		return out, err
	}
	r.off = start
	switch tag {
	case tagTime:
		s, err := r.timeParts()
		if err != nil {
			return out, err
		}
		return AppendJSONString(out, s.String()), nil
	case tagBytes:
		b, err := r.text()
		out = append(out, `{"base64":"`...)
		out = base64.StdEncoding.AppendEncode(out, b)
		return append(out, `"}`...), err
	}
	return out, r.fail("unknown tag %d", tag)
}

// String is RFC 3339 with nanoseconds; a time outside UTC has its zone and abbreviation behind it.
func (s timeParts) String() string {
	t := time.Unix(s.seconds, s.nanos).UTC()
	if s.utc {
		return t.Format(time.RFC3339Nano)
	}
	t = t.In(time.FixedZone(s.abbrev, int(s.offset)))
	out := t.Format("2006-01-02T15:04:05.999999999Z07:00")
	if s.offset%60 != 0 {
		out = t.Format("2006-01-02T15:04:05.999999999Z07:00:00")
	}
	return out + "[" + quoteZone(s.zone) + " " + quoteZone(s.abbrev) + "]"
}

// AppendJSONFloat appends a float of 32 or 64 bits in the form of [CanonicalJSON].
func AppendJSONFloat(out []byte, f float64, bits int) []byte {
	if name, ok := jsonfloat.Name(f); ok {
		return strconv.AppendQuote(out, name)
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(out, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(out, f, 'f', -1, bits)
}

// AppendJSONString quotes s, which is valid UTF-8, without control characters.
func AppendJSONString(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', byte(c))
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c < 0x20 || c == 0x7f:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c == '\u2028' || c == '\u2029' || c >= 0x80 && c < 0xa0:
			out = append(out, '\\', 'u', hex[c>>12], hex[c>>8&15], hex[c>>4&15], hex[c&15])
		default:
			out = append(out, string(c)...)
		}
	}
	return append(out, '"')
}

var errCut = errors.New("cut")
