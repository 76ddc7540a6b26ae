package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
)

// Fate is what a run would do with a step.
type Fate string

// The fates.
const (
	FateCached  Fate = "cached"  // its result is known
	FateRuns    Fate = "runs"    // it would run
	FateFollows Fate = "follows" // it would run, unless the steps before it, which would, give results of which its own is known
	FateSkipped Fate = "skipped" // it would not run
	FateAsks    Fate = "asks"    // it would wait for a person
	FateOpen    Fate = "open"    // whether it runs, or how often, is decided by values that are not known yet
)

// Expected is what would become of a step, or of one element of a mapped step.
type Expected struct {
	Step  string
	Index int // of the element, or -1
	Fate  Fate
	// Reason says what else than the cache decides, or why a result that is recorded cannot be used.
	Reason string
	// After are the steps, none of which has a result yet, on whose results the fate depends, in order of appearance.
	After []string
	// CacheKey of its result; empty if that is not cached, or depends on values that are not known.
	CacheKey string
	// Inputs as far as they are known: those that are not have no digest.
	Inputs []metadata.Input
	// From is the recorded step whose result is used.
	From *metadata.Step
	// Mapped is set for a mapped step. Elements are what would become of its elements; nil if it is not known how many there are.
	Mapped   bool
	Elements []Expected
}

// Foresee returns what [Run] would do with the steps of a new run, in the order of its graph, as far as it can be known before anything runs: it
// decides as Run does, up to the first steps that have no result. Of c only Artifacts, Metadata, Orchestrator and Logger count. Nothing is
// recorded; elements of a list may be put in the artifact store, as for a run.
func Foresee(ctx context.Context, c Config, j Job) ([]Expected, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := newScheduler(ctx, c, j)
	if err != nil {
		return nil, err
	}
	defer s.shutdown()
	f := &forecast{s: s, now: time.Now(), steps: make([]Expected, len(s.nodes))}
	for _, n := range s.nodes {
		if n.waits == 0 {
			s.arrived = append(s.arrived, n)
		}
	}
	for len(s.arrived) > 0 {
		if err := f.wave(ctx); err != nil {
			return nil, err
		}
	}
	return f.steps, nil
}

// forecast walks the graph with the scheduler's nodes. A node is done or skipped if that is certain, and stays pending otherwise; so do tasks.
type forecast struct {
	s     *scheduler
	now   time.Time
	steps []Expected // of the nodes
}

