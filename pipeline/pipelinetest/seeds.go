package pipelinetest

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

// The environment of [Seeds].
const (
	envSeed  = "TENON_SEED"
	envSeeds = "TENON_SEEDS"
)

// Seeds calls a test for the seeds 1 to n, each as a subtest. The environment variable TENON_SEEDS is another n, for a long search at night;
// TENON_SEED is the one seed to repeat.
//
//	pipelinetest.Seeds(t, 20, func(t *testing.T, seed uint64) { pipelinetest.Simulate(t, Penguins, Params{LR: 0.1}, seed) })
func Seeds(t *testing.T, n int, test func(t *testing.T, seed uint64)) {
	t.Helper()
	if text := os.Getenv(envSeed); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", envSeed, err)
		}
		test(t, seed)
		return
	}
	if text := os.Getenv(envSeeds); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", envSeeds, err)
		}
	}
	for seed := uint64(1); seed <= uint64(max(n, 0)); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { test(t, seed) })
	}
}
