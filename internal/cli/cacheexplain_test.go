package cli

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/why"
	"github.com/tenon-ml/tenon/metadata"
)

// aMiss is a step that ran, and the earlier result that it is compared with: they differ in all that keys can differ in.
func aMiss() *explained {
	const oldID, newID = "0199f3c2-7a1b-7000-8000-000000000001", "0199f3c2-7a1c-7000-8000-000000000002"
	facts := func(run, digest string) why.Facts {
		return why.Facts{
			StepKey: metadata.StepKey{Run: run, Step: "train", Index: -1},
			Code: why.Code{Mode: fingerprint.ModeSource, Fingerprint: "sha256:" + strings.Repeat(digest, 64), Func: "main.Train", Parts: []fingerprint.Part{
				{Name: "example.com/birds/features.Scale", File: "example.com/birds/features/features.go", Line: 41, Digest: digest},
				{Name: "example.com/birds.Train", File: "example.com/birds/train.go", Line: 7, Digest: digest}, {Name: "example.com/birds/go.mod", Digest: "0"},
			}},
			Params:  []graph.Param{{Name: "LR", Type: "float64", Value: []byte("0." + digest)}, {Name: "Label", Type: "string", Value: []byte(`"` + strings.Repeat("long ", 20) + `"`)}},
			Build:   []string{"CGO_CFLAGS=", "go=go1.26." + digest},
			Sources: []plan.Pin{{Field: "CSV", Pin: ref.Pin{URI: "birds.csv", Digest: "sha256:" + strings.Repeat(digest, 64)}}},
			Inputs: []why.Input{
				{Name: "Rows", From: ref.Edge{Node: "load", Output: "Train"}, Digest: artifact.Digest("sha256:" + strings.Repeat(digest, 64)), Step: &metadata.StepKey{Run: run, Step: "load", Index: -1}},
				{Name: "Model", From: ref.Edge{Use: "birds/Model@latest"}, Digest: "sha256:ffffffffffffffff", Step: &metadata.StepKey{Run: oldID, Step: "fit", Index: 3}},
			},
			Outputs: []graph.Output{{Name: "Model", Type: "{Weights []float64}", Codec: "cbor/" + digest}},
		}
	}
	row := metadata.Step{
		StepKey: metadata.StepKey{Run: newID, Step: "train", Index: -1}, State: metadata.StepSucceeded, CacheKey: "sha256:" + strings.Repeat("b", 64), Attempts: 1,
		Started: epoch(), Finished: epoch().Add(time.Second), Computed: epoch().Add(time.Second),
	}
	old := row
	old.StepKey.Run, old.CacheKey, old.Computed = oldID, "sha256:"+strings.Repeat("a", 64), epoch().Add(-time.Hour)
	x := &explained{
		run: &why.Run{
			Run:  metadata.Run{ID: newID, Name: "nightly-2", Pipeline: "birds", Created: epoch(), Epoch: 1, Stack: "default"},
			Plan: &plan.Plan{Steps: []plan.Step{{Name: "train", Mode: "source"}}}, Graph: &graph.Graph{Nodes: []graph.Node{{Name: "train"}}},
		},
		row: row, facts: facts(newID, "2"),
		old: &earlier{metadata.Run{ID: oldID, Name: "nightly-1", Created: epoch().Add(-time.Hour)}, old, facts(oldID, "1")},
	}
	x.node = &x.run.Graph.Nodes[0]
	x.diffs = why.Compare(x.old.facts, x.facts)
	return x
}

// TestExplanations holds explanations at several widths.
func TestExplanations(t *testing.T) {
	t.Parallel()
	whole := aMiss()
	whole.facts.Code = why.Code{Mode: fingerprint.ModeExecutable, Fingerprint: "sha256:" + strings.Repeat("3", 64), Func: "main.Train"}
	whole.run.Epoch, whole.run.Driver.Since = 2, epoch().Add(time.Hour)
	whole.old = nil
	whole.diffs = nil
	for name, test := range map[string]struct {
		width int
		x     *explained
	}{
		"explain-60": {60, aMiss()}, "explain-80": {80, aMiss()}, "explain-120": {120, aMiss()}, "explain-executable": {80, whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCLI(App{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Environ: []string{"COLUMNS=" + strconv.Itoa(test.width)}})
			c.now = func() time.Time { return epoch().Add(time.Hour) }
			var err error
			if test.x.verdict, err = test.x.judge(t.Context(), nil, true); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			c.explainText(&b, test.x)
			for line := range strings.SplitSeq(b.String(), "\n") {
				if textWidth(line) > test.width || strings.ContainsFunc(line, isControl) {
					t.Errorf("%q", line)
				}
			}
			golden(t, name+".txt", b.String())
		})
	}
}

