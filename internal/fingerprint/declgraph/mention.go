package declgraph

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
)

// mentions are those of one declaration, as a walk over it finds them.
type mentions struct {
	*scanner
	stack    []ast.Node
	regions  map[ast.Node]Region
	cuts     []ast.Node // the nodes of regions
	all      collector
	within   map[*ast.FuncLit]*collector // of literals that may be steps
	count    int                         // of literals
	literals []Literal
	given    map[ast.Node]*given // functions that calls wire
	wirings  []Wired
	unclear  bool // names may mean one thing here and another there, as type parameters and local types do

	params   map[*ast.Object]int //nolint:staticcheck // the syntactic scopes are just what is wanted
	keeps    uint32
	variadic int
	passes   map[refKey][]Pass
	pass     *Pass // the call that the last mention is an argument of
}

type collector struct {
	refs    map[refKey]Ref
	literal int // its index among the literals
}

type refKey struct{ base, name string }

func (s *scanner) mentions(n ast.Node) *mentions {
	m := &mentions{scanner: s, regions: map[ast.Node]Region{}, passes: map[refKey][]Pass{}, all: collector{refs: map[refKey]Ref{}}, within: map[*ast.FuncLit]*collector{}, given: map[ast.Node]*given{}}
	if f, ok := n.(*ast.FuncDecl); ok {
		m.parameters(f.Type.Params)
		m.unclear = isGeneric(f)
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			m.stack = m.stack[:len(m.stack)-1]
			return true
		}
		m.stack = append(m.stack, n)
		m.visit(n)
		return true
	})
	for _, c := range m.within {
		m.literals[c.literal].Refs = c.sorted()
	}
	m.wired()
	return m
}

func (m *mentions) refs() []Ref { return m.all.sorted() }

func (c *collector) sorted() []Ref {
	refs := make([]Ref, 0, len(c.refs))
	for _, r := range c.refs {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, func(a, b Ref) int { return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Name, b.Name)) })
	return refs
}

func (c *collector) add(r Ref) {
	key := refKey{r.Base, r.Name}
	if old, ok := c.refs[key]; ok {
		r.How, r.Where = max(r.How, old.How), min(r.Where, old.Where)
	}
	c.refs[key] = r
}

func (m *mentions) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		m.wiring(n)
	case *ast.FuncLit:
		m.literal(n)
	case *ast.SelectorExpr:
		if _, ok := n.X.(*ast.Ident); !ok {
			m.add(Ref{Base: ".", Name: n.Sel.Name}, nil)
		}
		m.indirect(n)
	case *ast.DeclStmt:
		m.unclear = m.unclear || n.Decl.(*ast.GenDecl).Tok == token.TYPE
	case *ast.Ident:
		m.ident(n)
	}
}

func (m *mentions) literal(lit *ast.FuncLit) {
	if _, known := m.regions[lit]; !known && m.wires(lit.Type) {
		m.region(lit, Inside)
	}
	if t := lit.Type; t.Params.NumFields() == 2 && t.Results.NumFields() == 2 {
		m.within[lit] = &collector{refs: map[refKey]Ref{}, literal: len(m.literals)}
		m.literals = append(m.literals, Literal{Ordinal: m.count, Line: m.line(lit.Pos()), End: m.line(lit.End()), Digest: m.digest(Func, lit, nil)})
	}
	m.count++
}

