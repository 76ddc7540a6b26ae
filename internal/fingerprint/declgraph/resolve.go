package declgraph

import (
	"go/token"
	"slices"
	"strings"
)

// name2paths notes what the names of imports may mean in a file.
func (f *file) name2paths(g *Graph) {
	f.imports = map[string][]string{}
	for _, i := range f.Imports {
		p := g.packages[i.Path]
		name := i.Name
		switch {
		case name == "." && p != nil:
			f.dots = append(f.dots, p)
		case name == ".":
			f.dotPaths = append(f.dotPaths, i.Path)
		case name != "":
			f.imports[name] = append(f.imports[name], i.Path)
		case p != nil:
			for _, name := range p.names {
				f.imports[name] = append(f.imports[name], i.Path)
			}
		case g.standard(i.Path) || strings.HasPrefix(i.Path+"/", sdk):
			f.imports[i.localName()] = append(f.imports[i.localName()], i.Path)
		default:
			f.unnamed = append(f.unnamed, i.Path)
		}
	}
}

// paths returns the import paths that a name may stand for.
func (f *file) paths(name string) []string {
	if known := f.imports[name]; known != nil {
		return known
	}
	return f.unnamed
}

// resolve finds what a node's references may mean.
func (g *Graph) resolve(i int) {
	n := &g.nodes[i]
	paths := map[string]bool{}
	n.edges = g.edges(n, g.passed(n), paths)
	for _, e := range n.edges {
		s := &g.symbols[e.symbol]
		s.users = append(s.users, use{i, e.how, e.where})
	}
	n.within = make([][]edge, len(n.Literals))
	for j, l := range n.Literals {
		n.within[j] = g.edges(n, l.Refs, paths)
	}
	n.given = make([][]edge, len(n.Wirings))
	for j, w := range n.Wirings {
		n.given[j] = g.edges(n, w.Refs, paths)
	}
	for p := range paths {
		n.paths = append(n.paths, p)
	}
	n.paths = append(n.paths, n.file.dotPaths...)
	slices.Sort(n.paths)
}

// passed returns the references of a node, given what the functions do that are given some of them.
func (g *Graph) passed(n *node) []Ref {
	if len(n.Passes) == 0 {
		return n.Refs
	}
	refs := slices.Clone(n.Refs)
	for _, p := range n.Passes {
		if g.keeps(n.file, p) {
			refs[p.Ref].How = max(refs[p.Ref].How, Value)
		}
	}
	return refs
}

// keeps reports whether a function may change what it is given, or hand it on.
func (g *Graph) keeps(f *file, p Pass) bool {
	var paths []string
	switch imported := f.imports[p.Callee.Base]; {
	case p.Callee.Base == "":
		paths = []string{f.pkg.path}
	case imported != nil:
		paths = imported
	case token.IsExported(p.Callee.Name): // a method of another module may have that name
		return true
	default:
		paths = []string{"."}
	}
	for _, path := range paths {
		s, ok := g.index[symbolKey{path, p.Callee.Name}]
		if !ok || len(g.symbols[s].defs) == 0 || f.hides() || len(f.dots) > 0 {
			return true
		}
		for _, d := range g.symbols[s].defs {
			n := &g.nodes[d]
			arg, last := p.Arg, n.Variadic-1
			if n.Kind != Func && n.Kind != Method || n.Variadic > 0 && arg >= last && (!p.Spread || arg > last) || n.Keeps&(1<<min(arg, 31)) != 0 {
				return true
			}
		}
	}
	return false
}

func (g *Graph) edges(n *node, refs []Ref, paths map[string]bool) []edge {
	f := n.file
	edges := make([]edge, 0, len(refs))
	add := func(path string, r Ref, how Mention) {
		edges = append(edges, edge{g.symbol(path, r.Name), how, r.Where})
	}
	name := func(r Ref) bool {
		found := false
		for _, p := range append([]*pkg{f.pkg}, f.dots...) {
			if s, ok := g.index[symbolKey{p.path, r.Name}]; ok && len(g.symbols[s].defs) > 0 {
				edges, found = append(edges, edge{s, r.How, r.Where}), true
			}
		}
		return found
	}
	for _, r := range refs {
		if f.hides() { // what seems to read may be a call
			r.How = max(r.How, Value)
		}
		switch r.Base {
		case "":
			name(r)
		case "=":
			if g.isKey(f, r.Name) {
				name(r)
			}
		case ".":
			add(".", r, r.How)
		default:
			base := Ref{Name: r.Base, How: r.How, Where: r.Where}
			if r.How == Call {
				base.How = Apply
			}
			if f.imports[r.Base] == nil && name(base) {
				add(".", r, r.How)
				continue
			}
			found := f.paths(r.Base)
			if found == nil {
				add(".", r, r.How)
			}
			for _, p := range found {
				paths[p] = true
				add(p, r, r.How)
			}
		}
	}
	return edges
}

// isKey reports whether a name can be that of a map's key: a constant or a variable.
func (g *Graph) isKey(f *file, name string) bool {
	return slices.ContainsFunc(append([]*pkg{f.pkg}, f.dots...), func(p *pkg) bool {
		s, ok := g.index[symbolKey{p.path, name}]
		return ok && slices.ContainsFunc(g.symbols[s].defs, func(d int) bool { return g.nodes[d].Kind == Var || g.nodes[d].Kind == Const })
	})
}
