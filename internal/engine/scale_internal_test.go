package engine

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

// skeleton makes a scheduler of a graph without anything behind it. Inputs names the nodes that each takes input from.
func skeleton(tb testing.TB, inputs [][]int) *scheduler {
	tb.Helper()
	g := &graph.Graph{Version: graph.Version, Pipeline: "big", Nodes: make([]graph.Node, len(inputs))}
	p := &plan.Plan{Steps: make([]plan.Step, len(inputs))}
	name := func(i int) string { return fmt.Sprintf("s%d", i) }
	for i, from := range inputs {
		n := &g.Nodes[i]
		n.Name, p.Steps[i].Name = name(i), name(i)
		n.Outputs = []graph.Output{{Name: "output"}}
		for _, f := range from {
			n.Inputs = append(n.Inputs, graph.Input{Name: "In", From: ref.Edge{Node: name(f), Output: "output"}})
		}
	}
	j := Job{Program: &graph.Program{Graph: g, Bindings: make([]graph.Binding, len(inputs))}, Plan: p}
	s, err := newScheduler(tb.Context(), Config{Orchestrator: caps{}}, j)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.shutdown)
	return s
}

// caps is an orchestrator without limits that runs nothing.
type caps struct {
	orchestrator.Orchestrator
}

func (caps) Capabilities() orchestrator.Capabilities { return orchestrator.Capabilities{} }
func (caps) Close() error                            { return nil }

func chainOf(n int) [][]int {
	inputs := make([][]int, n)
	for i := 1; i < n; i++ {
		inputs[i] = []int{i - 1}
	}
	return inputs
}

// fanOf is n nodes that one node takes, all of which another n take.
func fanOf(n int) [][]int {
	inputs := make([][]int, 2*n+1)
	for i := range n {
		inputs[n] = append(inputs[n], i)
		inputs[n+1+i] = []int{n}
	}
	return inputs
}

// TestSkippingIsLinear lets a graph of 200,001 nodes end without running anything, with a node of 100,000 inputs in it. A quadratic step
// anywhere would take minutes.
func TestSkippingIsLinear(t *testing.T) {
	t.Parallel()
	s := skeleton(t, fanOf(100_000))
	for _, n := range s.nodes[:100_000] {
		s.endWithoutTasks(n, metadata.StepSkipped, "a test")
	}
	for len(s.arrived) > 0 {
		n := s.arrived[0]
		s.arrived = s.arrived[1:]
		s.arrive(n)
	}
	if s.left != 0 || len(s.next.Steps) != 200_001 {
		t.Errorf("%d nodes are left, %d rows", s.left, len(s.next.Steps))
	}
	if c := s.counts(); c[metadata.StepSkipped] != 200_001 {
		t.Errorf("counts %v", c)
	}
}

// BenchmarkBuild reports time and memory of the scheduler's own state for each node.
func BenchmarkBuild(b *testing.B) {
	for name, inputs := range map[string][][]int{"chain": chainOf(100_000), "fan": fanOf(50_000)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var before, after runtime.MemStats
			var took time.Duration
			for b.Loop() {
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				start := time.Now()
				keep := skeleton(b, inputs)
				took += time.Since(start)
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(keep)
				b.StartTimer()
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(inputs)), "B/step")
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N*len(inputs)), "ns/step")
		})
	}
}
