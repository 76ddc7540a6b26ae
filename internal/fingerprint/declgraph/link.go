package declgraph

import (
	"cmp"
	"go/token"
	"path"
	"slices"
	"strings"
)

// Source is one file of the main module.
type Source struct {
	Name string // import path and file name
	File *File
	// Embedded is the digest of the content of all files that it embeds.
	Embedded string
}

// Graph joins the declarations of the packages that a program is linked from. It does not change: safe for concurrent use.
type Graph struct {
	packages map[string]*pkg // linked ones, by import path
	files    map[string]*file
	nodes    []node
	symbols  []symbol
	index    map[symbolKey]int
	methods  map[symbolKey][]int // of a type
	base     *walk               // what every step reaches
	order    string              // in which initialisers and init functions run
}

type pkg struct {
	path  string
	names []string // in its package clauses: generators may have another
	files []*file  // by name
	hides bool     // it declares a predeclared name
}

type file struct {
	*File
	name     string
	pkg      *pkg
	first    int // node of its first declaration
	embedded string
	context  string              // build constraints, also of the name, and debug settings
	dots     []*pkg              // imported with a dot
	dotPaths []string            // of other modules
	imports  map[string][]string // import paths by the name that they may have here
	unnamed  []string            // import paths whose names are not known
}

type node struct {
	*Decl
	file   *file
	edges  []edge
	within [][]edge // by literal
	paths  []string // of imports that it mentions
	owns   []int    // symbols that it defines
}

type edge struct {
	symbol int
	how    Mention
	where  Region
}

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

// Link joins the files from which the main package with the given import path is made. It reports false where syntax does not tell what
// a file means.
func Link(main string, sources []Source) (*Graph, bool) {
	all := map[string]*pkg{}
	for _, s := range sources {
		dir := path.Dir(s.Name)
		p := all[dir]
		if p == nil {
			p = &pkg{path: dir}
			all[dir] = p
		}
		p.files = append(p.files, &file{File: s.File, name: s.Name, pkg: p, embedded: s.Embedded, context: suffix(s.Name) + s.File.Context})
	}
	g := &Graph{packages: map[string]*pkg{}, files: map[string]*file{}, index: map[symbolKey]int{}, methods: map[symbolKey][]int{}}
	if all[main] == nil || !g.link(main, all) {
		return nil, false
	}
	g.declare()
	if g.methodsOfAliases() {
		return nil, false
	}
	for i := range g.nodes {
		g.resolve(i)
	}
	g.classify()
	g.start(main)
	return g, true
}

// link adds a package and what it imports.
func (g *Graph) link(importPath string, all map[string]*pkg) bool {
	p := all[importPath]
	if p == nil || g.packages[importPath] != nil {
		return true
	}
	g.packages[importPath] = p
	slices.SortFunc(p.files, func(a, b *file) int { return cmp.Compare(a.name, b.name) })
	for _, f := range p.files {
		if f.Unclear {
			return false
		}
		if !slices.Contains(p.names, f.Package) {
			p.names = append(p.names, f.Package)
		}
		g.files[f.name] = f
		for _, i := range f.Imports {
			if !g.link(i.Path, all) {
				return false
			}
		}
	}
	return true
}

// declare makes the nodes and the symbols that they define.
func (g *Graph) declare() {
	for _, p := range g.sorted() {
		for _, f := range p.files {
			f.name2paths(g)
			f.first = len(g.nodes)
			for i := range f.Decls {
				d := &f.Decls[i]
				n := node{Decl: d, file: f}
				if d.Kind == Method {
					n.owns = []int{g.symbol(".", d.Names[1])}
					of := symbolKey{p.path, d.Names[0]}
					g.methods[of] = append(g.methods[of], len(g.nodes))
				} else {
					for _, name := range d.Names {
						p.hides = p.hides || predeclared.has(name)
						if name != "_" && (name != "init" || d.Kind != Func) {
							n.owns = append(n.owns, g.symbol(p.path, name))
						}
					}
				}
				for _, s := range n.owns {
					g.symbols[s].defs = append(g.symbols[s].defs, len(g.nodes))
				}
				g.nodes = append(g.nodes, n)
			}
		}
	}
}

// methodsOfAliases reports whether a method is declared for another name of its type.
func (g *Graph) methodsOfAliases() bool {
	return slices.ContainsFunc(g.nodes, func(n node) bool {
		return n.Alias && len(g.methods[symbolKey{n.file.pkg.path, n.Names[0]}]) > 0
	})
}

// hides reports whether a predeclared name may mean something else in a file.
func (f *file) hides() bool {
	return f.pkg.hides || len(f.dotPaths) > 0 || slices.ContainsFunc(f.dots, func(p *pkg) bool { return p.hides })
}

func (g *Graph) sorted() []*pkg {
	all := make([]*pkg, 0, len(g.packages))
	for _, p := range g.packages {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *pkg) int { return cmp.Compare(a.path, b.path) })
	return all
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
		case standard(i.Path) || strings.HasPrefix(i.Path+"/", sdk):
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

// classify finds the variables among the symbols.
func (g *Graph) classify() {
	for i := range g.symbols {
		s := &g.symbols[i]
		s.changes = Write
		if s.external {
			s.classifyExternal()
			continue
		}
		for _, d := range s.defs {
			if n := &g.nodes[d]; n.Kind == Var {
				class := n.Class
				if n.file.hides() {
					class = Open
				}
				s.isVar, s.changes = true, min(s.changes, class.changes())
			}
		}
	}
}

func (s *symbol) classifyExternal() {
	full := s.path + "." + s.name
	most := Read
	for _, u := range s.users {
		most = max(most, u.how)
	}
	switch {
	case strings.HasPrefix(s.path+"/", sdk):
	case variables.has(full):
		s.isVar, s.changes = true, Element
	case standard(s.path):
		s.isVar = most == Write
	case most >= Apply: // its methods are called, or it is assigned: not a function, a type or a constant
		s.isVar, s.changes = true, Element
	}
}

// key identifies a node across edits that do not concern it.
func (n *node) key() string {
	return n.file.pkg.path + "." + strings.Join(n.Names, ".")
}

// digest is that of everything that the declaration itself says, given that of its tokens.
func (n *node) digest(tokens string) string {
	return digestOf(append([]string{tokens, n.file.context, n.embedded()}, n.paths...))
}

// embedded is the digest of what a variable embeds, and others of its file.
func (n *node) embedded() string {
	if !n.Embeds {
		return ""
	}
	return n.file.embedded
}

// suffix returns what may be a constraint in a file's name: "linux_amd64" of "x_linux_amd64.go".
func suffix(name string) string {
	_, after, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".go"), "_")
	return after
}
