package fingerprint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// captured says why f may hold state that is in no source. Without trusted source every literal may.
func captured(f Func, tree *sources) string {
	switch {
	case strings.HasSuffix(f.Name, "-fm"):
		return "it is a method value, whose receiver is in no source"
	case f.Name == "reflect.makeFuncStub":
		return "it was made by reflection"
	case !f.literal():
		return ""
	case tree == nil:
		return "it is a function literal, which may capture variables"
	}
	return capturedIn(f)
}

// capturedIn looks for the literal at f's line. Names decide, not scopes: that can only say too often that something is captured.
func capturedIn(f Func) string {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, f.File, nil, parser.SkipObjectResolution)
	if err != nil {
		return "it is a function literal that cannot be read"
	}
	at := fmt.Sprintf("the function literal at %s:%d", filepath.Base(f.File), f.Line)
	var found *ast.FuncLit
	var outside [][]ast.Node // ancestors of each candidate
	var path []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		if lit, ok := n.(*ast.FuncLit); ok && fset.Position(lit.Pos()).Line == f.Line {
			found = lit
			outside = append(outside, append([]ast.Node(nil), path...))
		}
		path = append(path, n)
		return true
	})
	if len(outside) != 1 {
		return at + " cannot be told from others on its line"
	}
	names := map[string]bool{}
	for _, n := range outside[0] {
		switch n := n.(type) {
		case *ast.FuncDecl:
			declared(n, found, names)
		case *ast.FuncLit:
			declared(n, found, names)
		}
	}
	var name string
	ast.Inspect(found, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && names[id.Name] && name == "" {
			name = id.Name
		}
		return name == ""
	})
	if name == "" {
		return ""
	}
	return at + " captures " + name
}

// declared collects every name that fn declares, also in its signature and receiver, but not within the literal itself.
func declared(fn ast.Node, lit *ast.FuncLit, names map[string]bool) {
	add := func(id *ast.Ident) {
		if id != nil && id.Name != "_" {
			names[id.Name] = true
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return n != lit
		case *ast.Field:
			for _, id := range n.Names {
				add(id)
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, l := range n.Lhs {
					if id, ok := l.(*ast.Ident); ok {
						add(id)
					}
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if id, ok := e.(*ast.Ident); ok {
					add(id)
				}
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				add(id)
			}
		}
		return true
	})
}
