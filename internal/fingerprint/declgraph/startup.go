package declgraph

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// start finds what runs before any step, and what that reaches.
func (g *Graph) start(main string) {
	w := g.newWalk()
	effects := g.effects()
	var order []string
	packages := 0 // whose initialisation may depend on what ran before, or matter to what runs after
	for _, p := range g.sorted() {
		var first, computed []string // what has effects, and variables that are computed from others
		for _, f := range p.files {
			for i := range f.Decls {
				at := f.first + i
				switch n := &g.nodes[at]; {
				case n.Kind == Func && n.Names[0] == "init":
					w.add(at, startup)
					first = append(first, n.key(), n.digest(n.text(startup)))
				case n.Kind == Var && !n.Pipeline && (n.Calls || f.hides()) && effects[at]:
					w.add(at, startup)
					first = append(first, n.key(), n.digest(n.text(startup)))
					computed = append(computed, n.key()+" has effects")
				case n.Kind == Var && !n.Pipeline && g.isComputed(n):
					computed = append(computed, n.key())
				case n.Kind == Func && n.Names[0] == "main" && p.path == main:
					w.add(at, startup)
				}
			}
		}
		order = append(order, first...)
		if slices.ContainsFunc(computed, func(s string) bool { return strings.HasSuffix(s, " has effects") }) {
			order = append(order, computed...)
		}
		if len(first)+len(computed) > 0 {
			packages++
		}
	}
	if packages > 1 { // their order depends on what imports what
		order = append(order, g.importLists()...)
	}
	w.run()
	w.unseen()
	w.run()
	order = append(order, g.linked(main)...)
	g.base, g.order = w, digestOf(order)
}

// unseen adds what reaches steps that do not mention it: codecs, and whoever sets variables of the standard library, such as time.Local.
func (w *walk) unseen() {
	for i := range w.symbols {
		switch s := &w.symbols[i]; {
		case !s.external:
		case s.path == codecs && strings.Contains(s.name, "Codec"):
			for _, u := range s.users {
				w.add(u.node, at(u.where))
				if k := w.Graph.nodes[u.node].Kind; k == Func || k == Method { // it may make codecs of what it is given
					w.callers(u.node)
				}
			}
		case s.isVar && w.standard(s.path):
			w.changes(i, startup)
		}
	}
}

// isComputed reports whether an initialiser may give something else when it runs earlier or later.
func (g *Graph) isComputed(n *node) bool {
	return slices.ContainsFunc(n.edges, func(e edge) bool {
		s := &g.symbols[e.symbol]
		return s.isVar || n.Calls && slices.ContainsFunc(s.defs, func(d int) bool { k := g.nodes[d].Kind; return k == Func || k == Method })
	})
}

// linked returns what all code depends on although it does not say so: the packages of other modules that may register something, and
// the debug settings of the main package.
func (g *Graph) linked(main string) []string {
	var all []string
	for _, f := range g.files {
		for _, i := range f.Imports {
			if g.packages[i.Path] == nil && (i.Name == "_" && i.Path != "embed" || !quiet(i.Path)) {
				all = append(all, i.Path)
			}
		}
		if f.pkg.path == main && strings.Contains(f.Context, "//go:debug") {
			all = append(all, f.Context)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// importLists returns every package with what it imports, once each.
func (g *Graph) importLists() []string {
	var lists []string
	for _, p := range g.sorted() {
		var paths []string
		for _, f := range p.files {
			for _, i := range f.Imports {
				paths = append(paths, i.Path)
			}
		}
		slices.Sort(paths)
		lists = append(lists, p.path+": "+strings.Join(slices.Compact(paths), " "))
	}
	return lists
}

// effects reports which nodes may change something that others see: they mention a variable so that it may change, or another
// module's code that may remember something, or they mention a node that does.
func (g *Graph) effects() []bool {
	has := make([]bool, len(g.nodes))
	var queue []int
	mark := func(i int) {
		if !has[i] {
			has[i] = true
			queue = append(queue, i)
		}
	}
	for i := range g.nodes {
		for _, e := range g.nodes[i].edges {
			s := &g.symbols[e.symbol]
			if s.external && !pure.has(s.path) && !strings.HasPrefix(s.path+"/", sdk) || s.isVar && e.how >= s.changes {
				mark(i)
				break
			}
		}
	}
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		n := &g.nodes[i]
		symbols := n.owns
		if n.Kind == Method {
			if s, ok := g.index[symbolKey{n.file.pkg.path, n.Names[0]}]; ok {
				symbols = append(symbols[:len(symbols):len(symbols)], s)
			}
		}
		for _, s := range symbols {
			for _, u := range g.symbols[s].users {
				mark(u.node)
			}
		}
	}
	return has
}

// digestOf returns the digest of a list of texts.
func digestOf(texts []string) string {
	var buf []byte
	for _, s := range texts {
		buf = append(binary.AppendUvarint(buf, uint64(len(s))), s...)
	}
	sum := sha256.Sum256(buf)
	return string(sum[:])
}
