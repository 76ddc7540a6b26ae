package metadata

import (
	"encoding/json"
	"math"
	"strconv"
)

// MarshalJSON implements json.Marshaler.
func (m Metric) MarshalJSON() ([]byte, error) {
	type plain Metric
	return json.Marshal(struct {
		plain
		Value number `json:"value"`
	}{plain(m), number(m.Value)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Metric) UnmarshalJSON(b []byte) error {
	type plain Metric
	var v struct {
		plain
		Value number `json:"value"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*m = Metric(v.plain)
	m.Value = float64(v.Value)
	return nil
}

// number is a float64 that JSON can always hold.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendQuote(nil, strconv.FormatFloat(f, 'g', -1, 64)), nil
	}
	return json.Marshal(f)
}

func (n *number) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return json.Unmarshal(b, (*float64)(n))
	}
	f, err := strconv.ParseFloat(s, 64)
	*n = number(f)
	return err
}
