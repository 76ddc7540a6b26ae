package engine_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

type size struct{ N int }

var chain = pipeline.Define("chain", func(p *pipeline.Builder, s size) artifact.Ref[int] {
	last := pipeline.Step(p, "s0", sum, in{})
	for i := 1; i < s.N; i++ {
		last = pipeline.Step(p, fmt.Sprintf("s%d", i), sum, in{From: refs(last)})
	}
	return last
})

var wide = pipeline.Define("wide", func(p *pipeline.Builder, s size) none {
	for i := range s.N {
		pipeline.Step(p, fmt.Sprintf("s%d", i), sum, in{Name: strconv.Itoa(i)})
	}
	return none{}
})

var mapped = pipeline.Define("mapped", func(p *pipeline.Builder, s size) artifact.Ref[[]int] {
	m := pipeline.Map(p, "each", one, pipeline.Step(p, "list", numbers, struct{ N int }{s.N}), itemOf)
	return pipeline.Gather(pipeline.Then(p, "then", one, m, itemOf), same)
})

// BenchmarkRun measures whole runs, with SQLite and the local artifact store. The graph and the plan are made beforehand.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		name   string
		p      pipeline.Definition
		n      int
		tasks  int
		cached bool
	}{
		{"chain", chain, 1000, 1000, false},
		{"chain cached", chain, 1000, 1000, true},
		{"wide", wide, 10_000, 10_000, false},
		{"wide cached", wide, 10_000, 10_000, true},
		{"map and then", mapped, 5000, 10_001, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b)
			r.local.CPU = 2
			if c.cached {
				once(b, r, c.p, c.n)
			}
			b.ReportAllocs()
			least := time.Duration(math.MaxInt64) // other work on the machine only adds
			for i := 0; b.Loop(); i++ {
				if !c.cached {
					r.prints.version = strconv.Itoa(i) // looked up, and not found
				}
				least = min(least, once(b, r, c.p, c.n))
			}
			b.ReportMetric(float64(least.Microseconds())/float64(c.tasks), "µs/step")
		})
	}
}

// once runs a pipeline and returns how long the engine took.
func once(b *testing.B, r *rig, p pipeline.Definition, n int) time.Duration {
	b.Helper()
	b.StopTimer()
	config, job := r.prepare(p, size{n})
	b.StartTimer()
	start := time.Now()
	o, err := engine.Run(b.Context(), config, job)
	if err != nil || o.Run.State != metadata.RunSucceeded {
		b.Fatalf("%v %s", err, o.Run.Error)
	}
	return time.Since(start)
}
