package pipelinetest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/repro"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// rate is a service that a step asks.
var rate = step.NewResource("rate", func(context.Context) (float64, error) { return 2, nil }, nil)

type convertIn struct {
	Mean  artifact.Ref[float64]
	Most  float64
	Break bool
}

// convert fails at its first attempt, and for a result that is too large.
func convert(ctx context.Context, in convertIn) (artifact.Ref[float64], error) {
	r, err := rate.Get(ctx)
	if err != nil {
		return artifact.Ref[float64]{}, err
	}
	info, _ := step.Info(ctx)
	if info.Number == 1 {
		return artifact.Ref[float64]{}, errors.New("try again")
	}
	step.Logger(ctx).Info("converting", "rate", r, "key", info.Key[len(info.Run):])
	got := in.Mean.Value() * r
	if got > in.Most {
		return artifact.Ref[float64]{}, fmt.Errorf("%v is more than %v", got, in.Most)
	}
	return artifact.New(got), nil
}

// hang takes longer than its timeout, whether it has one or not.
func hang(ctx context.Context, _ struct{}) (artifact.Ref[int], error) {
	if _, limited := ctx.Deadline(); limited {
		<-ctx.Done()
		return artifact.Ref[int]{}, ctx.Err()
	}
	<-time.After(2 * time.Millisecond)
	return artifact.New(1), nil
}

type moneyIn struct {
	Rows []float64
	Most float64
}

var money = pipeline.Define("money", func(p *pipeline.Builder, in moneyIn) struct{} {
	m := pipeline.Step(p, "mean", mean, meanIn{in.Rows})
	pipeline.Step(p, "convert", convert, convertIn{Mean: m, Most: in.Most}, step.Config{Retry: step.Retry{Attempts: 2, Backoff: time.Millisecond}})
	pipeline.Step(p, "hang", hang, struct{}{}, step.Config{Timeout: time.Millisecond})
	return struct{}{}
})

// reproduced runs money, writes a step of the run down, and returns what its test calls Repro with.
func reproduced(t *testing.T, name string) pipelinetest.Recorded {
	t.Helper()
	client := pipelinetest.Open(t)
	run, err := money.Run(t.Context(), client, moneyIn{Rows: []float64{1, 2}, Most: 1}, pipeline.RunConfig{OnFailure: pipeline.Continue})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err == nil {
		t.Fatal("the run succeeded")
	}
	about, err := client.Metadata().Run(t.Context(), run.ID())
	if err != nil {
		t.Fatal(err)
	}
	c, err := repro.Collect(t.Context(), client.Metadata(), about, name, -1)
	if err != nil {
		t.Fatal(err)
	}
	store, err := client.Artifacts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Write(t.Context(), store, repro.Place{Dir: t.TempDir(), Package: "p", Expr: "money"}, repro.Options{Name: name, Home: client.Home()})
	if err != nil {
		t.Fatal(err)
	}
	rec := pipelinetest.Recorded{Dir: w.Dir, Run: run.ID(), Step: name, Inputs: map[string]artifact.Digest{}, Outputs: c.Outputs()}
	for _, in := range c.Inputs {
		rec.Inputs[in.Name] = in.Digest
	}
	if c.Failed() {
		rec.Error = c.Attempt.Error
	}
	return rec
}

// reproduce calls Repro in a test that may fail, and returns what it said.
func reproduce(rec pipelinetest.Recorded, p pipeline.Definition, with func(context.Context) context.Context) (failures, logs string) {
	var l logged
	r := record(func(t testing.TB) {
		l.TB = t
		ctx := t.Context()
		if with != nil {
			ctx = with(ctx)
		}
		pipelinetest.Repro(ctx, &l, p, rec)
	})
	return strings.Join(r.failures, "\n"), strings.Join(l.lines, "\n")
}

// logged is a recorder that keeps what is logged.
type logged struct {
	testing.TB
	lines []string
}

func (l *logged) Logf(f string, a ...any) { l.lines = append(l.lines, fmt.Sprintf(f, a...)) }
func (l *logged) Failed() bool            { return false }

func TestRepro(t *testing.T) {
	t.Parallel()
	rec := reproduced(t, "convert")
	failures, logs := reproduce(rec, money, nil)
	if want := "step convert fails as it did in run " + rec.Run + ": 3 is more than 1"; failures != want || !strings.Contains(logs, "INFO converting rate=2 key=/convert") {
		t.Errorf("it failed with %q, want %q; logs %q", failures, want, logs)
	}
	cheap := func(ctx context.Context) context.Context { return rate.With(ctx, 0.5) }
	if failures, logs = reproduce(rec, money, cheap); failures != "" || !strings.Contains(logs, "step convert succeeds, and failed in run ") {
		t.Errorf("with another resource it failed with %q; logs %q", failures, logs)
	}
	dear := func(ctx context.Context) context.Context { return rate.With(ctx, 10) }
	if failures, _ = reproduce(rec, money, dear); !strings.Contains(failures, "but not as it did in run "+rec.Run+": 15 is more than 1\nin the run: 3 is more than 1") {
		t.Errorf("with a dear resource it failed with %q", failures)
	}
}

