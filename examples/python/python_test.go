package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

var _ = flag.Bool("update", false, "write the golden files") // pipelinetest.Golden reads it

func TestGraph(t *testing.T) {
	t.Parallel()
	pipelinetest.Golden(t, Pipeline, Pipeline.Params(), "testdata/graph.json")
}

// needPython skips a test where there is no Python.
func needPython(t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "python3", "--version").CombinedOutput(); err != nil {
		t.Skipf("python3 does not run here: %v %s", err, out)
	}
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	needPython(t)
	params := Pipeline.Params()
	script := filepath.Join(t.TempDir(), "train.py")
	edit := func(old, text string) {
		t.Helper()
		edited := bytes.Replace(trainPy, []byte(old), []byte(text), 1)
		if bytes.Equal(edited, trainPy) && old != text {
			t.Fatalf("the script has no %q", old)
		}
		if err := os.WriteFile(script, edited, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("", "")
	params.Script = artifact.From(script)

	client := pipelinetest.Open(t)
	const done, cached = metadata.StepSucceeded, metadata.StepCached
	for _, c := range []struct {
		what                  string
		change                func()
		load, train, evaluate metadata.StepState
	}{
		{"first run", func() {}, done, done, done},
		{"second run", func() {}, cached, cached, cached},
		// The model is another one, and with it the input of evaluate.
		{"a standard deviation of samples", func() {
			edit("sum((x - m) ** 2 for x in column) / len(column)", "sum((x - m) ** 2 for x in column) / (len(column) - 1)")
		}, cached, done, done},
		// The model is the same.
		{"a comment", func() { edit("    return loss\n", "    return loss  # before the step\n") }, cached, done, cached},
		{"the script as it was", func() { edit("", "") }, cached, cached, cached},
		{"another learning rate", func() { params.LR = 0.1 }, cached, done, done},
	} {
		c.change()
		steps, accuracy := run(t, client, params)
		want := map[string]metadata.StepState{"load": c.load, "train": c.train, "evaluate": c.evaluate}
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
		if accuracy < 0.95 {
			t.Errorf("%s: accuracy is %.3f, want 0.95 or better", c.what, accuracy)
		}
	}
}

func run(t *testing.T, client *tenon.Client, params Params) (states map[string]metadata.StepState, accuracy float64) {
	t.Helper()
	r, err := Pipeline.Run(t.Context(), client, params)
	if err != nil {
		t.Fatal(err)
	}
	results, err := r.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: r.ID()})
	if err != nil {
		t.Fatal(err)
	}
	states = map[string]metadata.StepState{}
	for _, s := range page.Items {
		states[s.Step] = s.State
	}
	losses, err := client.Metadata().Metrics(t.Context(), metadata.MetricQuery{Run: r.ID(), Name: "loss"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(losses.Items); states["train"] == metadata.StepSucceeded && (n != 11 || losses.Items[n-1].Value >= losses.Items[0].Value) {
		t.Errorf("the losses are %v", losses.Items)
	}
	return states, results.Accuracy.Value()
}

// A step that runs a program is a function, too.
func TestTrain(t *testing.T) {
	t.Parallel()
	needPython(t)
	rows := []Penguin{{"Adelie", 39, 18, 181, 3700}, {"Gentoo", 47, 14, 217, 5200}, {"Adelie", 38, 19, 185, 3800}}
	in := TrainIn{Script: Pipeline.Params().Script, Rows: artifact.New(rows), LR: 0.5, Epochs: 50}
	model, err := command.Run[artifact.Ref[Model]](t.Context(), command.With(trainer("python3"), in))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range rows {
		if got := model.Value().Predict(p); got != p.Species {
			t.Errorf("%+v is taken for %s", p, got)
		}
	}
	// The error shows what the script said, and where it failed.
	for says, rows := range map[string][]Penguin{"there are no rows to train on": {}, "ZeroDivisionError": rows[:1]} {
		in.Rows = artifact.New(rows)
		_, err = command.Run[artifact.Ref[Model]](t.Context(), command.With(trainer("python3"), in))
		if !errors.Is(err, component.ErrFailedPrecondition) || !strings.Contains(err.Error(), "python3 failed (exit status 1)") || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v", err)
		}
	}
}

// Without Python the run fails at once, and says what is missing.
func TestNoPython(t *testing.T) {
	t.Parallel()
	params := Pipeline.Params()
	params.Python = "python-that-is-not-there"
	_, err := pipelinetest.Try(t, Pipeline, params)
	if !errors.Is(err, component.ErrNotFound) || !strings.Contains(err.Error(), `there is no program "python-that-is-not-there" in PATH`) {
		t.Errorf("the error is %v", err)
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	test := artifact.New([]Penguin{{"A", 1, 0, 0, 0}, {"B", -1, 0, 0, 0}, {"B", 2, 0, 0, 0}})
	zero, one := make([]float64, 4), []float64{1, 1, 1, 1}
	good := Model{Mean: zero, Std: one, Species: []string{"A", "B"}, Weights: [][]float64{{0, 1, 0, 0, 0}, {0, -1, 0, 0, 0}}}
	accuracy, err := Evaluate(t.Context(), EvaluateIn{artifact.New(good), test})
	if err != nil || accuracy.Value() != 2.0/3 {
		t.Errorf("the accuracy is %v, %v", accuracy, err)
	}
	for name, spoil := range map[string]func(*Model){
		"no scale":       func(m *Model) { m.Std = nil },
		"no deviation":   func(m *Model) { m.Std = zero },
		"no species":     func(m *Model) { m.Species = nil },
		"no bias":        func(m *Model) { m.Weights = [][]float64{one, one} },
		"nothing at all": func(m *Model) { *m = Model{} },
	} {
		bad := good
		spoil(&bad)
		if _, err := Evaluate(t.Context(), EvaluateIn{artifact.New(bad), test}); err == nil || !strings.HasPrefix(err.Error(), "the model is of no use: ") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	out, err := Load(t.Context(), LoadIn{Pipeline.Params().CSV})
	if train, test := len(out.Train.Value()), len(out.Test.Value()); err != nil || train+test != 342 || test != 86 {
		t.Errorf("%d and %d penguins, %v", train, test, err)
	}
	for _, text := range []string{"", "a,b\n", "\"", "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex\nx\n"} {
		if _, err := Load(t.Context(), LoadIn{artifact.FromBytes("bad.csv", []byte(text))}); err == nil || !strings.Contains(err.Error(), "bad.csv") {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Params){
		"":                                 func(*Params) {},
		"python: must name an interpreter": func(p *Params) { p.Python = "" },
		"lr: must be positive":             func(p *Params) { p.LR = -1 },
		"epochs: must be 1 to 10000":       func(p *Params) { p.Epochs = 0 },
	} {
		p := Pipeline.Params()
		change(&p)
		got := ""
		if err := p.Validate(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%+v: error %q, want %q", p, got, want)
		}
	}
}
