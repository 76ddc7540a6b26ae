package codec

import (
	"math"
	"reflect"
	"strings"
)

// span follows the least and the greatest of a sequence of numbers of one kind. NaN is left out.
type span struct {
	kind reflect.Kind
	seen bool
	i, I int64
	u, U uint64
	f, F float64
}

func newSpan(k reflect.Kind) *span {
	return &span{kind: k, i: math.MaxInt64, I: math.MinInt64, u: math.MaxUint64, f: math.Inf(1), F: math.Inf(-1)}
}

func (s *span) int(i int64) {
	s.seen = true
	s.i, s.I = min(s.i, i), max(s.I, i)
}

func (s *span) uint(u uint64) {
	s.seen = true
	s.u, s.U = min(s.u, u), max(s.U, u)
}

func (s *span) float(f float64) {
	if f < s.f {
		s.f = f
	}
	if f > s.F {
		s.F = f
	}
}

// describe sets min and max, where there are any that JSON can hold.
func (s *span) describe(meta map[string]any) {
	switch {
	case s.kind == reflect.Float32 || s.kind == reflect.Float64:
		if s.f <= s.F && !math.IsInf(s.f, 0) && !math.IsInf(s.F, 0) {
			meta["min"], meta["max"] = s.f, s.F
		}
	case !s.seen:
	case s.kind >= reflect.Uint && s.kind <= reflect.Uint64:
		meta["min"], meta["max"] = s.u, s.U
	default:
		meta["min"], meta["max"] = s.i, s.I
	}
}

func previewNumbers(v reflect.Value) string {
	if v.IsNil() {
		return "null"
	}
	var out []byte
	out = append(out, '[')
	for i := range min(v.Len(), 32) {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = appendCell(out, v.Index(i))
	}
	if v.Len() > 32 {
		out = append(out, ", "+ellipsis...)
	}
	return strings.ToValidUTF8(string(append(out, ']')), "")
}
