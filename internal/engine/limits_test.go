package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// crowd is n independent steps that each take a second, and the most of them that ran at once.
func crowd(n int, c step.Config) (p *pipeline.Pipeline[none, none], most *atomic.Int64) {
	var now atomic.Int64
	most = new(atomic.Int64)
	busy := act(func(ctx context.Context, _ string, _ []int) (int, error) {
		if running := now.Add(1); running > most.Load() {
			most.Store(running)
		}
		defer now.Add(-1)
		select {
		case <-time.After(time.Second):
			return 0, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	return pipeline.Define("crowd", func(p *pipeline.Builder, _ none) none {
		for i := range n {
			pipeline.Step(p, fmt.Sprintf("s%d", i), busy, in{Name: strconv.Itoa(i)}, c)
		}
		return none{}
	}), most
}

func TestLimitsOfARun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config step.Config
		set    func(r *rig)
		most   int64
		takes  time.Duration
	}{
		"none":            {step.Config{}, func(*rig) {}, 12, time.Second},
		"parallel":        {step.Config{}, func(r *rig) { r.local.Parallel = 3 }, 3, 4 * time.Second},
		"parallel of run": {step.Config{}, func(r *rig) { r.local.Parallel = 3; r.options.Parallel = 2 }, 2, 6 * time.Second},
		"cores":           {step.Config{}, func(r *rig) { r.local.CPU = 4 }, 4, 3 * time.Second},
		"parts of cores":  {step.Config{Resources: step.Resources{CPU: 0.1}}, func(r *rig) { r.local.CPU = 0.3 }, 3, 4 * time.Second},
		"memory": {step.Config{Resources: step.Resources{Memory: 3 << 30}}, func(r *rig) { r.local.Memory = 8 << 30 }, 2,
			6 * time.Second},
		"gpu": {step.Config{Resources: step.Resources{GPU: 1}}, func(r *rig) { r.local.GPU = 1 }, 1, 12 * time.Second},
		"named": {step.Config{Limits: []string{"db"}}, func(r *rig) {
			r.local.Limits = map[string]orchestrator.Limit{"db": {Concurrency: 6}}
		}, 6, 2 * time.Second},
		"rate": {step.Config{Limits: []string{"api"}}, func(r *rig) {
			r.local.Limits = map[string]orchestrator.Limit{"api": {Rate: 2, Burst: 2}}
		}, 3, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c.set(r)
				p, most := crowd(12, c.config)
				start := time.Now()
				run(t.Context(), r, p, none{}).want("succeeded")
				if took := time.Since(start); took < c.takes || took > c.takes+50*time.Millisecond {
					t.Errorf("it took %v, want %v", took, c.takes)
				}
				if most.Load() != c.most {
					t.Errorf("%d ran at once, want %d", most.Load(), c.most)
				}
			})
		})
	}
}
