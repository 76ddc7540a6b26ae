package workers_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// TestSameResults runs the examples with every runner, and with a mixture that is drawn anew each time: all outputs of all steps are the same.
func TestSameResults(t *testing.T) {
	t.Parallel()
	seed := trial.Number(t, "TENON_E2E_SEED", int(time.Now().UnixNano()%1e9))
	for _, example := range []string{"penguins", "sweep", "etl"} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			path := builds.Program(t, filepath.Join("..", "..", "examples", example))
			want, steps, outside := results(t, path, "--runner", "goroutine")
			if outside != none {
				t.Errorf("%s attempts were outside the program, want none", outside)
			}
			if len(want) < len(steps) {
				t.Errorf("%d outputs of %d steps", len(want), len(steps))
			}
			got, _, outside := results(t, path, "--runner", "process")
			if diff := cmp.Diff(want, got); diff != "" || outside != all {
				t.Errorf("%s attempts were outside the program; digests (-goroutine +process):\n%s", outside, diff)
			}
			mixed, config := mixture(t, steps, rand.New(rand.NewPCG(uint64(seed), 0)))
			got, _, outside = results(t, path, "--config", mixed)
			if diff := cmp.Diff(want, got); diff != "" || outside != some {
				t.Errorf("TENON_E2E_SEED=%d: %s attempts were outside the program; digests (-goroutine +mixed):\n%s\n%s", seed, outside, diff, config)
			}
		})
	}
}

// How many attempts of a run had processes of their own.
const none, some, all = "no", "some", "all"

// results runs a program on a site of its own. It returns the digests of everything, the names of its steps, and how many attempts had processes
// of their own.
func results(t *testing.T, path string, flags ...string) (digests map[string]artifact.Digest, steps []string, outside string) {
	t.Helper()
	site := trial.NewSite(t)
	site.Run(t, path, append([]string{"run"}, flags...)...)
	r := site.Records(t)
	names := map[string]bool{}
	for key, row := range r.Steps {
		names[key.Step] = true
		if row.State == metadata.StepCached {
			t.Errorf("step %v comes from the cache of a new home", key)
		}
	}
	n := 0
	for _, a := range r.Attempts {
		if a.Cost.PeakMemory > 0 { // is known of processes
			n++
		}
	}
	outside = some
	switch n {
	case 0:
		outside = none
	case len(r.Attempts):
		outside = all
	}
	return r.Digests(r.Runs[0].ID), slices.Sorted(maps.Keys(names)), outside
}

// mixture writes a configuration that lets each step run in one way or the other.
func mixture(t *testing.T, steps []string, random *rand.Rand) (path, config string) {
	t.Helper()
	var text strings.Builder
	text.WriteString("steps:\n")
	for i, name := range steps {
		runner := "goroutine"
		if i == 0 || i > 1 && random.IntN(2) == 0 { // at least one of each
			runner = "process"
		}
		fmt.Fprintf(&text, "  %s: {runner: %s}\n", name, runner)
	}
	path = filepath.Join(t.TempDir(), "mixed.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, text.String()
}