// wave foresees all nodes that wait for nothing else.
func (f *forecast) wave(ctx context.Context) error {
	nodes := f.s.arrived
	f.s.arrived = nil
	var lookups []lookup
	for _, n := range nodes {
		lookups = f.arrive(ctx, n, lookups)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(lookups, lookupLimit) {
		if err := f.lookUp(ctx, some); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		f.settle(n)
		for _, d := range n.onEnd {
			f.s.unblock(d)
		}
		for _, d := range n.onExpand {
			f.s.unblock(d)
		}
	}
	return nil
}

// lookup is a task whose result may be known.
type lookup struct {
	t *task
	e *Expected
}

// arrive foresees a node but for what the cache decides, which it adds to lookups.
func (f *forecast) arrive(ctx context.Context, n *node, lookups []lookup) []lookup {
	e := &f.steps[n.i]
	*e = Expected{Step: n.name(), Index: -1, Mapped: n.mapped()}
	f.gate(n, e)
	switch {
	case e.Fate != "":
		return lookups
	case n.g.Wait != nil:
		e.Fate, e.Reason = FateAsks, n.g.Wait.Question
		return lookups
	case !n.mapped():
		t := &task{n: n, index: -1, state: metadata.StepPending}
		n.tasks, n.expanded = []*task{t}, true
		return f.task(t, e, lookups)
	}
	if items := f.expand(ctx, n, e); e.Fate == "" {
		e.Elements = make([]Expected, len(n.tasks))
		for i, t := range n.tasks {
			if items != nil {
				t.item = &items[i]
			}
			e.Elements[i] = Expected{Step: n.name(), Index: i}
			lookups = f.element(t, &e.Elements[i], lookups)
		}
	}
	return lookups
}

// gate decides the fate of a node that is skipped, or of which that depends on a condition that is not known.
func (f *forecast) gate(n *node, e *Expected) {
	skip := func(reason string) { e.Fate, e.Reason, n.state = FateSkipped, reason, metadata.StepSkipped }
	if n.prev != nil && n.prev.state == metadata.StepSkipped {
		skip(fmt.Sprintf("step %s was skipped", n.prev.name()))
		return
	}
	for edge := range n.g.Edges() {
		if edge.Each || edge.Item || f.unknown(edge, -1) != nil {
			continue
		}
		if v := f.resolve(edge, -1, nil); v.skipped != "" {
			skip(v.skipped)
			return
		}
	}
	for _, w := range n.g.When {
		if up := f.unknown(w, -1); up != nil {
			e.Fate, e.Reason, e.After = FateOpen, fmt.Sprintf("condition %s is not known yet", w), appendNew(e.After, up)
			continue
		}
		held, err := f.s.holds(w, f.resolve(w, -1, nil))
		switch {
		case err != nil:
			e.Fate, e.Reason = FateOpen, err.Error()
		case !held:
			e.After = nil
			skip(fmt.Sprintf("condition %s is false", w))
			return
		}
	}
}

// expand makes the tasks of a mapped node, and returns the elements of the list that it splits, if it does.
func (f *forecast) expand(ctx context.Context, n *node, e *Expected) (items []artifact.Record) {
	var count int
	switch up := f.unknown(*n.g.Over, -1); {
	case n.prev != nil && !n.prev.expanded:
		e.Fate, e.Reason, e.After = FateOpen, fmt.Sprintf("the elements of step %s are not known yet", n.prev.name()), []string{n.prev.name()}
		return nil
	case n.prev != nil:
		count = len(n.prev.tasks)
	case up != nil:
		e.Fate, e.Reason, e.After = FateOpen, fmt.Sprintf("its list, %s, is not known yet", n.g.Over), up
		return nil
	default:
		list := f.resolve(*n.g.Over, -1, nil).record
		items = list.Elements
		if list.Codec != artifact.GatherCodec {
			var err error
			if items, err = f.s.split(ctx, n, list); err != nil {
				e.Fate, e.Reason = FateOpen, fmt.Sprintf("split the list that it maps over: %v", err)
				return nil
			}
		}
		count = len(items)
	}
	n.expanded, n.tasks = true, make([]*task, count)
	for i := range n.tasks {
		n.tasks[i] = &task{n: n, index: i, state: metadata.StepPending}
	}
	return items
}

// element is [forecast.task] for an element, which may follow one of another step.
func (f *forecast) element(t *task, e *Expected, lookups []lookup) []lookup {
	if prev := t.n.prev; prev != nil && prev.tasks[t.index].state == metadata.StepSkipped {
		e.Fate, e.Reason, t.state = FateSkipped, fmt.Sprintf("element %d of step %s was skipped", t.index, prev.name()), metadata.StepSkipped
		return lookups
	}
	return f.task(t, e, lookups)
}

// task foresees a task, or adds it to lookups.
func (f *forecast) task(t *task, e *Expected, lookups []lookup) []lookup {
	n := t.n
	t.inputs = make([]artifact.Record, len(n.g.Inputs))
	for i := range n.g.Inputs {
		in := &n.g.Inputs[i]
		if up := f.unknown(in.From, t.index); up != nil {
			e.After = appendNew(e.After, up)
			t.lineage = append(t.lineage, metadata.Input{Name: in.Name})
			continue
		}
		t.take(i, f.resolve(in.From, t.index, t.item))
	}
	t.takePins()
	e.Inputs = t.lineage
	switch {
	case n.plan.Uncached != "":
		e.Fate, e.Reason = FateRuns, n.plan.Uncached
	case f.s.j.Plan.Options.NoCache:
		e.Fate, e.Reason = FateRuns, "no results are looked up"
	case len(e.After) > 0:
		e.Fate = FateFollows
	default:
		t.key = f.s.keyOf(t).Key()
		e.CacheKey = t.key
		return append(lookups, lookup{t, e})
	}
	return lookups
}

// lookUp decides the fate of tasks by the cache.
func (f *forecast) lookUp(ctx context.Context, lookups []lookup) error {
	keys := make([]string, len(lookups))
	for i, l := range lookups {
		keys[i] = l.t.key
	}
	found, err := f.s.c.Metadata.Lookup(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up results: %w", err)
	}
	for _, l := range lookups {
		l.e.Fate = FateRuns
		hit, ok := found[l.t.key]
		if !ok {
			continue
		}
		if l.e.Reason = f.s.unusable(ctx, l.t, hit, f.now); l.e.Reason != "" {
			continue
		}
		l.e.Fate, l.e.From = FateCached, &hit
		l.t.state, l.t.outputs = metadata.StepCached, hit.Outputs
	}
	return nil
}

// settle gives a node the state that is certain, if one is, and a mapped one the fate of its elements.
func (f *forecast) settle(n *node) {
	e := &f.steps[n.i]
	if n.mapped() && e.Fate == "" {
		e.Fate = fateOf(e.Elements)
		for _, el := range e.Elements {
			e.After = appendNew(e.After, el.After)
		}
	}
	if e.Fate == FateCached {
		n.state = metadata.StepCached
	}
}

// fateOf is that of the element that leaves most open to the steps after it. A list without elements is done.
func fateOf(elements []Expected) Fate {
	for _, fate := range []Fate{FateRuns, FateFollows} {
		if slices.ContainsFunc(elements, func(e Expected) bool { return e.Fate == fate }) {
			return fate
		}
	}
	return FateCached
}

// unknown returns the steps on which it depends what an edge leads to; nil if that is known. Index is that of the element.
func (f *forecast) unknown(e ref.Edge, index int) []string {
	switch {
	case len(e.FirstOf) > 0:
		_, up := f.firstOf(e.FirstOf)
		return up
	case e.Item, e.Use != "":
		return nil
	}
	n := f.s.byName[e.Node]
	if e.Each && n.expanded && index >= 0 && n.tasks[index].state == metadata.StepCached || done(n.state) || n.state == metadata.StepSkipped {
		return nil
	}
	return []string{n.name()}
}

// firstOf is the first alternative that is not skipped, or what it depends on which that is. Those after it can only fail.
func (f *forecast) firstOf(edges []ref.Edge) (v value, unknown []string) {
	for _, e := range edges {
		if up := f.unknown(e, -1); up != nil {
			return value{}, up
		}
		if v = f.resolve(e, -1, nil); v.skipped == "" {
			return v, nil
		}
	}
	return value{skipped: "every alternative was skipped"}, nil
}

// resolve follows an edge that leads to what is known.
func (f *forecast) resolve(e ref.Edge, index int, item *artifact.Record) value {
	if len(e.FirstOf) > 0 {
		v, _ := f.firstOf(e.FirstOf)
		return v
	}
	return f.s.resolve(e, index, item)
}

func appendNew(names, more []string) []string {
	for _, name := range more {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
