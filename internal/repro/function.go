package repro

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/tenon-ml/tenon/internal/origin"
)

// Breakpoint returns where a debugger can stop at the beginning of the step's function, as "/lab/train.go:42"; empty for what has no name of
// its own, such as a literal. The path is whole, since Tenon has files of the same names.
func (c *Case) Breakpoint(p Place) string {
	pkg, recv, name := splitFunc(c.Planned.Func)
	dir := p.Dir
	if m, ok := origin.ModuleOf(p.Dir); ok && pkg != "main" {
		switch rest, within := strings.CutPrefix(pkg, m.Path); {
		case within && (rest == "" || rest[0] == '/'):
			dir = filepath.Join(m.Dir, filepath.FromSlash(rest))
		default:
			return ""
		}
	} else if p.Package != "main" {
		return ""
	}
	entries, err := os.ReadDir(dir)
	if err != nil || name == "" {
		return ""
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != name || receiver(fn) != recv || fn.Body == nil || len(fn.Body.List) == 0 {
				continue
			}
			return fmt.Sprintf("%s:%d", filepath.Join(dir, e.Name()), set.Position(fn.Body.List[0].Pos()).Line)
		}
	}
	return ""
}

// splitFunc takes the name of a function apart as the runtime writes it: "main.train", "example.com/lab.(*Trainer).Fit-fm", "main.fit[...]".
// Name is empty for a literal.
func splitFunc(full string) (pkg, recv, name string) {
	full, _, _ = strings.Cut(full, "[")
	slash := strings.LastIndexByte(full, '/') + 1
	last, rest, ok := strings.Cut(full[slash:], ".")
	if !ok {
		return "", "", ""
	}
	pkg, rest = full[:slash]+last, strings.TrimSuffix(rest, "-fm")
	parts := strings.Split(rest, ".")
	switch len(parts) {
	case 1:
		return pkg, "", parts[0]
	case 2:
		if strings.HasPrefix(parts[1], "func") && strings.Trim(parts[1][4:], "0123456789") == "" {
			return pkg, "", ""
		}
		return pkg, strings.Trim(parts[0], "(*)"), parts[1]
	}
	return pkg, "", ""
}

// receiver is the name of the type that a method belongs to; empty for a function.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return ""
	}
	t := fn.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch generic := t.(type) {
	case *ast.IndexExpr:
		t = generic.X
	case *ast.IndexListExpr:
		t = generic.X
	}
	if ident, ok := t.(*ast.Ident); ok {
		return ident.Name
	}
	return ""
}
