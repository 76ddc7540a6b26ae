package cli

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/jsonfloat"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

func digest(c string) artifact.Digest { return artifact.Digest("sha256:" + strings.Repeat(c, 64)) }

func endedStep(name string, state metadata.StepState, took time.Duration) stepView {
	return stepView{Step: metadata.Step{StepKey: metadata.StepKey{Step: name, Index: -1}, State: state}, Seconds: took.Seconds()}
}

// twoSides are two runs that differ in all that runs can differ in.
func twoSides() [2]side {
	a := side{
		runView: runView{
			Run: metadata.Run{
				ID: "0199f3c2-7a1b-7000-8000-000000000001", Name: "nightly-1", Pipeline: "birds", State: metadata.RunSucceeded, Stack: "default",
				Params:  json.RawMessage(`{"csv":"birds.csv","lr":0.5,"layers":[8,4],"old":{"x":1}}`),
				Created: epoch(), Started: epoch(), Finished: epoch().Add(3 * time.Second),
				Outputs: map[string]artifact.Record{
					"Model":  {Digest: digest("1"), Preview: `{"Slope": 1}`},
					"Report": {Digest: digest("2"), Size: 109 << 10, Meta: map[string]any{"name": "report.html"}},
					"Same":   {Digest: digest("3"), Preview: "12"},
				},
			},
			Steps:   []stepView{endedStep("load", metadata.StepSucceeded, 20*time.Millisecond), endedStep("train", metadata.StepSucceeded, 2*time.Second), endedStep("plot", metadata.StepSkipped, 0)},
			Metrics: []metricView{{Step: "train", Index: -1, Name: "loss", Last: 0.5}, {Step: "train", Index: -1, Name: "nan", Last: jsonfloat.Float(math.NaN())}, {Step: "score", Index: 3, Name: "old", Last: 1}},
		},
		plan: plan.Plan{
			Build: []string{"GOARCH=amd64", "go=go1.26.1"}, Options: plan.Options{OnFailure: plan.Stop},
			Steps: []plan.Step{
				{Name: "load", Fingerprint: string(digest("4")), Mode: "source", Pins: []plan.Pin{{Field: "CSV", Pin: ref.Pin{URI: "birds.csv", Digest: string(digest("5"))}}}},
				{Name: "train", Fingerprint: string(digest("6")), Mode: "source", Config: step.Config{Timeout: time.Hour, Resources: step.Resources{Memory: 4 << 30}, Retry: step.Retry{Attempts: 3}}},
				{Name: "plot", Fingerprint: string(digest("7")), Mode: "source"},
			},
			Uses: []plan.Use{{Name: "birds/Model@latest", Version: 2, Record: artifact.Record{Digest: digest("8")}}},
		},
	}
	a.Steps[1].Inputs = []metadata.Input{{Name: "Rows", Digest: digest("9")}}
	b := a
	b.Run.ID, b.Name, b.State, b.Finished = "0199f3c2-7a1b-7000-8000-000000000002", "nightly-2", metadata.RunFailed, epoch().Add(time.Minute)
	b.Tags = map[string]string{"team": "vision"}
	b.Stack = "production"
	b.Params = json.RawMessage(`{"csv":"birds.csv","lr":0.1,"layers":[8,4],"new":"a\u001b[31mb"}`)
	b.Outputs = map[string]artifact.Record{
		"Model":  {Digest: digest("a"), Preview: `{"Slope": 2}`},
		"Report": {Digest: digest("b"), Size: 109 << 10, Meta: map[string]any{"name": "report.html"}},
		"Same":   {Digest: digest("3"), Preview: "12"},
	}
	failed := endedStep("train", metadata.StepFailed, time.Minute)
	failed.Attempts, failed.Error = 3, "the disk is \x1b[31mfull\nmain.Train\n\t/home/a.go:3"
	mapped := endedStep("score", metadata.StepSucceeded, time.Second)
	mapped.Elements = 40
	b.Steps = []stepView{endedStep("load", metadata.StepCached, 0), failed, mapped}
	b.Metrics = []metricView{{Step: "train", Index: -1, Name: "loss", Last: 0.25}, {Step: "train", Index: -1, Name: "nan", Last: jsonfloat.Float(math.NaN())}, {Step: "train", Index: -1, Name: "new", Last: 1e9}}
	b.plan.Build = []string{"GOARCH=amd64", "go=go1.26.2"}
	b.plan.Options = plan.Options{OnFailure: plan.Continue, Timeout: 2 * time.Hour}
	b.plan.Steps = []plan.Step{
		{Name: "load", Fingerprint: string(digest("4")), Mode: "source", Pins: []plan.Pin{{Field: "CSV", Pin: ref.Pin{URI: "birds.csv", Digest: string(digest("c"))}}}},
		{Name: "train", Fingerprint: string(digest("d")), Mode: "source", Config: step.Config{Timeout: -1, Resources: step.Resources{Memory: 4 << 30, CPU: 2}, Retry: step.Retry{Attempts: 3}}},
		{Name: "score", Fingerprint: string(digest("e")), Mode: "source"},
	}
	b.plan.Uses = []plan.Use{{Name: "birds/Model@latest", Version: 3, Record: artifact.Record{Digest: digest("f")}}}
	return [2]side{a, b}
}

