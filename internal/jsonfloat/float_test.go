package jsonfloat_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/tenon-ml/tenon/internal/jsonfloat"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{
		math.Inf(1): `"Infinity"`, math.Inf(-1): `"-Infinity"`, 0.5: "0.5", -1: "-1", math.MaxFloat64: "1.7976931348623157e+308",
	} {
		text, err := json.Marshal(jsonfloat.Float(f))
		if err != nil || string(text) != want {
			t.Errorf("%v becomes %s, %v, want %s", f, text, err, want)
		}
		var got jsonfloat.Float
		if err := json.Unmarshal(text, &got); err != nil || float64(got) != f {
			t.Errorf("%s becomes %v, %v, want %v", text, got, err, f)
		}
	}
	var nan jsonfloat.Float
	if err := json.Unmarshal([]byte(`"NaN"`), &nan); err != nil || !math.IsNaN(float64(nan)) {
		t.Errorf("NaN becomes %v, %v", nan, err)
	}
	if text, err := json.Marshal(nan); err != nil || string(text) != `"NaN"` {
		t.Errorf("NaN becomes %s, %v", text, err)
	}
	for _, text := range []string{`"many"`, `""`, `true`, `[1]`} {
		if err := json.Unmarshal([]byte(text), &nan); err == nil {
			t.Errorf("%s is read as a number", text)
		}
	}
}
