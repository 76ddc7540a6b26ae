package repro

import (
	"go/ast"
	"go/token"
	"iter"
	"strconv"
	"strings"
)

const pipelinePackage = "github.com/tenon-ml/tenon/pipeline"

// candidate is an expression that is a pipeline, and the pipeline's name; empty if it is not plain.
type candidate struct{ expr, name string }

func candidates(files []*ast.File) []candidate {
	names := constants(files)
	var found []candidate
	for _, f := range files {
		pkg := importName(f, pipelinePackage)
		if pkg == "" {
			continue
		}
		for _, d := range f.Decls {
			for ident, value := range values(d, token.VAR) {
				if name, ok := defined(value, pkg, names); ok && ident != "_" {
					found = append(found, candidate{ident, name})
				}
			}
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Body == nil || fn.Type.Params.NumFields() > 0 || fn.Type.TypeParams != nil || fn.Type.Results.NumFields() != 1 {
				continue
			}
			if name, ok := returned(fn.Body, pkg, names); ok {
				found = append(found, candidate{fn.Name.Name + "()", name})
			}
		}
	}
	return found
}

// returned finds the call of Define that the last statement of a function returns.
func returned(body *ast.BlockStmt, pkg string, names map[string]string) (string, bool) {
	if len(body.List) == 0 {
		return "", false
	}
	r, ok := body.List[len(body.List)-1].(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 {
		return "", false
	}
	return defined(r.Results[0], pkg, names)
}

// defined reports whether an expression is a call of Define, and the name of the pipeline.
func defined(e ast.Expr, pkg string, names map[string]string) (string, bool) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	fn := call.Fun
	switch f := fn.(type) { // with type arguments
	case *ast.IndexExpr:
		fn = f.X
	case *ast.IndexListExpr:
		fn = f.X
	}
	switch f := fn.(type) {
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); !ok || x.Name != pkg || f.Sel.Name != "Define" {
			return "", false
		}
	case *ast.Ident:
		if pkg != "." || f.Name != "Define" {
			return "", false
		}
	default:
		return "", false
	}
	switch arg := ast.Unparen(call.Args[0]).(type) {
	case *ast.BasicLit:
		name, _ := strconv.Unquote(arg.Value)
		return name, true
	case *ast.Ident:
		return names[arg.Name], true
	}
	return "", true
}

// constants are those of a package that are plain strings.
func constants(files []*ast.File) map[string]string {
	known := map[string]string{}
	for _, f := range files {
		for _, d := range f.Decls {
			for name, value := range values(d, token.CONST) {
				if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					known[name], _ = strconv.Unquote(lit.Value)
				}
			}
		}
	}
	return known
}

// values yields what a declaration of variables or constants says, each with the value of its own.
func values(d ast.Decl, kind token.Token) iter.Seq2[string, ast.Expr] {
	return func(yield func(string, ast.Expr) bool) {
		gen, ok := d.(*ast.GenDecl)
		if !ok || gen.Tok != kind {
			return
		}
		for _, spec := range gen.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok || len(v.Names) != len(v.Values) {
				continue
			}
			for i, name := range v.Names {
				if !yield(name.Name, v.Values[i]) {
					return
				}
			}
		}
	}
}

// importName is the name of an imported package in a file; "." if its names are used without one, and empty if it is not imported.
func importName(f *ast.File, path string) string {
	for _, i := range f.Imports {
		if i.Path.Value != strconv.Quote(path) {
			continue
		}
		if i.Name != nil {
			return i.Name.Name
		}
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ""
}
