package engine_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
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
}

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

func nodeName(i int) string { return fmt.Sprintf("n%d", i) }

// wanted is what the model says of a node or element.
type wanted struct {
	state    metadata.StepState
	n        int // its value
	attempts int
	elements []wanted // nil if they are never known
}

func (w wanted) blocked() bool { return w.state == failed || w.state == cancelled }

// total is the sum of a gathered list.
func (w wanted) total() int {
	n := 0
	for _, e := range w.elements {
		if e.state == succeeded {
			n += e.n
		}
	}
	return n
}

// predict is the reference model: it goes through the graph in order, in the mode that runs everything that does not depend on a failure.
func predict(specs []spec) []wanted {
	all := make([]wanted, 0, len(specs))
	for _, s := range specs {
		n, state := s.gate(specs, all)
		switch {
		case state != "":
			all = append(all, wanted{state: state})
		case s.kind == plain:
			all = append(all, s.try(-1, n))
		default:
			all = append(all, s.expand(all, n))
		}
	}
	return all
}

// gate returns the sum of the inputs, or the state of a node that does not run.
func (s spec) gate(specs []spec, all []wanted) (int, metadata.StepState) {
	ups := slices.Concat(slices.Concat(s.from...), s.lists, s.when, s.after)
	if s.over >= 0 && (s.kind == mapping || all[s.over].elements == nil) {
		ups = append(ups, s.over)
	}
	if slices.ContainsFunc(ups, func(u int) bool { return all[u].blocked() }) {
		return 0, cancelled
	}
	n := 1
	for _, alternatives := range s.from {
		k := slices.IndexFunc(alternatives, func(a int) bool { return all[a].state != skipped })
		if k < 0 {
			return 0, skipped
		}
		n += all[alternatives[k]].n
	}
	for _, l := range s.lists {
		if all[l].state == skipped {
			return 0, skipped
		}
		n += all[l].total()
	}
	if s.over >= 0 && all[s.over].state == skipped {
		return 0, skipped
	}
	if slices.ContainsFunc(s.when, func(w int) bool { return all[w].state == skipped || !specs[w].yes }) {
		return 0, skipped
	}
	return n, ""
}

// try runs a node or element whose inputs add up to n.
func (s spec) try(index, n int) wanted {
	if index >= 0 && s.failing>>index&1 == 0 {
		return wanted{state: succeeded, n: n, attempts: 1}
	}
	allowed := s.attempts
	if s.permanent {
		allowed = 1
	}
	if s.fails < allowed {
		return wanted{state: succeeded, n: n, attempts: s.fails + 1}
	}
	return wanted{state: failed, attempts: allowed}
}

func (s spec) expand(all []wanted, n int) wanted {
	w := wanted{state: succeeded, elements: []wanted{}}
	switch {
	case s.over < 0:
		for i := range s.size {
			w.elements = append(w.elements, s.try(i, n+i))
		}
	case s.kind == mapping:
		for _, e := range all[s.over].elements {
			if e.state == succeeded {
				w.elements = append(w.elements, s.try(len(w.elements), n+e.n))
			}
		}
	default:
		for i, e := range all[s.over].elements {
			if e.state != succeeded {
				w.elements = append(w.elements, wanted{state: skipped})
				continue
			}
			w.elements = append(w.elements, s.try(i, n+e.n))
		}
	}
	broken := 0
	for _, e := range w.elements {
		if e.state == failed {
			broken++
		}
	}
	switch {
	case broken > s.tolerate:
		w.state = failed
	case s.kind == thening && all[s.over].blocked():
		w.state = cancelled
	}
	return w
}

// modelIn is the input of every node. Seed keeps the results of one graph from those of others.
type modelIn struct {
	Seed  int64
	Node  int
	From  []artifact.Ref[int]
	Lists []artifact.Ref[[]int]
}

type modelOut struct {
	N   artifact.Ref[int]
	Yes artifact.Ref[bool]
}

// wire makes a pipeline of specs. Its result is the list of the values of plain nodes, which are those of the model.
func wire(specs []spec, seed int64) *pipeline.Pipeline[none, none] {
	call := func(ctx context.Context, in modelIn, n int) (modelOut, error) {
		s := specs[in.Node]
		at, _ := step.Info(ctx)
		if at.Number <= s.fails && (at.Index < 0 || s.failing>>at.Index&1 == 1) {
			if s.permanent {
				return modelOut{}, step.Permanent(errBroken)
			}
			return modelOut{}, errBroken
		}
		n++
		for _, f := range in.From {
			n += f.Value()
		}
		for _, l := range in.Lists {
			for _, v := range l.Value() {
				n += v
			}
		}
		return modelOut{artifact.New(n), artifact.New(s.yes)}, nil
	}
	stepFn := func(ctx context.Context, in modelIn) (modelOut, error) { return call(ctx, in, 0) }
	itemFn := func(ctx context.Context, in modelElement) (modelOut, error) { return call(ctx, in.In, in.Item.Value()) }
	return pipeline.Define("model", func(p *pipeline.Builder, _ none) none {
		outs := make([]modelOut, len(specs))
		maps := make([]pipeline.Mapped[modelOut], len(specs))
		list := func(i int) artifact.Ref[[]int] {
			return pipeline.Gather(maps[i], func(o modelOut) artifact.Ref[int] { return o.N })
		}
		for i, s := range specs {
			in := modelIn{Seed: seed, Node: i}
			for _, alternatives := range s.from {
				var alts []artifact.Ref[int]
				for _, a := range alternatives {
					alts = append(alts, outs[a].N)
				}
				in.From = append(in.From, pipeline.FirstOf(p, alts...))
			}
			for _, l := range s.lists {
				in.Lists = append(in.Lists, list(l))
			}
			opts := []step.Option{step.Config{Retry: step.Retry{Attempts: s.attempts, Backoff: time.Nanosecond}}}
			for _, w := range s.when {
				opts = append(opts, pipeline.When(outs[w].Yes))
			}
			for _, a := range s.after {
				opts = append(opts, pipeline.After(nodeName(a)))
			}
			if s.kind.mapped() && s.tolerate > 0 {
				opts = append(opts, step.Config{Tolerate: step.Tolerance{Count: s.tolerate}})
			}
			element := func(e artifact.Ref[int]) modelElement { return modelElement{in, e} }
			switch {
			case s.kind == plain:
				outs[i] = pipeline.Step(p, nodeName(i), stepFn, in, opts...)
			case s.kind == thening:
				maps[i] = pipeline.Then(p, nodeName(i), itemFn, maps[s.over], func(o modelOut) modelElement { return element(o.N) }, opts...)
			case s.over >= 0:
				maps[i] = pipeline.Map(p, nodeName(i), itemFn, list(s.over), element, opts...)
			default:
				items := pipeline.Step(p, nodeName(i)+".items", numbers, struct{ N int }{s.size})
				maps[i] = pipeline.Map(p, nodeName(i), itemFn, items, element, opts...)
			}
		}
		return none{}
	})
}

