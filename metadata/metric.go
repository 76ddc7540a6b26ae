package metadata

import (
	"encoding/json"

	"github.com/tenon-ml/tenon/internal/jsonfloat"
)

// MarshalJSON implements [json.Marshaler].
func (m Metric) MarshalJSON() ([]byte, error) {
	type plain Metric
	return json.Marshal(struct {
		plain
		Value jsonfloat.Float `json:"value"`
	}{plain(m), jsonfloat.Float(m.Value)})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Metric) UnmarshalJSON(b []byte) error {
	type plain Metric
	var v struct {
		plain
		Value jsonfloat.Float `json:"value"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*m = Metric(v.plain)
	m.Value = float64(v.Value)
	return nil
}
