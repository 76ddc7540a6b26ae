package declgraph

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
	"strings"
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
	m := &mentions{scanner: s, regions: map[ast.Node]Region{}, passes: map[refKey][]Pass{}, all: collector{refs: map[refKey]Ref{}}, within: map[*ast.FuncLit]*collector{}}
	if f, ok := n.(*ast.FuncDecl); ok {
		m.parameters(f.Type.Params)
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
	case *ast.Ident:
		m.ident(n)
	}
}

// wiring notes the function that a call gives to pipeline.Step, Map or Then.
func (m *mentions) wiring(call *ast.CallExpr) {
	name := m.pipelineFunc(call)
	if name != "Step" && name != "Map" && name != "Then" || len(call.Args) < 3 {
		return
	}
	switch fn := call.Args[2].(type) {
	case *ast.FuncLit:
		m.region(fn, Inside)
	case *ast.Ident, *ast.SelectorExpr:
		m.region(fn, Wiring)
	}
}

func (m *mentions) region(n ast.Node, r Region) {
	m.regions[n] = r
	m.cuts = append(m.cuts, n)
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
		if region, ok := m.regions[n]; ok {
			r.Where = max(r.Where, region)
		}
	}
	m.all.add(r)
	m.localIn(local)
}

// localIn notes the literals that mention something which is declared around them.
func (m *mentions) localIn(obj *ast.Object) { //nolint:staticcheck // the syntactic scopes are just what is wanted
	if obj == nil || len(m.within) == 0 {
		return
	}
	for _, n := range m.stack {
		lit, ok := n.(*ast.FuncLit)
		if ok && m.within[lit] != nil && (obj.Pos() < lit.Pos() || obj.Pos() >= lit.End()) {
			m.literals[m.within[lit].literal].Local = true
		}
	}
}

// how says what the context of the identifier on top of the stack may do to the variable that it names.
func (m *mentions) how() Mention {
	i := len(m.stack) - 1
	cur := m.stack[i]
	element, parts := false, 0
	for i--; i >= 0; i-- {
		switch p := m.stack[i].(type) {
		case *ast.SelectorExpr:
			parts++
		case *ast.IndexExpr:
			if p.X != cur {
				return Element // a map may keep it as a key
			}
			element = true
		case *ast.SliceExpr:
			if p.X != cur {
				return Read
			}
			element = false
		case *ast.StarExpr, *ast.ParenExpr, *ast.TypeAssertExpr, *ast.IndexListExpr:
		case *ast.CallExpr:
			return m.inCall(p, cur, element, parts)
		case *ast.KeyValueExpr:
			if p.Key == cur {
				return Element
			}
			return value(element)
		default:
			return inStatement(p, cur, element)
		}
		cur = m.stack[i]
	}
	return value(element)
}

func value(element bool) Mention {
	if element {
		return Element
	}
	return Value
}

func (m *mentions) inCall(call *ast.CallExpr, cur ast.Node, element bool, parts int) Mention {
	name := m.callee(call)
	if sel, ok := cur.(*ast.SelectorExpr); ok && call.Fun == cur && sel.Sel.Name == "Longest" { // the method that changes a regexp.Regexp
		return Write
	}
	switch {
	case call.Fun == cur && (parts > 1 || parts == 1 && element):
		return Apply
	case call.Fun == cur:
		return Call // of a function, or a method if what comes before the point is no import: see link
	case name == "clear" || name == "delete":
		return Write
	case name == "append" && call.Args[0] != cur && call.Ellipsis.IsValid():
		return Element
	case harmless.has(name):
		return Read
	case onlyRead.has(name):
		return Element
	}
	m.pass = passedTo(call, cur)
	return value(element)
}

// passedTo describes the call of a function or method by its name that an expression is an argument of.
func passedTo(call *ast.CallExpr, arg ast.Node) *Pass {
	p := &Pass{Arg: slices.IndexFunc(call.Args, func(e ast.Expr) bool { return e == arg }), Spread: call.Ellipsis.IsValid()}
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		p.Callee.Name = fun.Name
		if fun.Obj != nil && fun.Obj.Kind != ast.Fun {
			return nil
		}
	case *ast.SelectorExpr:
		p.Callee = Ref{Base: ".", Name: fun.Sel.Name}
		if x, ok := fun.X.(*ast.Ident); ok && x.Obj == nil {
			p.Callee.Base = x.Name
		}
	default:
		return nil
	}
	return p
}

// inStatement is for the places of an expression that are no part of a larger one about the same variable.
func inStatement(parent, cur ast.Node, element bool) Mention {
	switch p := parent.(type) {
	case *ast.BinaryExpr, *ast.IfStmt, *ast.ForStmt, *ast.SwitchStmt, *ast.CaseClause, *ast.TypeSpec, *ast.Field, *ast.ArrayType, *ast.MapType,
		*ast.ChanType, *ast.Ellipsis:
		return Read
	case *ast.UnaryExpr:
		if p.Op == token.AND || p.Op == token.ARROW {
			return Write
		}
		return Read
	case *ast.AssignStmt:
		if slices.ContainsFunc(p.Lhs, func(e ast.Expr) bool { return e == cur }) {
			return Write
		}
	case *ast.IncDecStmt:
		return Write
	case *ast.RangeStmt:
		if p.X != cur {
			return Write
		}
		return Element
	case *ast.SendStmt:
		if p.Chan == cur {
			return Write
		}
	case *ast.ValueSpec:
		if p.Type == cur {
			return Read
		}
	case *ast.CompositeLit:
		if p.Type == cur {
			return Read
		}
	}
	return value(element)
}

// callee names the function that is called, if syntax tells: a predeclared one, or one of the standard library by its import path.
func (m *mentions) callee(call *ast.CallExpr) string {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		if fun.Obj == nil {
			return fun.Name
		}
	case *ast.SelectorExpr:
		x, ok := fun.X.(*ast.Ident)
		if !ok || x.Obj != nil {
			return ""
		}
		for _, i := range m.out.Imports {
			if standard(i.Path) && i.localName() == x.Name {
				return i.Path + "." + fun.Sel.Name
			}
		}
	}
	return ""
}

// pipelineFunc names the function of package pipeline that is called, or is "".
func (s *scanner) pipelineFunc(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok || !s.isPipelines(sel.X) {
		return ""
	}
	return sel.Sel.Name
}

func (s *scanner) isPipelines(e ast.Expr) bool {
	x, ok := e.(*ast.Ident)
	return ok && x.Obj == nil && slices.Contains(s.pipelines, x.Name)
}

// wires reports whether a function takes a *pipeline.Builder: it runs while a graph is built.
func (s *scanner) wires(t *ast.FuncType) bool {
	return len(s.pipelines) > 0 && slices.ContainsFunc(t.Params.List, func(f *ast.Field) bool {
		star, ok := f.Type.(*ast.StarExpr)
		if !ok {
			return false
		}
		sel, ok := star.X.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Builder" && s.isPipelines(sel.X)
	})
}

// defines reports whether an expression is a call of pipeline.Define whose arguments run nothing else.
func (s *scanner) defines(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || s.pipelineFunc(call) != "Define" {
		return false
	}
	return !slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return calls(arg, s.isSDK) })
}

// isSDK reports whether a function is one of the SDK's.
func (s *scanner) isSDK(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Obj == nil && slices.ContainsFunc(s.out.Imports, func(i Import) bool {
		return strings.HasPrefix(i.Path+"/", sdk) && i.localName() == x.Name
	})
}
