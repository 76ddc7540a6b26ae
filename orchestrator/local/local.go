package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/step"
)

// Config of the local orchestrator. The zero value of a limit means none, except for CPU.
type Config struct {
	Runner   string                        `yaml:"runner" doc:"how attempts run whose step does not say: as a goroutine, or each in a process of its own"`
	Parallel int                           `yaml:"parallel" doc:"attempts at once; 0 is unlimited"`
	CPU      float64                       `yaml:"cpu" doc:"cores that attempts may occupy at once; 0 is all of the machine's. A step that does not say what it needs counts as one"`
	Memory   step.Bytes                    `yaml:"memory" doc:"memory that attempts may declare at once, such as 8GiB; 0 is unlimited"`
	GPU      int                           `yaml:"gpu" doc:"GPUs that attempts may occupy at once; 0 is none"`
	Limits   map[string]orchestrator.Limit `yaml:"limits" doc:"named limits that steps refer to"`
	Defaults step.Config                   `yaml:"defaults" doc:"configuration of every step, below what pipeline and step say"`
}

// Validate implements component.Validator.
func (c *Config) Validate() error {
	switch {
	case !slices.ContainsFunc(runnerInfos, func(r orchestrator.RunnerInfo) bool { return r.Name == c.Runner }):
		return fmt.Errorf("runner: %s", unknownRunner(c.Runner))
	case c.Parallel < 0:
		return fmt.Errorf("parallel: %d is negative", c.Parallel)
	case !(c.CPU >= 0) || math.IsInf(c.CPU, 1):
		return fmt.Errorf("cpu: %g is not a number of cores: 0 is all of the machine's", c.CPU)
	case c.Memory < 0:
		return fmt.Errorf("memory: %d is negative", c.Memory)
	case c.GPU < 0:
		return fmt.Errorf("gpu: %d is negative", c.GPU)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Limits)) {
		if err := checkLimit(name, c.Limits[name]); err != nil {
			return fmt.Errorf("limits: %q: %w", name, err)
		}
	}
	if err := c.Defaults.Validate(); err != nil {
		return fmt.Errorf("defaults: %w", err)
	}
	return nil
}

func checkLimit(name string, l orchestrator.Limit) error {
	switch {
	case name == "":
		return errors.New("a limit needs a name")
	case l.Concurrency < 0:
		return fmt.Errorf("concurrency: %d is negative", l.Concurrency)
	case !(l.Rate >= 0) || math.IsInf(l.Rate, 1):
		return fmt.Errorf("rate: %g is not a number of attempts per second", l.Rate)
	case l.Burst < 0:
		return fmt.Errorf("burst: %d is negative", l.Burst)
	case l.Burst > 0 && l.Rate == 0:
		return fmt.Errorf("burst: %d has no effect without a rate", l.Burst)
	}
	return nil
}

// Flavor is the local orchestrator as a component.
var Flavor = component.New("local", orchestrator.Kind, Config{Runner: RunnerGoroutine},
	func(_ context.Context, c Config, _ component.Env) (orchestrator.Orchestrator, error) { return New(c) },
).WithDoc("runs steps in the program itself, on this machine")

// New returns a local orchestrator, for a stack that is composed in Go. An empty Runner means [RunnerGoroutine]. The error's code is Invalid.
func New(c Config) (orchestrator.Orchestrator, error) {
	if c.Runner == "" {
		c.Runner = RunnerGoroutine
	}
	if err := c.Validate(); err != nil {
		return nil, component.Errorf(component.Invalid, "orchestrator local: %w", err)
	}
	if c.CPU == 0 {
		c.CPU = float64(runtime.GOMAXPROCS(0))
	}
	c.Limits = maps.Clone(c.Limits) // they stay what they are
	return &local{c, usualTiming, newOOMKills}, nil
}

type local struct {
	c        Config
	timing   timing
	oomKills func() *oomKills
}

func (l *local) Capabilities() orchestrator.Capabilities {
	runners := slices.Clone(runnerInfos)
	if runners[0].Name != l.c.Runner {
		slices.Reverse(runners)
	}
	return orchestrator.Capabilities{
		Runners: runners,
		Limits: orchestrator.Limits{
			Parallel: l.c.Parallel, CPU: l.c.CPU, Memory: l.c.Memory, GPU: l.c.GPU, Named: l.c.Limits,
		},
		StepDefaults: l.c.Defaults,
	}
}

func (l *local) Close() error { return nil }
