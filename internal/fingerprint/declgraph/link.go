package declgraph

import (
	"cmp"
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
	modules  []string        // other modules
	files    map[string]*file
	nodes    []node
	symbols  []symbol
	index    map[symbolKey]int
	methods  map[symbolKey][]int // of a type
	base     *walk               // what every step reaches
	indirect bool                // steps may be wired by calls that cannot be seen
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
	given  [][]edge // by wiring
	paths  []string // of imports that it mentions
	owns   []int    // symbols that it defines
}

type edge struct {
	symbol int
	how    Mention
	where  Region
}

// Link joins the files from which the main package with the given import path is made. Modules are the paths of the other modules. It reports false where syntax does not tell what
// a file means.
func Link(main string, modules []string, sources []Source) (*Graph, bool) {
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
	g := &Graph{modules: modules, packages: map[string]*pkg{}, files: map[string]*file{}, index: map[symbolKey]int{}, methods: map[symbolKey][]int{}}
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
		g.indirect = g.indirect || f.Indirect
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

// standard reports whether an import path is of the standard library. Modules that are replaced may have paths without a dot, too.
func (g *Graph) standard(p string) bool {
	return standard(p) && !slices.ContainsFunc(g.modules, func(m string) bool { return strings.HasPrefix(p+"/", m+"/") })
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
