package tracker

import (
	"encoding/json"
	"time"

	"github.com/tenon-ml/tenon/internal/jsonfloat"
)

// Metric is one value of a metric. Step, Index, Name and Seq identify it within a run; a later value replaces it. As JSON a value
// that is no number is one of the strings "NaN", "Infinity" and "-Infinity".
type Metric struct {
	Step  string    `json:"step"`
	Index int       `json:"index"` // of the element in a mapped step; -1 otherwise
	Name  string    `json:"name"`
	Seq   int       `json:"seq"`   // counts the values of one metric, from 0
	Value float64   `json:"value"` // may be NaN or infinite
	Time  time.Time `json:"time"`
}

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
