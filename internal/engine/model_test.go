package engine_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/simulate"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// spec is one node of a random graph. Numbers of other nodes are smaller than its own.
type spec struct {
	kind      kind
	size      int     // of a list to map over, if over is -1
	over      int     // the mapped node whose gathered list is mapped over, or whose elements are continued
	from      [][]int // inputs: plain nodes, several for a FirstOf
	lists     []int   // inputs: gathered lists of mapped nodes
	when      []int   // conditions: plain nodes
	after     []int
	yes       bool // what the node says as a condition
	fails     int  // how many attempts fail
	failing   int  // which elements do, as bits; all ones for a plain node
	permanent bool
	attempts  int // allowed
	tolerate  int
	// Of a node in simulated time.
	takes time.Duration
	way   way // in which it fails
}

// way is a way to fail.
type way int

const (
	byError way = iota
	byPanic
	byTimeout  // it waits until its context ends
	byIgnoring // it does not mind that its context has ended
)

type kind int

const (
	plain kind = iota
	mapping
	thening
)

func (k kind) mapped() bool { return k != plain }

func drawGraph(t *rapid.T) []spec {
	specs := make([]spec, rapid.IntRange(1, 12).Draw(t, "nodes"))
	for i := range specs {
		var plains, maps []int
		for k := range i {
			if specs[k].kind.mapped() {
				maps = append(maps, k)
			} else {
				plains = append(plains, k)
			}
		}
		some := func(of []int, most int, label string) []int {
			if len(of) == 0 {
				return nil
			}
			return rapid.SliceOfN(rapid.SampledFrom(of), 0, most).Draw(t, label)
		}
		s := &specs[i]
		s.kind = kind(rapid.IntRange(0, 2).Draw(t, "kind"))
		if s.kind == thening && len(maps) == 0 {
			s.kind = mapping
		}
		s.over = -1
		s.size = rapid.IntRange(0, 4).Draw(t, "size")
		if s.kind == thening || s.kind == mapping && len(maps) > 0 && rapid.Bool().Draw(t, "over a list") {
			s.over = rapid.SampledFrom(maps).Draw(t, "over")
		}
		for range rapid.IntRange(0, 2).Draw(t, "inputs") {
			if alternatives := some(plains, 3, "from"); len(alternatives) > 0 {
				s.from = append(s.from, alternatives)
			}
		}
		s.lists = some(maps, 2, "lists")
		s.when = some(plains, 1, "when")
		for k := range i {
			if rapid.IntRange(0, 9).Draw(t, "after") == 0 {
				s.after = append(s.after, k)
			}
		}
		s.yes = rapid.IntRange(0, 3).Draw(t, "yes") > 0
		if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
			s.fails = rapid.IntRange(1, 3).Draw(t, "times")
		}
		s.failing = -1
		if s.kind.mapped() {
			s.failing = rapid.IntRange(0, 15).Draw(t, "elements")
			s.tolerate = rapid.IntRange(0, 2).Draw(t, "tolerate")
		}
		s.attempts = rapid.IntRange(1, 3).Draw(t, "attempts")
		s.permanent = rapid.IntRange(0, 4).Draw(t, "permanent") == 0
	}
	return specs
}

// slowed lets the nodes of a graph take time, and fail in other ways too. It is for simulated time.
func slowed(t *rapid.T, specs []spec) []spec {
	for i := range specs {
		s := &specs[i]
		s.takes = rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, 40 * time.Second, 10 * time.Minute}).Draw(t, "takes")
		if !s.permanent {
			s.way = way(rapid.IntRange(0, int(byIgnoring)).Draw(t, "way"))
		}
	}
	return specs
}

func nodeName(i int) string { return fmt.Sprintf("n%d", i) }

var seeds atomic.Int64

