package declgraph

import (
	"go/ast"
	"go/token"
	"slices"
)

// classOf returns the class of what a specification declares, as far as syntax tells.
func classOf(s *scanner, spec *ast.ValueSpec) Class {
	if spec.Type != nil {
		return typeClass(spec.Type)
	}
	if len(spec.Values) == 0 || len(spec.Values) != len(spec.Names) {
		return Open
	}
	class := Firm
	for _, v := range spec.Values {
		class = min(class, valueClass(s, v))
	}
	return class
}

func typeClass(t ast.Expr) Class {
	switch t := t.(type) {
	case *ast.Ident:
		if t.Obj == nil && basic.has(t.Name) { // a package that declares such a type itself is caught when it is linked
			return Firm
		}
	case *ast.ArrayType:
		if typeClass(t.Elt) == Firm {
			return Flat
		}
	case *ast.MapType:
		if typeClass(t.Key) == Firm && typeClass(t.Value) == Firm {
			return Flat
		}
	}
	return Open
}

func valueClass(s *scanner, e ast.Expr) Class {
	switch e := ast.Unparen(e).(type) {
	case *ast.BasicLit, *ast.FuncLit:
		return Firm
	case *ast.Ident:
		if e.Obj == nil && (e.Name == "true" || e.Name == "false") {
			return Firm
		}
	case *ast.CompositeLit:
		if e.Type != nil {
			return typeClass(e.Type)
		}
	case *ast.UnaryExpr:
		if slices.Contains([]token.Token{token.SUB, token.ADD, token.NOT, token.XOR}, e.Op) {
			return valueClass(s, e.X)
		}
	case *ast.BinaryExpr:
		return min(valueClass(s, e.X), valueClass(s, e.Y))
	case *ast.CallExpr:
		m := mentions{scanner: s}
		if name := m.callee(e); firm.has(name) || basic.has(name) {
			return Firm
		}
	}
	return Open
}
