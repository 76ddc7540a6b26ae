package tracker_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenon-ml/tenon/tracker"
)

func TestMetricsSurviveJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []float64{0.1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		want := tracker.Metric{Step: "train", Index: 3, Name: "loss", Seq: 7, Value: value, Time: time.Unix(1, 5).UTC()}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got tracker.Metric
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
