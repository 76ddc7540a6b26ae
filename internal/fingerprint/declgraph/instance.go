package declgraph

import (
	"slices"
	"strings"
)

// Instance is an instantiation of a generic function, or a function of another module. The runtime does not name type arguments: they are
// what the call says that wires the function, and what the types of its parameters and results consist of.
type Instance struct {
	Path, Name string // import path of its package, and its name there
	Generic    bool
	// File and Line are where the call is, File as in [Source.Name]. They matter if it is generic.
	File string
	Line int
	// Types are those of which its parameters and results consist. No type that is declared in a function is among them.
	Types []TypeName
}

// TypeName names a type.
type TypeName struct{ Path, Name string }

// ReachInstance is [Graph.Reach] for an instance.
func (g *Graph) ReachInstance(i Instance) (parts []Part, identity string, ok bool) {
	w := g.base.clone(g)
	identity = i.Path + "." + i.Name
	if g.packages[i.Path] == nil {
		w.foreign()
	} else if !w.addFunc(i) {
		return nil, "", false
	}
	for _, t := range i.Types {
		if !w.addType(t) {
			return nil, "", false
		}
	}
	if !i.Generic {
		w.run()
		return w.parts(), identity, true
	}
	at, ok := g.wired(i)
	if !ok {
		return nil, "", false
	}
	w.follow(at.edges, full)
	w.run()
	names := []string{at.Digest}
	for _, e := range at.edges {
		names = append(names, g.symbols[e.symbol].path+"."+g.symbols[e.symbol].name)
	}
	own := Part{identity + " as it is wired", at.file, at.Line, digestOf(names)}
	return append(w.parts(), own), identity, true
}

// addFunc adds a function of this module.
func (w *walk) addFunc(i Instance) bool {
	s, ok := w.index[symbolKey{i.Path, i.Name}]
	if !ok || len(w.symbols[s].defs) == 0 {
		return false
	}
	for _, d := range w.symbols[s].defs {
		w.add(d, full)
	}
	return true
}

// addType adds a type, if it is of this module. It reports false if that is not known.
func (w *walk) addType(t TypeName) bool {
	if w.packages[t.Path] == nil {
		return true
	}
	s, ok := w.index[symbolKey{t.Path, t.Name}]
	if !ok || len(w.symbols[s].defs) == 0 {
		return false
	}
	for _, d := range w.symbols[s].defs {
		w.add(d, full)
	}
	return true
}

// foreign follows who may change variables of other modules, which a function there may read.
func (w *walk) foreign() {
	for i := range w.symbols {
		if s := &w.symbols[i]; s.external && s.isVar && !w.standard(s.path) {
			w.changes(i, full)
		}
	}
}

// wiredAt is a call that wires a function.
type wiredAt struct {
	*Wired
	file  string
	edges []edge
}

// wired finds the call that wires an instance. It reports false if there is none on the line, or if not all say the same.
func (g *Graph) wired(i Instance) (at wiredAt, ok bool) {
	f := g.files[i.File]
	if f == nil || g.indirect {
		return wiredAt{}, false
	}
	for d := range f.Decls {
		n := &g.nodes[f.first+d]
		for j := range n.Wirings {
			c := &n.Wirings[j]
			if i.Line < c.Line || c.End < i.Line {
				continue
			}
			if !g.isFunc(f, c.Func, i) || at.Wired != nil && at.Digest != c.Digest {
				return wiredAt{}, false
			}
			at = wiredAt{c, f.name, n.given[j]}
		}
	}
	return at, at.Wired != nil
}

// isFunc reports whether a reference in a file means the function of an instance. Since there is a function of that name, a reference to that
// name in its package is no variable.
func (g *Graph) isFunc(f *file, r Ref, i Instance) bool {
	if r.Name != i.Name || f.hides() {
		return false
	}
	if r.Base == "" {
		return f.pkg.path == i.Path || slices.ContainsFunc(f.dots, func(p *pkg) bool { return p.path == i.Path })
	}
	if f.imports[r.Base] == nil && g.declares(f, r.Base) {
		return false
	}
	return slices.Contains(f.paths(r.Base), i.Path)
}

// declares reports whether a name is declared in the package of a file, or in one that it imports with a dot.
func (g *Graph) declares(f *file, name string) bool {
	return slices.ContainsFunc(append([]*pkg{f.pkg}, f.dots...), func(p *pkg) bool {
		s, ok := g.index[symbolKey{p.path, name}]
		return ok && len(g.symbols[s].defs) > 0
	})
}

// TypeNames returns the names of all types of packages that a type's name holds, as package reflect gives it: "Pair[int,example.com/a.B]" holds
// one. It reports false if one of them is declared in a function.
func TypeNames(name string) (all []TypeName, ok bool) {
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return strings.ContainsRune("[]{}()*,;<\" ", r) }) {
		word = strings.TrimLeft(word, ".")
		if strings.ContainsAny(word, "·%") { // a number of the function's type, or an escaped path
			return nil, false
		}
		if i := strings.LastIndexByte(word, '.'); i > 0 {
			all = append(all, TypeName{word[:i], word[i+1:]})
		}
	}
	return all, true
}
