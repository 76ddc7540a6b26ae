package pipelinetest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type params struct {
	Rows   []float64
	Deploy bool
}

type meanIn struct{ Rows []float64 }

var errNoRows = errors.New("no rows")

func mean(_ context.Context, in meanIn) (artifact.Ref[float64], error) {
	if len(in.Rows) == 0 {
		return artifact.Ref[float64]{}, errNoRows
	}
	total := 0.0
	for _, x := range in.Rows {
		total += x
	}
	return artifact.New(total / float64(len(in.Rows))), nil
}

type goodIn struct {
	Mean artifact.Ref[float64]
	Want bool
}

func good(_ context.Context, in goodIn) (artifact.Ref[bool], error) {
	return artifact.New(in.Want && in.Mean.Value() > 0), nil
}

type deployIn struct{ Mean artifact.Ref[float64] }

func deploy(_ context.Context, in deployIn) (artifact.Ref[string], error) {
	return artifact.New(fmt.Sprintf("deployed %v", in.Mean.Value())), nil
}

type result struct {
	Mean   artifact.Ref[float64]
	Deploy artifact.Ref[string]
}

var service = pipeline.Define("service", func(p *pipeline.Builder, in params) result {
	m := pipeline.Step(p, "mean", mean, meanIn{in.Rows})
	ok := pipeline.Step(p, "good", good, goodIn{m, in.Deploy})
	return result{m, pipeline.Step(p, "deploy", deploy, deployIn{m}, pipeline.When(ok))}
})

func TestRun(t *testing.T) {
	t.Parallel()
	out := pipelinetest.Run(t, service, params{Rows: []float64{1, 2, 6}, Deploy: true})
	if out.Mean.Value() != 3 || out.Deploy.Value() != "deployed 3" {
		t.Errorf("mean %v, deploy %q", out.Mean.Value(), out.Deploy.Value())
	}
}

func TestSkippedResult(t *testing.T) {
	t.Parallel()
	if out := pipelinetest.Run(t, service, params{Rows: []float64{1}}); out.Mean.Value() != 1 {
		t.Errorf("mean %v", out.Mean.Value())
	}
	out, err := pipelinetest.Try(t, service, params{Rows: []float64{1}})
	if !errors.Is(err, pipeline.ErrSkipped) || !strings.Contains(err.Error(), "Deploy") || out.Mean.Value() != 1 {
		t.Errorf("mean %v, error %v", out.Mean.Value(), err)
	}
}

