package pipelinetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/internal/part"
	"github.com/tenon-ml/tenon/internal/simulate"
	"github.com/tenon-ml/tenon/pipeline"
)

// Faults is a set of kinds of faults that [Simulate] may inject. Which of them it does inject, when, and how often, the seed decides.
type Faults uint

// The kinds of faults.
const (
	// Crashes end an attempt before, in the middle of, or after its function; the result is lost.
	Crashes = Faults(simulate.Crashes)
	// Deaths end the program that drives the run, or cut it off from the metadata store; another one goes on with the run.
	Deaths = Faults(simulate.Deaths)
	// Duplicates execute an attempt twice, one after the other or at once, or let one that was given up go on beside the next.
	Duplicates = Faults(simulate.Duplicates)
	// Timeouts end the context of an attempt before its function returns.
	Timeouts = Faults(simulate.Timeouts)
	// Failures of the artifact and the metadata store: before a call has had its effect, or after it, so that nobody hears of it.
	Failures = Faults(simulate.Failures)
	// Delays make stores slow and let attempts wait.
	Delays = Faults(simulate.Delays)

	// AllFaults is what may happen unless something else is said.
	AllFaults = Crashes | Deaths | Duplicates | Timeouts | Failures | Delays
)

// Part makes Faults acceptable to [Simulate]. Of several values the last counts.
func (Faults) Part(part.Seal) {}

// String lists the kinds.
func (f Faults) String() string { return simulate.Faults(f).String() }

// Simulation tells what [Simulate] did.
type Simulation struct {
	Seed uint64
	// Executions is how often functions of steps were called, in all runs.
	Executions int
	// Drivers is how many programs drove the disturbed run, one after the other.
	Drivers int
	// Injected counts the faults by kind: "crashes", "deaths", ...
	Injected map[string]int
	// Elapsed is how long it would have taken.
	Elapsed time.Duration
	// Trace says what was injected, one line each, in order.
	Trace []string
}

// Simulate runs a pipeline three times in virtual time: twice undisturbed, and once with faults that a seed decides. It fails the test for
//
//   - a step that is not deterministic: the same inputs gave other outputs, or it failed in one run and not in another;
//   - a step that is not idempotent: executed again, after an attempt whose result was lost or beside another one, it gave other outputs, or failed;
//   - a step that ignores its context, and goes on for more than ten seconds after it has ended;
//   - results that are not those of an undisturbed run.
//
// Each message names the step, what differs, and the seed that repeats it. A step whose cache policy is step.Never may give other outputs each
// time, as one that looks at the clock does; it must be idempotent all the same. What comes after such outputs is not compared.
//
// The pipeline must succeed when it is not disturbed. Parts are as for [Run]: answers to steps that wait, and a tenon.Config, whose Stack, if there
// is one, says what the orchestrator's limits are, and whose Logger is used; everything is stored in a temporary directory. [Faults] restrict
// what happens. All steps run inside the test, in goroutines, also those that ask for processes of their own.
//
// Everything happens in a bubble of testing/synctest: time.Now begins in the year 2000, and hours pass at once when every goroutine waits for
// something within the bubble. While one waits for a network, a process or a lock, no time passes. Every goroutine that a step starts must
// end, and channels and timers that were made outside the bubble, by a global that was initialised before, do not belong to it: see
// package testing/synctest.
//
// The same seed injects the same faults into the same executions of steps. Which of two goroutines that can run is first, is Go's to decide: so
// which calls of the stores are hit, and what of two things that happen at one time comes first, may change between repetitions, most of all
// in pipelines with much that runs in parallel.
func Simulate[P, Out any](t *testing.T, p *pipeline.Pipeline[P, Out], params P, seed uint64, parts ...tenon.Part) Simulation {
	t.Helper()
	t.Logf("simulate pipeline %s with seed %d", p.Name(), seed) // also if a bubble ends with a deadlock
	allowed := AllFaults
	parts = slices.DeleteFunc(slices.Clone(parts), func(p tenon.Part) bool {
		f, ok := p.(Faults)
		if ok {
			allowed = f
		}
		return ok
	})
	answers, parts := split(parts)
	s := &simulation{definition: p, params: &params, answers: answers, dir: t.TempDir()}
	for _, part := range parts {
		config, ok := part.(tenon.Config)
		if !ok {
			t.Fatalf("simulate pipeline %s: part %T is not for a simulation: give a stack with tenon.Config", p.Name(), part)
		}
		s.config = config
	}
	var problems []simulate.Problem
	synctest.Test(t, func(t *testing.T) {
		s.world = simulate.New(seed, simulate.Faults(allowed))
		s.t = t
		problems = s.run()
	})
	done := s.report(seed)
	for _, p := range problems {
		t.Errorf("%v\n%s\nrepeat it with pipelinetest.Simulate and seed %d, or in pipelinetest.Seeds with %s=%d", p, trace(s.world.Notes(), p.Step), seed, envSeed, seed)
	}
	return done
}

func (s *simulation) report(seed uint64) Simulation {
	r := Simulation{Seed: seed, Executions: s.world.Executions(), Drivers: s.drivers, Injected: s.world.Injected(), Elapsed: s.elapsed}
	for _, n := range s.world.Notes() {
		r.Trace = append(r.Trace, n.String())
	}
	return r
}

// trace shows what happened to a step, and to what drove its run.
func trace(notes []simulate.Note, step string) string {
	const most = 30
	lines := []string{"what happened:"}
	for _, n := range notes {
		if step == "" || n.Step == "" || n.Step == step {
			lines = append(lines, "  "+n.String())
		}
	}
	switch n := len(lines) - 1; {
	case n == 0:
		return "nothing was injected"
	case n > most:
		lines = append(lines[:most+1], fmt.Sprintf("  ... %d more", n-most))
	}
	return strings.Join(lines, "\n")
}