// TestModel runs random graphs in every mode and compares how each node and element ended, how often it was tried, and its value, with the
// model. In the modes that stop early whatever the model lets run may also be cancelled. Then it runs them again: everything that
// succeeded is cached. Time is simulated: steps and retries take as long as they like.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		specs := slowed(rt, drawGraph(rt))
		options := plan.Options{OnFailure: drawMode(rt), Parallel: rapid.IntRange(0, 3).Draw(rt, "parallel")}
		inBubble(t, rt, func(tb testing.TB) {
			r := newRig(tb)
			r.options = options
			w := simulate.New(0, 0)
			defer w.Wait(tb.Context())
			p := wire(specs, 0)
			model := predict(specs)
			r.driver = w.Undisturbed("first").Driver(nil)
			o := run(tb.Context(), r, p, none{})
			compare(tb, o, specs, model, options.OnFailure)
			r.driver = w.Undisturbed("again").Driver(nil)
			again := run(tb.Context(), r, p, none{})
			compare(tb, again, specs, model, options.OnFailure)
			for key, st := range o.steps {
				if got := again.steps[key].State; st.State == succeeded && st.Attempts > 0 && got != metadata.StepCached && options.OnFailure == plan.Continue {
					tb.Errorf("%s (%d) succeeded, and is %s when run again", key.Step, key.Index, got)
				}
			}
		})
	})
}

func drawMode(t *rapid.T) plan.FailureMode {
	return rapid.SampledFrom([]plan.FailureMode{plan.Continue, plan.Stop, plan.FailFast}).Draw(t, "mode")
}

func compare(t testing.TB, o *outcome, specs []spec, model []wanted, mode plan.FailureMode) {
	want := metadata.RunSucceeded
	if slices.ContainsFunc(model, func(w wanted) bool { return w.state == failed }) {
		want = metadata.RunFailed
	}
	if o.Run.State != want {
		t.Errorf("the run is %s, want %s", o.Run.State, want)
	}
	compareSteps(t, o, specs, model, mode != plan.Continue && want == metadata.RunFailed)
}

// compareSteps compares how nodes and elements ended. In a run that stops early they may be cancelled instead, or their elements never
// known.
func compareSteps(t testing.TB, o *outcome, specs []spec, model []wanted, stops bool) {
	for i, w := range model {
		compareTask(t, o, nodeName(i), -1, w, stops, specs[i].kind.mapped())
		for k, e := range w.elements {
			if _, ok := o.steps[metadata.StepKey{Step: nodeName(i), Index: k}]; ok || !stops {
				compareTask(t, o, nodeName(i), k, e, stops, false)
			}
		}
	}
}

func compareTask(t testing.TB, o *outcome, name string, index int, want wanted, stops, isMap bool) {
	st, ok := o.steps[metadata.StepKey{Step: name, Index: index}]
	got := st.State
	if got == metadata.StepCached {
		got = succeeded
	}
	if !ok || got != want.state && !(stops && got == cancelled) {
		t.Errorf("%s (%d) is %q (%s%s), want %s", name, index, st.State, st.Error, st.Skip, want.state)
		return
	}
	if isMap || got != want.state {
		return
	}
	if want.attempts >= 0 && st.State != metadata.StepCached && st.Attempts != want.attempts && !(stops && got == failed) {
		t.Errorf("%s (%d) had %d attempts, want %d", name, index, st.Attempts, want.attempts)
	}
	if got == succeeded {
		if v := value(o, st); v != want.n {
			t.Errorf("%s (%d) is %d, want %d", name, index, v, want.n)
		}
	}
}

// value decodes the first output of a step, an int.
func value(o *outcome, st metadata.Step) int {
	c := o.program.Bindings[slices.IndexFunc(o.program.Graph.Nodes, func(n graph.Node) bool { return n.Name == st.Step })].Outputs[0].Codec
	v, err := transfer.Load(context.Background(), o.r.artifacts, c, st.Outputs[0].Record, nil)
	if err != nil {
		o.r.tb.Fatal(err)
	}
	return v.(int)
}

// checked reports what is wrong to rapid, so that it finds the smallest graph.
type checked struct {
	testing.TB
	rt *rapid.T
}

func (c *checked) Helper()                        {}
func (c *checked) Error(args ...any)              { c.rt.Error(args...) }
func (c *checked) Errorf(format string, a ...any) { c.rt.Errorf(format, a...) }
func (c *checked) Fatal(args ...any)              { c.rt.Fatal(args...) }
func (c *checked) Fatalf(format string, a ...any) { c.rt.Fatalf(format, a...) }