// ident adds what an identifier means that is not declared within the declaration.
func (m *mentions) ident(id *ast.Ident) {
	if id.Name == "_" {
		return
	}
	var parent ast.Node
	if len(m.stack) > 1 {
		parent = m.stack[len(m.stack)-2]
	}
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		if p.Sel == id {
			return
		}
	case *ast.Field:
		if slices.Contains(p.Names, id) {
			return
		}
	case *ast.FuncDecl, *ast.LabeledStmt, *ast.BranchStmt:
		return
	case *ast.TypeSpec:
		if p.Name == id {
			return
		}
	case *ast.ValueSpec:
		if slices.Contains(p.Names, id) {
			return
		}
	}
	local := id.Obj != nil && m.file.Scope.Lookup(id.Name) != id.Obj
	base, isBase := parent.(*ast.SelectorExpr)
	switch {
	case local && isBase:
		m.add(Ref{Base: ".", Name: base.Sel.Name}, id.Obj)
	case local:
		m.localIn(id.Obj)
	case m.fieldOrKey(id):
		m.add(Ref{Base: "=", Name: id.Name, How: Element}, nil)
	case isBase:
		m.mention(Ref{Base: id.Name, Name: base.Sel.Name})
	default:
		m.mention(Ref{Name: id.Name})
	}
	if i, ok := m.params[id.Obj]; ok && m.how() > Element {
		m.keeps |= 1 << i
	}
}

// fieldOrKey reports whether the identifier on top of the stack is a key in a composite literal that may be of a struct.
func (m *mentions) fieldOrKey(id *ast.Ident) bool {
	if len(m.stack) < 3 {
		return false
	}
	pair, ok := m.stack[len(m.stack)-2].(*ast.KeyValueExpr)
	if !ok || pair.Key != id {
		return false
	}
	switch m.stack[len(m.stack)-3].(*ast.CompositeLit).Type.(type) {
	case *ast.MapType, *ast.ArrayType:
		return false
	}
	return true
}

// mention adds what an identifier, or one and a selector, mean here.
func (m *mentions) mention(r Ref) {
	m.pass = nil
	r.How = m.how()
	if p := m.pass; p != nil && r.How == Value {
		key := refKey{r.Base, r.Name}
		m.passes[key] = append(m.passes[key], *p)
		r.How = Element
	}
	m.add(r, nil)
}

// parameters notes the parameters of a function. The 32nd and those after it count as the 32nd.
func (m *mentions) parameters(list *ast.FieldList) {
	m.params = map[*ast.Object]int{} //nolint:staticcheck // the syntactic scopes are just what is wanted
	i := 0
	for _, field := range list.List {
		if _, ok := field.Type.(*ast.Ellipsis); ok {
			m.variadic = i + 1
		}
		for _, name := range field.Names {
			if name.Obj != nil {
				m.params[name.Obj] = min(i, 31)
			}
			i++
		}
	}
}

// passed lists the calls that are given what the references name.
func (m *mentions) passed(refs []Ref) []Pass {
	var all []Pass
	for i, r := range refs {
		for _, p := range m.passes[refKey{r.Base, r.Name}] {
			p.Ref = i
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// add adds a reference to the declaration and to every literal around it that may be a step. Local, if not nil, is what it starts from.
func (m *mentions) add(r Ref, local *ast.Object) { //nolint:staticcheck // the syntactic scopes are just what is wanted
	for _, n := range slices.Backward(m.stack) {
		if lit, ok := n.(*ast.FuncLit); ok && m.within[lit] != nil {
			m.within[lit].add(r)
		}
		if g := m.given[n]; g != nil {
			g.add(r)
		}
		if region, ok := m.regions[n]; ok {
			r.Where = max(r.Where, region)
		}
	}
	m.all.add(r)
	m.localIn(local)
}

// localIn notes the literals that mention something which is declared around them.
func (m *mentions) localIn(obj *ast.Object) { //nolint:staticcheck // the syntactic scopes are just what is wanted
	if obj == nil || len(m.within)+len(m.given) == 0 {
		return
	}
	for _, n := range m.stack {
		if g := m.given[n]; g != nil && (obj.Pos() < n.Pos() || obj.Pos() >= n.End()) {
			g.local = true
		}
		lit, ok := n.(*ast.FuncLit)
		if ok && m.within[lit] != nil && (obj.Pos() < lit.Pos() || obj.Pos() >= lit.End()) {
			m.literals[m.within[lit].literal].Local = true
		}
	}
}
