package engine

import (
	"slices"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
)

// node is a step of the graph.
type node struct {
	i    int
	g    *graph.Node
	bind *graph.Binding
	plan *plan.Step

	waits    int     // upstream events that have not happened yet
	onEnd    []*node // nodes that wait for this one's end
	onExpand []*node // nodes that continue this one's elements: they wait until its elements are known

	state  metadata.StepState
	reason string // of a skip, a failure, a cancellation
	// tasks of the node: one, or one for each element once they are known.
	tasks    []*task
	expanded bool
	open     int // tasks that have not ended
	failed   int
	started  time.Time
	upSeq    int // the newest commit that everything upstream of the node needs
	shared   *worker.Shared
	class    *class
}

func (n *node) name() string { return n.g.Name }
func (n *node) mapped() bool { return n.g.Over != nil }

// continues returns the name of the node whose elements n continues, or "".
func (n *node) continues() string {
	if n.g.Over != nil && n.g.Over.Each {
		return n.g.Over.Node
	}
	return ""
}

// task is what can be attempted: a step, or one element of a mapped step.
type task struct {
	n     *node
	index int // of the element; -1
	state metadata.StepState

	item    *artifact.Record // the element of the list that a mapped node splits
	ready   bool             // its inputs are known
	inputs  []artifact.Record
	lineage []metadata.Input
	key     string // cache key; empty if the result must not be cached
	noCache bool   // look nothing up

	attempts int
	retry    *retry
	started  time.Time
	outputs  []metadata.Output
	origin   *metadata.StepKey
	computed time.Time
	seq      int // the commit that holds its end
	upSeq    int // the newest commit that everything upstream, and the task itself, needs
	needSeq  int // commit that must be done before the task starts

	// A task whose stored outputs turned out to be damaged is run again, once; the tasks that found out wait.
	repaired, repairing bool
	waiters             []*task
}

func (t *task) key3(run string) metadata.StepKey {
	return metadata.StepKey{Run: run, Step: t.n.name(), Index: t.index}
}

// build makes the nodes and counts what each waits for.
func (s *scheduler) build() error {
	g := s.j.Program.Graph
	s.nodes = make([]*node, len(g.Nodes))
	s.byName = make(map[string]*node, len(g.Nodes))
	for i := range g.Nodes {
		n := &node{i: i, g: &g.Nodes[i], bind: &s.j.Program.Bindings[i], plan: &s.j.Plan.Steps[i], state: metadata.StepPending}
		if n.plan.Name != n.name() {
			return component.Errorf(component.Invalid, "the plan has step %s where the graph has %s", n.plan.Name, n.name())
		}
		s.nodes[i], s.byName[n.name()] = n, n
		class, err := s.limits.classOf(n)
		if err != nil {
			return err
		}
		n.class = class
	}
	for _, n := range s.nodes {
		prev := n.continues()
		if prev != "" {
			up := s.byName[prev]
			up.onExpand = append(up.onExpand, n)
			n.waits++
		}
		for _, name := range ends(n.g, prev) {
			up := s.byName[name]
			up.onEnd = append(up.onEnd, n)
			n.waits++
		}
	}
	s.left = len(s.nodes)
	return nil
}

// ends returns the nodes whose end n waits for; elements of prev are waited for one by one.
func ends(n *graph.Node, prev string) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for e := range n.Edges() {
		if e.Each && e.Node == prev {
			continue
		}
		e.Nodes(add)
	}
	for _, a := range n.After {
		add(a)
	}
	return names
}

// attempt is one try of a task while it runs.
type attempt struct {
	a       orchestrator.Attempt
	t       *task
	assign  worker.Assignment
	stop    chan struct{} // closed to ask it to stop
	stopped bool
	force   func() // ends the context of Runner.Run
	report  *worker.Report
	shown   bool // written as running
	started time.Time
	timeout *time.Timer
}

func pins(p *plan.Step) []ref.Pin {
	out := make([]ref.Pin, len(p.Pins))
	for i := range p.Pins {
		out[i] = p.Pins[i].Pin
	}
	return out
}
