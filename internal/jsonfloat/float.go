// Package jsonfloat is how floating-point numbers that JSON has no form for are written in it everywhere: as the strings "NaN",
// "Infinity" and "-Infinity", as in the JSON form of Protocol Buffers.
package jsonfloat

import (
	"encoding/json"
	"math"
	"strconv"
)

// Name returns the string that stands for f, and whether f needs one.
func Name(f float64) (string, bool) {
	switch {
	case math.IsNaN(f):
		return "NaN", true
	case math.IsInf(f, 1):
		return "Infinity", true
	case math.IsInf(f, -1):
		return "-Infinity", true
	}
	return "", false
}

// Float is a float64 that survives JSON.
type Float float64

// MarshalJSON returns a number, or the string of [Name].
func (f Float) MarshalJSON() ([]byte, error) {
	if name, ok := Name(float64(f)); ok {
		return strconv.AppendQuote(nil, name), nil
	}
	return json.Marshal(float64(f))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Float) UnmarshalJSON(b []byte) error {
	var name string
	if json.Unmarshal(b, &name) != nil {
		return json.Unmarshal(b, (*float64)(f))
	}
	number, err := strconv.ParseFloat(name, 64)
	*f = Float(number)
	return err
}
