package declgraph

import (
	"go/ast"
	"go/token"
	"slices"
)

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
