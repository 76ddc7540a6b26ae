package graph

import (
	"iter"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
)

// Edges yields every edge that ends at n: inputs, the list it maps over, conditions.
func (n *Node) Edges() iter.Seq[ref.Edge] {
	return func(yield func(ref.Edge) bool) {
		if n.Over != nil && !yield(*n.Over) {
			return
		}
		for _, in := range n.Inputs {
			if !yield(in.From) {
				return
			}
		}
		for _, w := range n.When {
			if !yield(w) {
				return
			}
		}
	}
}

// Upstream returns the names of the nodes that n waits for, each once, in order of appearance.
func (n *Node) Upstream() []string {
	return distinct(func(add func(string)) {
		for e := range n.Edges() {
			e.Nodes(add)
		}
		for _, a := range n.After {
			add(a)
		}
	})
}

// Uses returns the named artifacts that edges of the graph use, each once, in order of appearance.
func (g *Graph) Uses() []string {
	return distinct(func(add func(string)) {
		for i := range g.Nodes {
			for e := range g.Nodes[i].Edges() {
				e.Uses(add)
			}
		}
		for _, r := range g.Results {
			r.From.Uses(add)
		}
	})
}

// distinct returns the names that visit adds, each once, in order of appearance.
func distinct(visit func(add func(string))) []string {
	var names []string
	seen := map[string]bool{}
	visit(func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	})
	return names
}

// Order returns the indices of the nodes so that each comes after those it waits for, and otherwise in wiring order. The cost is linear in
// nodes and edges. An error names the nodes of a cycle.
func (g *Graph) Order() ([]int, error) {
	index := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		index[g.Nodes[i].Name] = i
	}
	waits := make([]int, len(g.Nodes))
	next := make([][]int, len(g.Nodes))
	for i := range g.Nodes {
		for _, up := range g.Nodes[i].Upstream() {
			waits[i]++
			next[index[up]] = append(next[index[up]], i)
		}
	}
	order := make([]int, 0, len(g.Nodes))
	for i, w := range waits {
		if w == 0 {
			order = append(order, i)
		}
	}
	for head := 0; head < len(order); head++ {
		for _, i := range next[order[head]] {
			if waits[i]--; waits[i] == 0 {
				order = append(order, i)
			}
		}
	}
	if len(order) == len(g.Nodes) {
		return order, nil
	}
	return nil, component.Errorf(component.Invalid, "steps wait for each other: %s", strings.Join(g.cycle(index, waits), " waits for "))
}

// cycle walks upstream among the nodes that were never ready until it meets one again.
func (g *Graph) cycle(index map[string]int, waits []int) []string {
	at := slices.IndexFunc(waits, func(w int) bool { return w > 0 })
	var path []string
	for {
		name := g.Nodes[at].Name
		if i := slices.Index(path, name); i >= 0 {
			return append(path[i:], name)
		}
		path = append(path, name)
		for _, up := range g.Nodes[at].Upstream() {
			if waits[index[up]] > 0 {
				at = index[up]
				break
			}
		}
	}
}