// TestDiffText holds how two runs are shown side by side.
func TestDiffText(t *testing.T) {
	t.Parallel()
	sides := twoSides()
	for name, test := range map[string]struct {
		width int
		sides [2]side
		all   bool
	}{
		"diff-80":     {80, sides, false},
		"diff-120":    {120, sides, false},
		"diff-80-all": {80, sides, true},
		"diff-same":   {80, [2]side{sides[0], sides[0]}, false},
	} {
		c := newCLI(App{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Environ: []string{"COLUMNS=" + strconv.Itoa(test.width)}})
		c.now = func() time.Time { return epoch().Add(time.Hour) }
		var b strings.Builder
		view := diffOf(test.sides[0], test.sides[1], test.all)
		if view.Differ == (name == "diff-same") {
			t.Errorf("%s: differ is %v", name, view.Differ)
		}
		c.diffText(&b, view, test.sides, test.all)
		for line := range strings.SplitSeq(b.String(), "\n") {
			if textWidth(line) > test.width || strings.ContainsFunc(line, isControl) {
				t.Errorf("%s: %q", name, line)
			}
		}
		golden(t, name+".txt", b.String())
	}
}

// TestWholeProgramChanged: where all code is fingerprinted at once one line says so.
func TestWholeProgramChanged(t *testing.T) {
	t.Parallel()
	a, b := codeView{Fingerprint: "sha256:a"}, codeView{Fingerprint: "sha256:b"}
	list := []difference[codeView]{{Step: "load", Change: changed, A: &a, B: &b}, {Step: "train", Change: changed, A: &a, B: &b}}
	if got := atOnce(list); len(got) != 1 || got[0].Step != "all 2 steps" {
		t.Errorf("%+v", got)
	}
	for _, other := range []difference[codeView]{{Step: "plot", Change: onlyA, A: &a}, {Step: "plot", Change: changed, A: &b, B: &a}} {
		if got := atOnce(append(list[:2:2], other)); len(got) != 3 {
			t.Errorf("with %+v: %+v", other, got)
		}
	}
}

func TestFieldsOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``: "", `{}`: "", `null`: "=null", `[1]`: "=[1]", `{"a":1,"b":{"c":{"d":2},"e":{}}}`: "a=1 b.c.d=2 b.e={}", `{broken`: "", `"x"`: `="x"`,
	} {
		var parts []string
		for _, f := range fieldsOf("", "", json.RawMessage(in)) {
			parts = append(parts, f.name+"="+string(f.value))
		}
		if diff := cmp.Diff(want, strings.Join(parts, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

// TestCompare holds the result against that of looking for each key in both lists.
func TestCompare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.Custom(func(t *rapid.T) []trait[int] {
			var all []trait[int]
			for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-f]?`), 0, 7, rapid.ID[string]).Draw(t, "names") {
				all = append(all, trait[int]{step: name, value: rapid.IntRange(0, 2).Draw(t, "value")})
			}
			return all
		})
		a, b, all := list.Draw(t, "a"), list.Draw(t, "b"), rapid.Bool().Draw(t, "all")
		got := compare(a, b, all, func(a, b int) bool { return a == b })
		seen := map[string]bool{}
		for _, d := range got {
			if seen[d.Step] {
				t.Fatalf("%q comes twice", d.Step)
			}
			seen[d.Step] = true
			inA, inB := valueIn(a, d.Step), valueIn(b, d.Step)
			want := same
			switch {
			case inA == nil:
				want = onlyB
			case inB == nil:
				want = onlyA
			case *inA != *inB:
				want = changed
			}
			if d.Change != want || !cmp.Equal(d.A, inA) || !cmp.Equal(d.B, inB) {
				t.Fatalf("%q is %s", d.Step, d.Change)
			}
		}
		for _, x := range append(a[:len(a):len(a)], b...) {
			inA, inB := valueIn(a, x.step), valueIn(b, x.step)
			alike := inA != nil && inB != nil && *inA == *inB
			if seen[x.step] != (!alike || all) {
				t.Fatalf("%q is shown: %v", x.step, seen[x.step])
			}
		}
	})
}

func valueIn(list []trait[int], step string) *int {
	for _, x := range list {
		if x.step == step {
			return &x.value
		}
	}
	return nil
}