type modelElement struct {
	In   modelIn
	Item artifact.Ref[int]
}

var seeds atomic.Int64

// TestModel runs random graphs in every mode and compares how each node and element ended, how often it was tried, and its value, with the
// model. In the modes that stop early whatever the model lets run may also be cancelled. Then it runs them again: everything that
// succeeded is cached.
func TestModel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rapid.Check(t, func(rt *rapid.T) {
		specs := drawGraph(rt)
		mode := rapid.SampledFrom([]plan.FailureMode{plan.Continue, plan.Stop, plan.FailFast}).Draw(rt, "mode")
		one := *r
		one.tb = &checked{TB: t, rt: rt}
		one.options = plan.Options{OnFailure: mode, Parallel: rapid.IntRange(0, 3).Draw(rt, "parallel")}
		p := wire(specs, seeds.Add(1))
		model := predict(specs)
		o := run(t.Context(), &one, p, none{})
		compare(rt, o, specs, model, mode)
		again := run(t.Context(), &one, p, none{})
		compare(rt, again, specs, model, mode)
		for key, st := range o.steps {
			if got := again.steps[key].State; st.State == succeeded && st.Attempts > 0 && got != metadata.StepCached && mode == plan.Continue {
				rt.Errorf("%s (%d) succeeded, and is %s when run again", key.Step, key.Index, got)
			}
		}
	})
}

// TestModelInterrupted cancels the runs of random graphs at any moment, over a metadata store that is unavailable now and then, also after it
// has applied a batch. Whatever the model says may be cancelled instead, and nothing else.
func TestModelInterrupted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rapid.Check(t, func(rt *rapid.T) {
		specs := drawGraph(rt)
		one := *r
		one.tb = &checked{TB: t, rt: rt}
		one.options = plan.Options{OnFailure: rapid.SampledFrom([]plan.FailureMode{plan.Continue, plan.Stop, plan.FailFast}).Draw(rt, "mode")}
		one.meta = &flaky{Store: r.meta, every: rapid.Int64Range(4, 12).Draw(rt, "flaky")}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		left := rapid.IntRange(1, 40).Draw(rt, "cancel at")
		one.observer = func(engine.Event) {
			if left--; left == 0 {
				cancel()
			}
		}
		o := run(ctx, &one, wire(specs, seeds.Add(1)), none{})
		compareSteps(rt, o, specs, predict(specs), true)
		want := metadata.RunSucceeded
		for _, st := range o.steps {
			switch {
			case st.State == failed && st.Index < 0:
				want = metadata.RunFailed
			case st.State == cancelled && want == metadata.RunSucceeded:
				want = metadata.RunCancelled
			}
		}
		if o.Run.State != want {
			rt.Errorf("the run is %s, want %s", o.Run.State, want)
		}
	})
}

// flaky is a store that is unavailable at times.
type flaky struct {
	metadata.Store
	every int64
	calls atomic.Int64
}

func (f *flaky) Apply(ctx context.Context, b metadata.Batch) error {
	away := component.Errorf(component.Unavailable, "away for a moment")
	switch f.calls.Add(1) % f.every {
	case 0:
		return away
	case 1:
		if err := f.Store.Apply(ctx, b); err != nil {
			return err
		}
		return away
	}
	return f.Store.Apply(ctx, b)
}

func compare(t *rapid.T, o *outcome, specs []spec, model []wanted, mode plan.FailureMode) {
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
func compareSteps(t *rapid.T, o *outcome, specs []spec, model []wanted, stops bool) {
	for i, w := range model {
		compareTask(t, o, nodeName(i), -1, w, stops, specs[i].kind.mapped())
		for k, e := range w.elements {
			if _, ok := o.steps[metadata.StepKey{Step: nodeName(i), Index: k}]; ok || !stops {
				compareTask(t, o, nodeName(i), k, e, stops, false)
			}
		}
	}
}

func compareTask(t *rapid.T, o *outcome, name string, index int, want wanted, stops, isMap bool) {
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
	if st.State != metadata.StepCached && st.Attempts != want.attempts && !(stops && got == failed) {
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
