package engine

import (
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/cachekey"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
)

// node is a step of the graph.
type node struct {
	i    int
	g    *graph.Node
	bind *graph.Binding
	plan *plan.Step
	pins []ref.Pin
	// runner runs its attempts. Those inside this process may start before their upstream is committed.
	runner string
	inside bool

	up       []*node // everything that the node depends on, each once
	prev     *node   // whose elements this node continues; nil
	barrier  bool    // the node also waits for the end of prev as a whole
	waits    int     // upstream events that have not happened yet
	onEnd    []*node // nodes that wait for this one's end
	onExpand []*node // nodes that continue this one's elements: they wait until its elements are known
	mark     *node   // the last node that counted this one as upstream

	state  metadata.StepState
	reason string // of a skip, a failure, a cancellation
	cause  error  // of its first failure, if the attempt ran in this process
	// tasks of the node: one, or one for each element once they are known.
	tasks    []*task
	expanded bool
	shown    bool // recorded as running, if it is mapped
	open     int  // tasks that have not ended
	failed   int
	started  time.Time
	upSeq    int // the newest commit that everything upstream of the node, and its own end, needs
	shared   *worker.Shared
	class    *class
	key      cachekey.Fields // what the keys of all its tasks have in common, once it is known
	gathered map[int]value   // of outputs, once they were asked for: the list is the same for all who take it
}

func (n *node) name() string { return n.g.Name }
func (n *node) mapped() bool { return n.g.Over != nil }

// task is what can be attempted: a step, or one element of a mapped step.
type task struct {
	n     *node
	index int // of the element; -1
	state metadata.StepState

	item    *artifact.Record // the element of the list that a mapped node splits
	inputs  []artifact.Record
	lineage []metadata.Input
	key     string // cache key; empty if the result must not be cached
	noCache bool   // look nothing up
	// kept is the row of a replayed run whose result is used; recorded says that the result was recorded by an earlier driver of the run.
	kept     *metadata.Step
	recorded bool

	checkpoint *artifact.Record // that an attempt saved last

	attempts int
	failures int // attempts that count against the retry policy
	retry    *retry
	started  time.Time
	outputs  []metadata.Output
	origin   *metadata.StepKey
	computed time.Time
	upSeq    int // the newest commit that everything upstream, and the task's own end, needs
	needSeq  int // the commit that must be done before the task starts

	repair
}

// build makes the nodes and counts what each waits for.
func (s *scheduler) build() error {
	g := s.j.Program.Graph
	if len(s.j.Plan.Steps) != len(g.Nodes) {
		return component.Errorf(component.Invalid, "the plan has %d steps, the graph %d", len(s.j.Plan.Steps), len(g.Nodes))
	}
	if err := s.checkUses(); err != nil {
		return err
	}
	nodes := make([]node, len(g.Nodes))
	s.nodes = make([]*node, len(g.Nodes))
	s.byName = make(map[string]*node, len(g.Nodes))
	for i := range g.Nodes {
		n := &nodes[i]
		*n = node{i: i, g: &g.Nodes[i], bind: &s.j.Program.Bindings[i], plan: &s.j.Plan.Steps[i], state: metadata.StepPending}
		if n.plan.Name != n.name() {
			return component.Errorf(component.Invalid, "the plan has step %s where the graph has %s", n.plan.Name, n.name())
		}
		for _, p := range n.plan.Pins {
			n.pins = append(n.pins, p.Pin)
		}
		s.nodes[i], s.byName[n.name()] = n, n
		info, ok := s.caps.Runner(n.plan.Config.Runner)
		if !ok {
			return s.noSuchRunner(n)
		}
		n.runner, n.inside = info.Name, info.Inside
		class, err := s.limits.classOf(n.name(), n.plan.Config)
		if err != nil {
			return err
		}
		n.class = class
	}
	for _, n := range s.nodes {
		if n.g.Over != nil && n.g.Over.Each {
			n.prev = s.byName[n.g.Over.Node]
			n.prev.onExpand = append(n.prev.onExpand, n)
			n.waits++
		}
		s.connect(n)
	}
	s.left = len(s.nodes)
	return nil
}

func (s *scheduler) noSuchRunner(n *node) error {
	const format = "step %s: the orchestrator has no runner %q: %s"
	var known []string
	for _, r := range s.caps.Runners {
		known = append(known, r.Name)
	}
	remedy := "it has one, without a name"
	if len(known) > 0 {
		remedy = "use one of " + strings.Join(known, ", ")
	}
	return component.Errorf(component.Invalid, format, n.name(), n.plan.Config.Runner, remedy)
}

// connect lets n wait for the ends of its upstream nodes. Elements of the node that it continues are waited for one by one.
func (s *scheduler) connect(n *node) {
	ends := func(name string) {
		up := s.byName[name]
		if up.mark == n {
			return
		}
		up.mark = n
		up.onEnd = append(up.onEnd, n)
		n.up = append(n.up, up)
		n.waits++
		n.barrier = n.barrier || up == n.prev
	}
	for e := range n.g.Edges() {
		if !e.Each {
			e.Nodes(ends)
		}
	}
	for _, name := range n.g.After {
		ends(name)
	}
	if n.prev != nil && !n.barrier {
		n.up = append(n.up, n.prev)
	}
}
