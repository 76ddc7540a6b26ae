package local_test

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/orchestrator/orchestratortest"
	"github.com/tenon-ml/tenon/step"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, runner := range []string{"", local.RunnerGoroutine, local.RunnerProcess} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			orchestratortest.Run(t, orchestratortest.Harness{
				Runner: runner,
				Open: func(t *testing.T) orchestrator.Orchestrator {
					t.Helper()
					o, err := local.New(local.Config{})
					if err != nil {
						t.Fatal(err)
					}
					return o
				},
			})
		})
	}
}

func TestInvalidConfig(t *testing.T) {
	t.Parallel()
	limit := func(name string, l orchestrator.Limit) local.Config {
		return local.Config{Limits: map[string]orchestrator.Limit{"fine": {Concurrency: 1}, name: l}}
	}
	for want, c := range map[string]local.Config{
		`runner: "thread" is not known, want goroutine or process`:       {Runner: "thread"},
		"parallel: -1 is negative":                                       {Parallel: -1},
		"cpu: -1 is not a number of cores: 0 is all of the machine's":    {CPU: -1},
		"cpu: NaN is not a number of cores: 0 is all of the machine's":   {CPU: math.NaN()},
		"cpu: +Inf is not a number of cores: 0 is all of the machine's":  {CPU: math.Inf(1)},
		"memory: -5 is negative":                                         {Memory: -5},
		"gpu: -2 is negative":                                            {GPU: -2},
		`limits: "": a limit needs a name`:                               limit("", orchestrator.Limit{}),
		`limits: "db": concurrency: -1 is negative`:                      limit("db", orchestrator.Limit{Concurrency: -1}),
		`limits: "db": rate: NaN is not a number of attempts per second`: limit("db", orchestrator.Limit{Rate: math.NaN()}),
		`limits: "db": burst: -1 is negative`:                            limit("db", orchestrator.Limit{Rate: 1, Burst: -1}),
		`limits: "db": burst: 3 has no effect without a rate`:            limit("db", orchestrator.Limit{Burst: 3}),
		"defaults: retry.attempts: -1 is negative: 1 means no retry":     {Defaults: step.Config{Retry: step.Retry{Attempts: -1}}},
	} {
		_, err := local.New(c)
		if err == nil || err.Error() != "orchestrator local: "+want || component.CodeOf(err) != component.Invalid {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	named := map[string]orchestrator.Limit{"api": {Rate: 10, Burst: 20}}
	o, err := local.New(local.Config{Parallel: 3, Memory: 8 << 30, GPU: 1, Limits: named, Defaults: step.Config{Version: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	named["later"] = orchestrator.Limit{} // is not seen
	want := orchestrator.Capabilities{
		Runners: []orchestrator.RunnerInfo{{Name: "goroutine", Inside: true}, {Name: "process"}},
		Limits: orchestrator.Limits{
			Parallel: 3, CPU: float64(runtime.GOMAXPROCS(0)), Memory: 8 << 30, GPU: 1,
			Named: map[string]orchestrator.Limit{"api": {Rate: 10, Burst: 20}},
		},
		StepDefaults: step.Config{Version: "1"},
	}
	if diff := cmp.Diff(want, o.Capabilities()); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultRunnerIsFirst(t *testing.T) {
	t.Parallel()
	o, err := local.New(local.Config{Runner: local.RunnerProcess})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	want := []orchestrator.RunnerInfo{{Name: "process"}, {Name: "goroutine", Inside: true}}
	if diff := cmp.Diff(want, o.Capabilities().Runners); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownRunner(t *testing.T) {
	t.Parallel()
	o, err := local.New(local.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	r, err := o.Runner(t.Context(), orchestrator.Run{ID: "r"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	const want = `orchestrator local: runner "thread" is not known, want goroutine or process`
	if _, err := r.Run(t.Context(), orchestrator.Attempt{ID: "a", Runner: "thread"}); err == nil || err.Error() != want || component.CodeOf(err) != component.Invalid {
		t.Errorf("the error is %v", err)
	}
}

func TestFlavor(t *testing.T) {
	t.Parallel()
	config := local.Flavor.Config()
	if err := local.Flavor.Validate(config); err != nil {
		t.Errorf("the defaults are invalid: %v", err)
	}
	o, err := component.Open(context.Background(), local.Flavor, orchestrator.Kind, config, component.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
