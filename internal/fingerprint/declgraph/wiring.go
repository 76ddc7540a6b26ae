package declgraph

import (
	"go/ast"
	"slices"
	"strings"
)

const wirers words = " Step Map Then "

// given is the function that a call wires, while it is read.
type given struct {
	collector
	wiring int  // its index among them
	local  bool // it mentions what is declared around it
}

// wiring notes the function that a call gives to pipeline.Step, Map or Then.
func (m *mentions) wiring(call *ast.CallExpr) {
	if !wirers.has(m.pipelineFunc(call)) {
		return
	}
	w := Wired{Line: m.line(call.Pos()), End: m.line(call.End())}
	if len(call.Args) < 3 {
		m.wirings = append(m.wirings, w)
		return
	}
	if w.Func = named(call.Args[2]); w.Func.Name != "" {
		m.given[call.Args[2]] = &given{collector{refs: map[refKey]Ref{}}, len(m.wirings), false}
		w.Digest = m.digest(Func, call.Args[2], nil)
	}
	m.wirings = append(m.wirings, w)
	switch fn := call.Args[2].(type) {
	case *ast.FuncLit:
		m.region(fn, Inside)
	case *ast.Ident, *ast.SelectorExpr:
		m.region(fn, Wiring)
	}
}

// named returns the reference to a function that an expression is, perhaps with type arguments.
func named(e ast.Expr) Ref {
	fun := ast.Unparen(e)
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	switch f := fun.(type) {
	case *ast.Ident:
		return Ref{Name: f.Name}
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return Ref{Base: x.Name, Name: f.Sel.Name}
		}
	}
	return Ref{}
}

// wired completes what was noted of the calls.
func (m *mentions) wired() {
	for _, g := range m.given {
		w := &m.wirings[g.wiring]
		if w.Refs = g.sorted(); g.local || m.unclear {
			w.Func, w.Refs, w.Digest = Ref{}, nil, ""
		}
	}
}

// isGeneric reports whether a function or the type of its receiver has type parameters.
func isGeneric(f *ast.FuncDecl) bool {
	if f.Type.TypeParams != nil {
		return true
	}
	if f.Recv == nil || len(f.Recv.List) != 1 {
		return false
	}
	t := ast.Unparen(f.Recv.List[0].Type)
	if star, ok := t.(*ast.StarExpr); ok {
		t = ast.Unparen(star.X)
	}
	_, named := t.(*ast.Ident)
	return !named
}

// indirect notes a function that wires steps and is not called where it is mentioned: calls of it are then anywhere.
func (m *mentions) indirect(sel *ast.SelectorExpr) {
	if !wirers.has(sel.Sel.Name) || !m.isPipelines(sel.X) {
		return
	}
	var cur ast.Node = sel
	for _, n := range slices.Backward(m.stack[:len(m.stack)-1]) {
		switch p := n.(type) {
		case *ast.ParenExpr, *ast.IndexExpr, *ast.IndexListExpr:
			cur = n
			continue
		case *ast.CallExpr:
			if p.Fun == cur {
				return
			}
		}
		break
	}
	m.out.Indirect = true
}

func (m *mentions) region(n ast.Node, r Region) {
	m.regions[n] = r
	m.cuts = append(m.cuts, n)
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
