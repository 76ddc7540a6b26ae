package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/metadata"
)

// manySteps is a run of n steps, all of which succeeded but one.
func manySteps(n, failed int) runView {
	v := runView{Run: metadata.Run{ID: runID, State: metadata.RunFailed, Params: json.RawMessage(`{"ids":[` + strings.Repeat("1234567,", 10_000) + `8]}`)}, graph: &graph.Graph{}}
	for i := range n {
		s := recorded(fmt.Sprintf("s%d", i), -1, metadata.StepSucceeded, 1, 0)
		s.Outputs = []metadata.Output{{Name: "output"}, {Name: "other"}}
		if i == failed {
			s.State, s.Error, s.Outputs = metadata.StepFailed, "boom", nil
		}
		v.Steps = append(v.Steps, stepView{Step: s})
		v.Metrics = append(v.Metrics, metricView{Step: s.Step, Index: -1, Name: "loss", Points: 1})
	}
	return v
}

func runTextOf(v runView, all bool) string {
	var b strings.Builder
	c := newCLI(App{Program: "tenon", Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Environ: []string{"COLUMNS=120"}})
	c.runText(&b, v, false, all, nil)
	return b.String()
}

// A run of very many steps fits a few screens, and the step that failed is among what is shown.
func TestRunOfManySteps(t *testing.T) {
	t.Parallel()
	short := runTextOf(manySteps(100_000, 77_777), false)
	for _, want := range []string{
		"s0 ", "s98 ", "s77777 ", "boom", "… 99900 more steps: 99900 succeeded; --all shows them\n", "… 98 more outputs; --all shows them\n",
		"… 99900 more metrics; --all shows them\n", "of 78.1 KiB; --all shows",
	} {
		if !strings.Contains(short, want) {
			t.Errorf("%q is missing", want)
		}
	}
	steps, _, _ := strings.Cut(short, "Outputs")
	if strings.Contains(steps, "s99 ") || strings.Index(steps, "s98 ") > strings.Index(steps, "s77777 ") {
		t.Error("the first 99 steps and the one that failed should be shown, in their order")
	}
	if n := strings.Count(short, "\n"); n > 400 {
		t.Errorf("%d lines", n)
	}
	if t.Failed() {
		t.Log(short)
	}
}

func TestRunOfManyStepsInFull(t *testing.T) {
	t.Parallel()
	whole := runTextOf(manySteps(101, 50), true)
	if strings.Contains(whole, "--all") || strings.Count(whole, "succeeded") != 100 || strings.Count(whole, "loss") != 101 || strings.Count(whole, "1234567,") != 10_000 {
		t.Errorf("something is left out:\n%s", whole)
	}
	if few := runTextOf(manySteps(100, 50), false); strings.Contains(few, "more step") {
		t.Errorf("steps are left out that have room:\n%s", few)
	}
}
