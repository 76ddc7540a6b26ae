package declgraph

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Part is one thing that a step's code is made of.
type Part struct {
	Name   string // of the declaration, by its package's import path
	File   string // as in [Source.Name]; empty if it is no declaration
	Line   int
	Digest string // SHA-256, as it is
}

// Reach returns all that the function at a line of a file may reach, sorted, and what tells the function from others of the same code. It
// reports false if there is no such function, or more than one. Literal says that the function is a function literal.
func (g *Graph) Reach(name string, line int, literal bool) (parts []Part, identity string, ok bool) {
	f := g.files[name]
	if f == nil {
		return nil, "", false
	}
	w := g.base.clone(g)
	if !literal {
		root := -1
		for i := range f.Decls {
			if d := &f.Decls[i]; (d.Kind == Func || d.Kind == Method) && d.Line <= line && line <= d.End {
				if root >= 0 {
					return nil, "", false
				}
				root = f.first + i
			}
		}
		if root < 0 {
			return nil, "", false
		}
		w.addTwins(root)
		w.run()
		return w.parts(), g.nodes[root].key(), true
	}
	return w.fromLiteral(f, line)
}

// Declares reports whether a file, named as in [Source.Name], is of a package that is linked.
func (g *Graph) Declares(file string) bool { return g.files[file] != nil }

// addTwins adds a node and those that stand in its place under other build constraints.
func (w *walk) addTwins(root int) {
	n := &w.Graph.nodes[root]
	w.add(root, full)
	for _, s := range n.owns {
		for _, d := range w.symbols[s].defs {
			if w.Graph.nodes[d].key() == n.key() {
				w.add(d, full)
			}
		}
	}
}

func (w *walk) fromLiteral(f *file, line int) (parts []Part, identity string, ok bool) {
	root, at := -1, -1
	for i := range f.Decls {
		for j, l := range f.Decls[i].Literals {
			if l.Line <= line && line <= l.End {
				if root >= 0 {
					return nil, "", false
				}
				root, at = f.first+i, j
			}
		}
	}
	if root < 0 {
		return nil, "", false
	}
	n := &w.Graph.nodes[root]
	l := &n.Literals[at]
	identity = n.key()
	if l.Local { // what it means depends on what is around it
		w.addTwins(root)
		w.run()
		return w.parts(), identity + " " + strconv.Itoa(l.Ordinal), true
	}
	w.follow(n.within[at], full)
	w.run()
	own := Part{n.key() + " func", f.name, l.Line, n.digest(l.Digest)}
	return append(w.parts(), own), identity, true
}

// parts lists what a walk reached.
func (w *walk) parts() []Part {
	var parts []Part
	for i, how := range w.nodes {
		if how == not {
			continue
		}
		n := &w.Graph.nodes[i]
		parts = append(parts, Part{n.key(), n.file.name, n.Line, n.digest(n.text(how))})
	}
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Or(cmp.Compare(a.Name, b.Name), strings.Compare(a.Digest, b.Digest)) })
	return append(parts, Part{Name: "what runs first and what is linked", Digest: w.order})
}

// text is the digest of a node's tokens as far as they count.
func (n *node) text(how reached) string {
	if how < body && n.Cut != "" {
		return n.Cut
	}
	return n.Digest
}