// oneStore is a client that opens one artifact store.
type oneStore struct {
	nothing
	artifacts artifact.Store
}

func (s oneStore) Artifacts(context.Context, string) (artifact.Store, error) { return s.artifacts, nil }

// TestVerdicts says what is said of each outcome, and that nothing is guessed.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	store, err := local.Open(filepath.Join(t.TempDir(), "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	stored := metadata.Output{Name: "Model", Record: artifact.Record{Digest: digest("1"), Size: 1, Codec: "cbor/1"}}
	same := func(x *explained) { x.diffs, x.old.row.CacheKey = nil, x.row.CacheKey }
	for name, test := range map[string]struct {
		change func(x *explained)
		want   string
	}{
		"a hit": {func(x *explained) {
			x.row.State, x.row.Origin = metadata.StepCached, &metadata.StepKey{Run: "r", Step: "fit", Index: 3}
		}, "hit: its result is that of step fit[3] of run r"},
		"a difference":    {func(*explained) {}, "miss: train.go:7 Train changed and 1 more"},
		"a first run":     {func(x *explained) { x.old, x.diffs = nil, nil }, "miss: no result of this step is recorded in the last 20 runs of the pipeline before it"},
		"captured state":  {func(x *explained) { x.row.Uncached = "it captures x: name its state" }, "not cached: it captures x (name its state)"},
		"a policy":        {func(x *explained) { x.run.Plan.Steps[0].Uncached = "its cache policy is never" }, "not cached: its cache policy is never (take Cache: step.Never from its configuration)"},
		"no cache":        {func(x *explained) { x.run.Plan.Options.NoCache = true }, "not looked up: the run was started with --no-cache"},
		"another program": {func(x *explained) { x.old.row.CacheKey = x.row.CacheKey }, "miss: the keys are the same, but what is recorded of the runs differs: one of them was resumed by another program"},
		"too old": {func(x *explained) { same(x); x.run.Plan.Steps[0].Config.Cache.TTL = time.Minute },
			"miss: the earlier result was too old: it was computed 1h00m before, and counts for 1m00s"},
		"at the same time": {func(x *explained) { same(x); x.old.row.Computed = epoch().Add(time.Second) }, "miss: the earlier result was not there yet: it was computed at the same time"},
		"a later run":      {func(x *explained) { same(x); x.old.run.ID = "1" }, "miss: the key is the same, but that result is of a later run"},
		"forgotten": {func(x *explained) {
			same(x)
			stored := stored
			stored.Pruned = true
			x.old.row.Outputs = []metadata.Output{stored}
		}, `miss: the earlier result was forgotten, by "tenon cache prune"; records do not tell whether that was before this step ran`},
		"gone":           {func(x *explained) { same(x); x.old.row.Outputs = []metadata.Output{stored} }, "miss: the bytes of the earlier result's Model are not in the artifact store"},
		"a replay":       {func(x *explained) { same(x); x.run.Replays = "0199f3c2-7a1b-7000" }, "not looked up: the run replays 0199f3c2-7a1b, in which steps from --from on run again; records do not tell whether this is one of them"},
		"kept by nobody": {func(x *explained) { same(x); x.old.row.CacheKey, x.old.row.Uncached = "", "its cache policy is never" }, "miss: the earlier result was not kept for the cache: its cache policy is never"},
		"not recorded":   {func(x *explained) { x.diffs = nil }, "miss: the keys differ, in something that is not recorded"},
		"nothing known":  {same, "miss: the key is that of an earlier result, and records do not tell why that was not used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := aMiss()
			test.change(x)
			v, err := x.judge(t.Context(), oneStore{artifacts: store}, true)
			if err != nil {
				t.Fatal(err)
			}
			got := string(v.outcome) + ": " + v.reason
			if v.remedy != "" {
				got += " (" + v.remedy + ")"
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
