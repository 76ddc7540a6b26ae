package pipelinetest_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/stack"
	"github.com/tenon-ml/tenon/step"
)

type todayIn struct{}

// today looks at the clock, and says so with its cache policy.
func today(context.Context, todayIn) (artifact.Ref[string], error) {
	return artifact.New(time.Now().Format(time.DateOnly)), nil
}

type partsIn struct {
	Text string
	Day  artifact.Ref[string]
}

// parts takes a while, and gives names that do not depend on the day.
func parts(ctx context.Context, in partsIn) (artifact.Ref[[]string], error) {
	if in.Day.Value() == "" {
		return artifact.Ref[[]string]{}, errors.New("no day")
	}
	for i := range 3 {
		step.Progress(ctx, int64(i), 3)
		if err := sleep(ctx, 10*time.Minute); err != nil {
			return artifact.Ref[[]string]{}, err
		}
	}
	return artifact.New(strings.Fields(in.Text)), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type fileIn struct{ Name artifact.Ref[string] }

// write goes on from its checkpoint, and puts out more than fits a record.
func write(ctx context.Context, in fileIn) (artifact.Ref[artifact.File], error) {
	lines := 0
	if _, err := step.Restore(ctx, &lines); err != nil {
		return artifact.Ref[artifact.File]{}, err
	}
	for ; lines < 3; lines++ {
		step.Logger(ctx).Info("line", "n", lines)
		if err := sleep(ctx, time.Minute); err != nil {
			return artifact.Ref[artifact.File]{}, err
		}
		if err := step.Checkpoint(ctx, lines+1); err != nil {
			return artifact.Ref[artifact.File]{}, err
		}
	}
	dir, err := step.TempDir(ctx)
	if err != nil {
		return artifact.Ref[artifact.File]{}, err
	}
	path := filepath.Join(dir, in.Name.Value()+".txt")
	err = os.WriteFile(path, []byte(strings.Repeat(in.Name.Value(), 100_000)), 0o600)
	return artifact.New(artifact.File(path)), err
}

type sizeIn struct {
	File artifact.Ref[artifact.File]
}

func size(_ context.Context, in sizeIn) (artifact.Ref[int], error) {
	b, err := os.ReadFile(string(in.File.Value()))
	return artifact.New(len(b)), err
}

type sumIn struct {
	Sizes artifact.Ref[[]int]
	OK    artifact.Ref[pipeline.Approval]
}

func sum(ctx context.Context, in sumIn) (artifact.Ref[string], error) {
	step.Metric(ctx, "parts", float64(len(in.Sizes.Value())))
	n := 0
	for _, s := range in.Sizes.Value() {
		n += s
	}
	return artifact.New(in.OK.Value().By + " " + strconv.Itoa(n)), nil
}

// careful does everything that a step may do, and minds what may happen to it.
var careful = pipeline.Define("careful", func(p *pipeline.Builder, in struct{ Text string }) artifact.Ref[string] {
	day := pipeline.Step(p, "today", today, todayIn{}, step.Config{Cache: step.Never})
	names := pipeline.Step(p, "parts", parts, partsIn{in.Text, day}, step.Config{Timeout: time.Hour})
	files := pipeline.Map(p, "write", write, names, func(name artifact.Ref[string]) fileIn { return fileIn{name} },
		step.Config{Retry: step.Retry{Attempts: 3, Backoff: time.Minute}})
	sizes := pipeline.Then(p, "size", size, files, func(f artifact.Ref[artifact.File]) sizeIn { return sizeIn{f} }, step.Config{Runner: "process"})
	ok := pipeline.Wait(p, "review", "Is that right?", struct{ Names artifact.Ref[[]string] }{names})
	all := pipeline.Gather(sizes, func(n artifact.Ref[int]) artifact.Ref[int] { return n })
	return pipeline.Step(p, "sum", sum, sumIn{all, ok}, step.Config{Limits: []string{"database"}})
})

// TestSimulate: a pipeline that does everything right gets over everything that happens to it.
func TestSimulate(t *testing.T) {
	t.Parallel()
	artifacts, err := artifactlocal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	orch, err := local.New(local.Config{Limits: map[string]orchestrator.Limit{"database": {Concurrency: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	limited, err := stack.New(stack.Parts{Name: "limited", Orchestrator: orch, Artifacts: artifacts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { limited.Close() })
	injected := make(chan map[string]int, 1000)
	t.Run("seeds", func(t *testing.T) {
		pipelinetest.Seeds(t, 10, func(t *testing.T, seed uint64) {
			t.Parallel()
			done := pipelinetest.Simulate(t, careful, struct{ Text string }{"a b c"}, seed, pipelinetest.Approve("review", "ada", ""), tenon.Config{Stack: limited})
			if done.Elapsed < 30*time.Minute || done.Executions < 20 || done.Seed != seed {
				t.Errorf("%+v", done)
			}
			select {
			case injected <- done.Injected:
			default:
			}
		})
	})
	close(injected)
	if os.Getenv("TENON_SEED") != "" {
		return
	}
	kinds := map[string]int{}
	for one := range injected {
		for kind, n := range one {
			kinds[kind] += n
		}
	}
	for _, kind := range strings.Split((pipelinetest.AllFaults &^ pipelinetest.Delays).String(), ", ") {
		if kinds[kind] == 0 {
			t.Errorf("no %s in all seeds: %v", kind, kinds)
		}
	}
}

// TestSimulateAgain: the same seed does the same to a pipeline in which nothing runs beside anything else.
func TestSimulateAgain(t *testing.T) {
	t.Parallel()
	in := params{Rows: []float64{1, 2, 6}, Deploy: true}
	for seed := range uint64(5) {
		first, again := pipelinetest.Simulate(t, service, in, seed, stepFaults), pipelinetest.Simulate(t, service, in, seed, stepFaults)
		if !maps.Equal(first.Injected, again.Injected) || !cmp.Equal(happened(first), happened(again)) {
			t.Errorf("seed %d: %v %v, and again %v %v", seed, first.Injected, first.Trace, again.Injected, again.Trace)
		}
	}
}

// stepFaults are those that happen to executions, which no order of goroutines decides.
const stepFaults = pipelinetest.Crashes | pipelinetest.Timeouts

// happened is a trace without the times, which depend on the jitter of retries.
func happened(s pipelinetest.Simulation) []string {
	var lines []string
	for _, line := range s.Trace {
		_, what, _ := strings.Cut(line, " ")
		lines = append(lines, strings.TrimSpace(what))
	}
	return lines
}

func TestSimulateWithoutFaults(t *testing.T) {
	t.Parallel()
	done := pipelinetest.Simulate(t, service, params{Rows: []float64{1}}, 1, pipelinetest.Faults(0))
	if done.Drivers != 1 || len(done.Trace) != 0 || done.Executions != 6 { // deploy is skipped
		t.Errorf("%+v", done)
	}
}

type halfIn struct{ N artifact.Ref[int] }

var errOdd = errors.New("odd")

// half fails for odd numbers.
func half(_ context.Context, in halfIn) (artifact.Ref[int], error) {
	if in.N.Value()%2 != 0 {
		return artifact.Ref[int]{}, errOdd
	}
	return artifact.New(in.N.Value() / 2), nil
}

type numbersIn struct{ Numbers []int }

func numbers(_ context.Context, in numbersIn) (artifact.Ref[[]int], error) {
	return artifact.New(in.Numbers), nil
}

var tolerant = pipeline.Define("tolerant", func(p *pipeline.Builder, in numbersIn) artifact.Ref[[]int] {
	all := pipeline.Map(p, "half", half, pipeline.Step(p, "numbers", numbers, in), func(n artifact.Ref[int]) halfIn { return halfIn{n} },
		step.Config{Tolerate: step.Tolerance{Count: 3}})
	return pipeline.Gather(all, func(n artifact.Ref[int]) artifact.Ref[int] { return n })
})

// TestSimulateTolerance: what happens to elements is not taken for what the step tolerates, unless it tolerates something anyway.
func TestSimulateTolerance(t *testing.T) {
	t.Parallel()
	pipelinetest.Seeds(t, 5, func(t *testing.T, seed uint64) {
		t.Parallel()
		pipelinetest.Simulate(t, tolerant, numbersIn{[]int{2, 4, 6}}, seed, pipelinetest.Crashes|pipelinetest.Timeouts)
		pipelinetest.Simulate(t, tolerant, numbersIn{[]int{2, 3, 6, 8}}, seed, pipelinetest.Crashes)
	})
}
