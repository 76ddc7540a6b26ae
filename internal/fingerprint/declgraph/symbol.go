package declgraph

import (
	"strings"
)

// symbol is what a reference may mean: a name of a package, or a method of any type (whose path is ".").
type symbol struct {
	symbolKey
	defs     []int // nodes
	users    []use
	isVar    bool
	changes  Mention // the smallest mention that may change it, if isVar
	external bool
}

type symbolKey struct{ path, name string }

type use struct {
	node int
	how  Mention
	// where in the node
	where Region
}

func (g *Graph) symbol(path, name string) int {
	key := symbolKey{path, name}
	i, ok := g.index[key]
	if !ok {
		i = len(g.symbols)
		g.index[key] = i
		g.symbols = append(g.symbols, symbol{symbolKey: key, external: path != "." && g.packages[path] == nil})
	}
	return i
}

// classify finds the variables among the symbols.
func (g *Graph) classify() {
	longest, ok := g.index[symbolKey{".", "Longest"}] // which changes a regexp.Regexp that may have other names
	weak := ok && len(g.symbols[longest].users) > 0
	for i := range g.symbols {
		s := &g.symbols[i]
		s.changes = Write
		if s.external {
			s.classifyExternal(g.standard(s.path))
			continue
		}
		for _, d := range s.defs {
			if n := &g.nodes[d]; n.Kind == Var {
				class := n.Class
				switch {
				case n.file.hides():
					class = Open
				case weak:
					class = min(class, Flat)
				}
				s.isVar, s.changes = true, min(s.changes, class.changes())
			}
		}
	}
}

func (s *symbol) classifyExternal(standard bool) {
	full := s.path + "." + s.name
	most := Read
	for _, u := range s.users {
		most = max(most, u.how)
	}
	switch {
	case strings.HasPrefix(s.path+"/", sdk):
	case variables.has(full):
		s.isVar, s.changes = true, Element
	case standard:
		s.isVar = most == Write
	case most >= Apply: // its methods are called, or it is assigned: not a function, a type or a constant
		s.isVar, s.changes = true, Element
	}
}