func TestFailingStep(t *testing.T) {
	t.Parallel()
	_, err := pipelinetest.Try(t, service, params{})
	if !errors.Is(err, errNoRows) || !strings.Contains(err.Error(), "step mean") {
		t.Errorf("error %v", err)
	}
	rec := record(func(t testing.TB) { pipelinetest.Run(t, service, params{}) })
	if !rec.stopped || len(rec.failures) != 1 || !strings.HasPrefix(rec.failures[0], "run pipeline service: run ") || !strings.Contains(rec.failures[0], "no rows") {
		t.Errorf("Run of a failing pipeline: stopped %v, %q", rec.stopped, rec.failures)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	states := func(rows ...float64) string {
		t.Helper()
		run, err := service.Run(t.Context(), client, params{Rows: rows, Deploy: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Result(t.Context()); err != nil {
			t.Fatal(err)
		}
		counts, err := client.Metadata().CountSteps(t.Context(), run.ID())
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(counts[metadata.StepSucceeded], " run, ", counts[metadata.StepCached], " cached")
	}
	if got := states(1, 2); got != "3 run, 0 cached" {
		t.Errorf("first: %s", got)
	}
	if got := states(1, 2); got != "0 run, 3 cached" {
		t.Errorf("again: %s", got)
	}
	if got := states(2, 1); got != "1 run, 2 cached" { // another input, but the same mean
		t.Errorf("with another order: %s", got)
	}
}

// A test that gives a configuration for another reason still has a home of its own.
func TestHome(t *testing.T) {
	t.Setenv("TENON_HOME", filepath.Join(t.TempDir(), "of the developer"))
	client := pipelinetest.Open(t, tenon.Config{StackName: "default"})
	if home := client.Home(); home == os.Getenv("TENON_HOME") {
		t.Errorf("the home is %s", home)
	}
	own := t.TempDir()
	if home := pipelinetest.Open(t, tenon.Config{Home: own}).Home(); home != own {
		t.Errorf("the home is %s, want %s", home, own)
	}
	if _, err := os.Stat(os.Getenv("TENON_HOME")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the developer's home was touched: %v", err)
	}
	rec := record(func(t testing.TB) { pipelinetest.Open(t, tenon.Config{Home: filepath.Join(t.TempDir(), "a\x00b")}) })
	if !rec.stopped || len(rec.failures) != 1 || !strings.HasPrefix(rec.failures[0], "open a client: ") {
		t.Errorf("a home that cannot be: stopped %v, %q", rec.stopped, rec.failures)
	}
}

func TestGolden(t *testing.T) {
	in, file := params{Rows: []float64{1}}, filepath.Join(t.TempDir(), "new", "graph.json")
	rec := record(func(t testing.TB) { pipelinetest.Golden(t, service, in, file) })
	if !rec.stopped || !strings.Contains(strings.Join(rec.failures, ""), "run the test with UPDATE_GOLDEN=1 to write it") {
		t.Errorf("without a file: %q", rec.failures)
	}
	t.Setenv("UPDATE_GOLDEN", "1")
	pipelinetest.Golden(t, service, in, file)
	t.Setenv("UPDATE_GOLDEN", "")
	pipelinetest.Golden(t, service, in, file)

	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	windows := strings.ReplaceAll(string(content), "\n", "\r\n")
	if err := os.WriteFile(file, []byte(windows), 0o600); err != nil {
		t.Fatal(err)
	}
	pipelinetest.Golden(t, service, in, file) // as git checks it out on Windows

	rec = record(func(t testing.TB) { pipelinetest.Golden(t, service, params{Rows: []float64{2}}, file) })
	if len(rec.failures) != 1 || !strings.HasPrefix(rec.failures[0], "the graph of pipeline service is not the one in ") || !strings.Contains(rec.failures[0], "\n want: ") {
		t.Errorf("another graph: %q", rec.failures)
	}
}

func TestGoldenThatIsKept(t *testing.T) {
	t.Parallel()
	pipelinetest.Golden(t, service, params{Rows: []float64{1, 2}, Deploy: true}, "testdata/service.graph.json")
}

func TestPipelineThatIsNotDeterministic(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	counting := pipeline.Define("counting", func(p *pipeline.Builder, _ struct{}) artifact.Ref[float64] {
		return pipeline.Step(p, "mean", mean, meanIn{[]float64{float64(calls.Add(1))}})
	})
	ranging := pipeline.Define("ranging", func(p *pipeline.Builder, _ struct{}) struct{} {
		for name := range map[string]bool{"a": true, "b": true, "c": true, "d": true} {
			pipeline.Step(p, name, mean, meanIn{[]float64{1}})
		}
		return struct{}{}
	})
	file := filepath.Join(t.TempDir(), "graph.json")
	for name, rec := range map[string]recorder{
		"counting": record(func(t testing.TB) { pipelinetest.Golden(t, counting, struct{}{}, file) }),
		"ranging":  record(func(t testing.TB) { pipelinetest.Golden(t, ranging, struct{}{}, file) }),
	} {
		if !rec.stopped || len(rec.failures) != 1 || !strings.HasPrefix(rec.failures[0], "pipeline "+name+" is not deterministic: ") || !strings.Contains(rec.failures[0], "\nagain: ") {
			t.Errorf("%s: stopped %v, %q", name, rec.stopped, rec.failures)
		}
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a golden file was written: %v", err)
	}
}

func TestPipelineThatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	bad := pipeline.Define("bad", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
		return pipeline.Step(p, "deploy", deploy, deployIn{}, step.Config{Retry: step.Retry{Attempts: -1}})
	})
	for what, use := range map[string]func(t testing.TB){
		"Run":    func(t testing.TB) { pipelinetest.Run(t, bad, struct{}{}) },
		"Golden": func(t testing.TB) { pipelinetest.Golden(t, bad, struct{}{}, "x") },
	} {
		rec := record(use)
		if text := strings.Join(rec.failures, ""); !rec.stopped || !strings.Contains(text, "Mean") || !strings.Contains(text, "retry.attempts") {
			t.Errorf("%s: stopped %v, %q", what, rec.stopped, rec.failures)
		}
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	cleanups []func()
	failures []string
	stopped  bool
}

func (r *recorder) Helper()                   {}
func (r *recorder) Context() context.Context  { return context.Background() }
func (r *recorder) Cleanup(f func())          { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(f string, a ...any) { r.failures = append(r.failures, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatal(a ...any)            { r.Fatalf("%s", fmt.Sprint(a...)) }

func (r *recorder) Fatalf(f string, a ...any) {
	r.Errorf(f, a...)
	r.stopped = true
	runtime.Goexit()
}

func (r *recorder) TempDir() string {
	dir, err := os.MkdirTemp("", "pipelinetest-")
	if err != nil {
		panic(err)
	}
	r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

// record runs test as package testing does: in a goroutine of its own, which Fatal ends.
func record(test func(t testing.TB)) recorder {
	var r recorder
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.end()
		test(&r)
	}()
	<-done
	return r
}
