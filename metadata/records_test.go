package metadata_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Every number survives JSON, and so does everything beside it.
func TestMetricJSON(t *testing.T) {
	t.Parallel()
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64}
	rapid.Check(t, func(t *rapid.T) {
		m := metadata.Metric{
			StepKey: metadata.StepKey{Run: "r", Step: rapid.String().Draw(t, "step"), Index: rapid.IntRange(-1, 9).Draw(t, "index")},
			Attempt: "a", Name: "loss", Value: rapid.OneOf(rapid.Float64(), rapid.SampledFrom(special)).Draw(t, "value"),
			Time: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "time"), 7).UTC(), Seq: 3,
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var got metadata.Metric
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if diff := cmp.Diff(m, got, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("%s\n%s", b, diff)
		}
	})
}

func TestMetricJSONForm(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0.5: `0.5`, math.Inf(-1): `"-Infinity"`} {
		b, err := json.Marshal(metadata.Metric{Value: v})
		if err != nil || !strings.Contains(string(b), `"value":`+want) || strings.Count(string(b), `"value"`) != 1 {
			t.Errorf("%v is %s (%v)", v, b, err)
		}
	}
	for _, bad := range []string{`{"value":"many"}`, `{"value":{}}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), new(metadata.Metric)); err == nil {
			t.Errorf("%s is a metric", bad)
		}
	}
}

func TestCondemnedError(t *testing.T) {
	t.Parallel()
	d := artifact.Digest("sha256:" + strings.Repeat("ab", 32))
	err := fmt.Errorf("record: %w", &metadata.CondemnedError{Digests: []artifact.Digest{d}})
	if !errors.Is(err, metadata.ErrCondemned) || !errors.Is(err, component.ErrFailedPrecondition) || component.CodeOf(err) != component.FailedPrecondition {
		t.Errorf("%v has code %q", err, component.CodeOf(err))
	}
	if want := "record: content is condemned by garbage collection: abababababab"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if errors.Is(err, component.ErrNotFound) {
		t.Error("it is found to be something else")
	}
}

// Whatever is in a batch, validating it says yes, or names a field.
func TestValidateNames(t *testing.T) {
	t.Parallel()
	key, id := metadata.StepKey{Run: "r", Step: "s"}, "019b0000-0000-7000-8000-00000000a001"
	for want, b := range map[string]metadata.Batch{
		`batch.id "1" is not a UUIDv7`:                  {ID: "1"},
		"document.kind is empty":                        {Documents: []metadata.Document{{Digest: artifact.NewDigest([32]byte{})}}},
		"run.pipeline is empty":                         {Create: []metadata.Run{{ID: "r", State: metadata.RunPending}}},
		"run.tags has 1025 bytes, the limit is 1024":    {Create: []metadata.Run{{ID: "r", Pipeline: "p", State: metadata.RunPending, Tags: map[string]string{"k": strings.Repeat("v", 1025)}}}},
		`run.state "on" is not a state of a run`:        {Update: []metadata.Run{{ID: "r", State: "on"}}},
		"step.index is -2, the least is -1":             {Steps: []metadata.Step{{StepKey: metadata.StepKey{Run: "r", Step: "s", Index: -2}, State: metadata.StepReady}}},
		"output.digest: digest":                         {Steps: []metadata.Step{{StepKey: key, State: metadata.StepReady, Outputs: []metadata.Output{{ID: "i", Name: "n"}}}}},
		"input.name is empty":                           {Steps: []metadata.Step{{StepKey: key, State: metadata.StepReady, Inputs: []metadata.Input{{}}}}},
		`attempt.id "a\x00" is not valid UTF-8`:         {Attempts: []metadata.Attempt{{StepKey: key, ID: "a\x00"}}},
		"metric.time 0001-01-01 00:00:01 +0000 UTC is":  {Metrics: []metadata.Metric{{StepKey: key, Attempt: "a", Name: "n", Time: time.Time{}.Add(time.Second)}}},
		"run.cost {CPU:-1ns":                            {Update: []metadata.Run{{ID: "r", State: metadata.RunPending, Cost: metadata.Cost{CPU: -1}}}},
		"run.plan: digest":                              {Update: []metadata.Run{{ID: "r", State: metadata.RunPending, Plan: "md5:1"}}},
		"attempt.cost {CPU:0s PeakMemory:-5":            {Attempts: []metadata.Attempt{{StepKey: key, ID: "a", Cost: metadata.Cost{PeakMemory: -5}}}},
		"checkpoint.attempt is empty":                   {Checkpoints: []metadata.Checkpoint{{StepKey: key}}},
		"checkpoint.digest: digest":                     {Checkpoints: []metadata.Checkpoint{{StepKey: key, Attempt: "a"}}},
		"batch.holds are those of batch.run, which is":  {Holds: []artifact.Digest{artifact.NewDigest([32]byte{})}},
		"batch.holds: digest":                           {Run: "r", Holds: []artifact.Digest{"x"}},
		`signal.id "S" is not a UUIDv7`:                 {Signals: []metadata.Signal{{ID: "S"}}},
		`signal.id "019B0000-0000-7000-8000-00000000A0`: {Signals: []metadata.Signal{{ID: strings.ToUpper(id)}}},
		"signal.run is empty":                           {Signals: []metadata.Signal{{ID: id, Kind: metadata.SignalCancel}}},
		`signal.kind "stop" is not a kind of signal`:    {Signals: []metadata.Signal{{ID: id, Run: "r", Kind: "stop"}}},
		"signal.step is empty":                          {Signals: []metadata.Signal{{ID: id, Run: "r", Kind: metadata.SignalReject}}},
		`signal.step "s": a cancel is of the whole run`: {Signals: []metadata.Signal{{ID: id, Run: "r", Kind: metadata.SignalCancel, Step: "s"}}},
		"signal.note has 1048577 bytes":                 {Signals: []metadata.Signal{{ID: id, Run: "r", Kind: metadata.SignalCancel, Note: strings.Repeat("n", 1<<20+1)}}},
		"version.artifact is empty":                     {Versions: []metadata.Version{{Name: "n"}}},
	} {
		err := b.Validate()
		if component.CodeOf(err) != component.Invalid || !strings.Contains(fmt.Sprint(err), "metadata: "+want) {
			t.Errorf("want an Invalid error that says %q, got %v", want, err)
		}
	}
}

