package declgraph

import (
	"go/ast"
	"slices"
	"strings"
)

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
