package declgraph

import "go/token"

// reached says how a walk reached a node.
type reached uint8

const (
	not     reached = iota
	startup         // because it runs before any step, whether or not that matters: pipelines and steps within and behind it are left out
	changer         // because it may change what was reached: they are left out, too
	body            // the same, by a pipeline or a step within: those count
	full            // by the step: all counts
)

// follows reports whether a mention somewhere in a node leads on.
func (r reached) follows(where Region) bool {
	return r == full || where == Code || where == Inside && r == body
}

// at is how to reach a node because of a mention in it.
func at(where Region) reached {
	if where == Inside {
		return body
	}
	return changer
}

// walk collects what can be reached.
type walk struct {
	*Graph
	nodes  []reached
	vars   []reached // by symbol: variables whose changes were followed
	called []bool    // nodes whose callers were followed
	queue  []int
}

func (w *walk) clone(g *Graph) *walk {
	return &walk{
		Graph: g, nodes: append([]reached(nil), w.nodes...), vars: append([]reached(nil), w.vars...), called: append([]bool(nil), w.called...),
	}
}

func (g *Graph) newWalk() *walk {
	return &walk{Graph: g, nodes: make([]reached, len(g.nodes)), vars: make([]reached, len(g.symbols)), called: make([]bool, len(g.nodes))}
}

func (w *walk) add(node int, how reached) {
	if w.nodes[node] < how {
		w.nodes[node] = how
		w.queue = append(w.queue, node)
	}
}

// run walks until nothing new is reached.
func (w *walk) run() {
	for len(w.queue) > 0 {
		i := w.queue[len(w.queue)-1]
		w.queue = w.queue[:len(w.queue)-1]
		n, how := &w.Graph.nodes[i], w.nodes[i]
		w.follow(n.edges, how)
		if n.Kind == Type {
			for _, m := range w.methods[symbolKey{n.file.pkg.path, n.Names[0]}] {
				w.add(m, how)
			}
		}
	}
}

func (w *walk) follow(edges []edge, how reached) {
	for _, e := range edges {
		if !how.follows(e.where) {
			continue
		}
		s := &w.symbols[e.symbol]
		for _, d := range s.defs {
			if how == full || !w.Graph.nodes[d].Pipeline {
				w.add(d, how)
			}
		}
		if s.isVar {
			w.changes(e.symbol, how)
		}
	}
}

// changes follows who may change a variable. What only runs before any step, and changes nothing that was reached, is followed to
// assignments alone.
func (w *walk) changes(symbol int, how reached) {
	if w.vars[symbol] >= how {
		return
	}
	w.vars[symbol] = how
	s := &w.symbols[symbol]
	from := s.changes
	if how == startup {
		from = Write
	}
	for _, u := range s.users {
		if u.how >= from && u.where != Wiring {
			w.add(u.node, at(u.where))
			w.callers(u.node)
		}
	}
}

// callers follows who may call a declaration, since what it changes may depend on what it is given.
func (w *walk) callers(node int) {
	n := &w.Graph.nodes[node]
	if w.called[node] || n.Kind == Type || n.Kind == Const {
		return
	}
	w.called[node] = true
	symbols := n.owns
	if n.Kind == Method && token.IsExported(n.Names[1]) { // other modules may call it, given a value of its type
		if s, ok := w.index[symbolKey{n.file.pkg.path, n.Names[0]}]; ok {
			symbols = append(symbols[:len(symbols):len(symbols)], s)
		}
	}
	for _, s := range symbols {
		for _, u := range w.symbols[s].users {
			if u.where != Wiring {
				w.add(u.node, at(u.where))
				w.callers(u.node)
			}
		}
	}
}