func TestReproOfSuccess(t *testing.T) {
	t.Parallel()
	rec := reproduced(t, "mean")
	if failures, _ := reproduce(rec, money, nil); failures != "" {
		t.Errorf("it failed with %q", failures)
	}
	rec.Outputs["output"] = "sha256:" + artifact.Digest(strings.Repeat("0a", 32))
	if failures, _ := reproduce(rec, money, nil); !strings.Contains(failures, "output output of step mean is not that of run ") {
		t.Errorf("another output: %q", failures)
	}
	rec.Outputs = map[string]artifact.Digest{}
	if failures, _ := reproduce(rec, money, nil); failures == "" {
		t.Error("one output more than in the run passes")
	}
}

// A step that timed out is called without its timeout, and fails if it takes as long again.
func TestReproOfTimeout(t *testing.T) {
	t.Parallel()
	rec := reproduced(t, "hang")
	if !strings.HasPrefix(rec.Error, "timed out after 1ms") {
		t.Fatalf("the error is %q", rec.Error)
	}
	if failures, _ := reproduce(rec, money, nil); !strings.Contains(failures, "and its timeout in run "+rec.Run+" was 1ms") {
		t.Errorf("it failed with %q", failures)
	}
}

// What a test was not written for is not called.
func TestReproRefuses(t *testing.T) {
	t.Parallel()
	rec := reproduced(t, "convert")
	other := pipeline.Define("money", func(p *pipeline.Builder, in moneyIn) struct{} { return struct{}{} })
	more := pipeline.Define("money", func(p *pipeline.Builder, in struct{ Rows string }) struct{} { return struct{}{} })
	typed := pipeline.Define("money", func(p *pipeline.Builder, in moneyIn) struct{} {
		name := pipeline.Step(p, "name", func(context.Context, struct{}) (artifact.Ref[string], error) { return artifact.New("x"), nil }, struct{}{})
		pipeline.Step(p, "convert", func(context.Context, struct {
			Mean  artifact.Ref[string]
			Most  float64
			Break bool
		}) (struct{}, error) {
			return struct{}{}, nil
		}, struct {
			Mean  artifact.Ref[string]
			Most  float64
			Break bool
		}{name, in.Most, false})
		return struct{}{}
	})
	for name, test := range map[string]struct {
		p    pipeline.Definition
		edit func(*pipelinetest.Recorded)
		want string
	}{
		"no data":          {money, func(r *pipelinetest.Recorded) { r.Dir += "x" }, "no step is recorded in"},
		"another step":     {money, func(r *pipelinetest.Recorded) { r.Step = "mean" }, "has step convert of run"},
		"another run":      {money, func(r *pipelinetest.Recorded) { r.Run = "x" }, "want step convert of run x"},
		"another digest":   {money, func(r *pipelinetest.Recorded) { r.Inputs = map[string]artifact.Digest{"Mean": "sha256:00"} }, "input Mean is pinned to sha256:00, and directory"},
		"another input":    {money, func(r *pipelinetest.Recorded) { r.Inputs = map[string]artifact.Digest{"Mode": "sha256:00"} }, "has none"},
		"no input":         {money, func(r *pipelinetest.Recorded) { r.Inputs = nil }, "0 inputs are pinned"},
		"another pipeline": {reviewed, nil, "was recorded of pipeline money, and not of reviewed"},
		"another function": {other, nil, "pipeline money has no step convert any more"},
		"other parameters": {more, nil, "the parameters of the run are not those of pipeline money any more"},
		"another type":     {typed, nil, "input Mean is of type float64 in the run, and step convert takes string now"},
	} {
		edited := rec
		if test.edit != nil {
			test.edit(&edited)
		}
		if failures, _ := reproduce(edited, test.p, nil); !strings.Contains(failures, test.want) {
			t.Errorf("%s: %q, want %q", name, failures, test.want)
		}
	}
	file := filepath.Join(rec.Dir, "step.json")
	for text, want := range map[string]string{"{": "unexpected end", `{"version": 9}`: "version 9 is not supported"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if failures, _ := reproduce(rec, money, nil); !strings.Contains(failures, want) {
			t.Errorf("%s: %q", text, failures)
		}
	}
}