// Costs add up in any order, and nothing but memory is lost.
func TestCostAdd(t *testing.T) {
	t.Parallel()
	draw := rapid.Custom(func(t *rapid.T) metadata.Cost {
		n := rapid.Int64Range(0, 1<<40)
		return metadata.Cost{CPU: time.Duration(n.Draw(t, "cpu")), PeakMemory: n.Draw(t, "memory"), Read: n.Draw(t, "read"), Written: n.Draw(t, "written")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw.Draw(t, "a"), draw.Draw(t, "b"), draw.Draw(t, "c")
		if a.Add(b) != b.Add(a) || a.Add(b).Add(c) != a.Add(b.Add(c)) || a.Add(metadata.Cost{}) != a {
			t.Fatalf("the sum of %+v, %+v and %+v depends on their order", a, b, c)
		}
	})
	if b, err := json.Marshal(struct {
		Cost metadata.Cost `json:"cost,omitzero"`
	}{}); err != nil || string(b) != "{}" {
		t.Errorf("a cost that was not measured is %s (%v)", b, err)
	}
}

// FirstID divides the IDs that were made before a time from the others.
func TestFirstID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		made, at := rapid.Int64Range(0, 1<<48-1).Draw(t, "made"), rapid.Int64Range(-1000, 1<<48+1000).Draw(t, "at")
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		for i, ms := 5, made; i >= 0; i, ms = i-1, ms>>8 {
			id[i] = byte(ms)
		}
		if before := id.String() < metadata.FirstID(time.UnixMilli(at)); before != (made < min(at, 1<<48-1)) {
			t.Fatalf("%s is before %s: %v", id, metadata.FirstID(time.UnixMilli(at)), before)
		}
	})
}
