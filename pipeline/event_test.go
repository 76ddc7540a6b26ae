package pipeline_test

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// TestEventJSON: a service sends events to others, who rely on their names.
func TestEventJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)
	for want, e := range map[string]pipeline.Event{
		`{"kind":"run","time":"2026-11-25T14:00:00Z","run":"r","run_state":"running","index":-1}`: {
			Kind: pipeline.EventRun, Time: at, Run: "r", RunState: metadata.RunRunning, Index: -1,
		},
		`{"kind":"step","time":"2026-11-25T14:00:00Z","run":"r","step":"train","index":0,"attempt":2,"step_state":"failed","reason":"no"}`: {
			Kind: pipeline.EventStep, Time: at, Run: "r", Step: "train", Attempt: 2, StepState: metadata.StepFailed, Reason: "no",
		},
		`{"kind":"progress","time":"2026-11-25T14:00:00Z","run":"r","step":"train","index":-1,"done":1,"total":3}`: {
			Kind: pipeline.EventProgress, Time: at, Run: "r", Step: "train", Index: -1, Done: 1, Total: 3,
		},
		`{"kind":"log","time":"2026-11-25T14:00:00Z","run":"r","step":"train","index":-1,"level":"WARN","message":"m"}`: {
			Kind: pipeline.EventLog, Time: at, Run: "r", Step: "train", Index: -1, Level: slog.LevelWarn, Message: "m",
		},
	} {
		got, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		var back pipeline.Event
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Errorf("it does not come back, -want +got:\n%s", diff)
		}
	}
}
