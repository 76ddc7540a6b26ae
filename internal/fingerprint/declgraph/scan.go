package declgraph

import (
	"bytes"
	"crypto/sha256"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// Scan summarises a file.
func Scan(src []byte) *File {
	f := &File{}
	for _, odd := range []string{"//go:linkname", "//line ", "/*line "} {
		if bytes.Contains(src, []byte(odd)) {
			f.Unclear = true
		}
	}
	mode := parser.Mode(0) // with objects: they tell local names
	if bytes.Contains(src, []byte("//go:")) || bytes.Contains(src, []byte("// +build")) {
		mode = parser.ParseComments
	}
	s := scanner{fset: token.NewFileSet(), src: src, out: f}
	file, err := parser.ParseFile(s.fset, "", src, mode)
	if err != nil || f.Unclear || slices.ContainsFunc(imports(file), func(i Import) bool { return i.Path == "C" }) {
		return &File{Unclear: true, Imports: imports(file)}
	}
	f.Package, f.Imports = file.Name.Name, imports(file)
	s.file = file
	s.directives()
	s.tokens = tokenise(s.fset.File(file.Pos()), src)
	s.pipelines = s.aliases(Pipelines)
	f.Indirect = slices.Contains(s.pipelines, ".")
	for _, d := range file.Decls {
		s.decl(d)
	}
	f.Unclear = len(s.embeds) > 0
	return f
}

// Imports summarises a file of which only the imports matter.
func Imports(src []byte) *File {
	file, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ImportsOnly|parser.SkipObjectResolution)
	return &File{Unclear: err != nil, Imports: imports(file)}
}

func imports(file *ast.File) []Import {
	if file == nil {
		return nil
	}
	var all []Import
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		i := Import{Path: path}
		if spec.Name != nil {
			i.Name = spec.Name.Name
		}
		all = append(all, i)
	}
	return all
}

// directives notes the comments that mean something to the compiler and the go command.
func (s *scanner) directives() {
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			switch text := c.Text; {
			case constraint.IsGoBuild(text) || constraint.IsPlusBuild(text) || strings.HasPrefix(text, "//go:debug"):
				s.out.Context += "\n" + text
			case strings.HasPrefix(text, "//go:embed"):
				s.embeds = append(s.embeds, c.Pos())
			}
		}
	}
}

type scanner struct {
	fset      *token.FileSet
	src       []byte
	file      *ast.File
	tokens    []lexeme
	embeds    []token.Pos // of directives that no variable followed yet
	pipelines []string    // names that package pipeline has in this file
	out       *File
}

// aliases returns the names under which a file may know a package.
func (s *scanner) aliases(path string) []string {
	var names []string
	for _, i := range s.out.Imports {
		if i.Path == path {
			names = append(names, i.localName())
		}
	}
	return names
}

func (s *scanner) line(p token.Pos) int { return s.fset.PositionFor(p, false).Line }

func (s *scanner) decl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		out := Decl{Kind: Func, Names: []string{d.Name.Name}, Pipeline: s.wires(d.Type)}
		if d.Recv != nil && len(d.Recv.List) == 1 {
			out.Kind, out.Names = Method, []string{receiver(d.Recv.List[0].Type), d.Name.Name}
		}
		s.add(out, d)
	case *ast.GenDecl:
		s.general(d)
	}
}

func (s *scanner) general(d *ast.GenDecl) {
	if d.Tok == token.CONST {
		out := Decl{Kind: Const}
		for _, spec := range d.Specs {
			out.Names = append(out.Names, identNames(spec.(*ast.ValueSpec).Names)...)
		}
		s.add(out, d)
		return
	}
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.add(Decl{Kind: Type, Names: []string{spec.Name.Name}, Alias: spec.Assign.IsValid()}, spec)
		case *ast.ValueSpec:
			before := len(s.embeds)
			s.embeds = slices.DeleteFunc(s.embeds, func(p token.Pos) bool { return p < spec.Pos() })
			s.add(Decl{
				Embeds: len(s.embeds) < before,
				Kind:   Var, Names: identNames(spec.Names), Class: classOf(s, spec),
				Calls: slices.ContainsFunc(spec.Values, func(e ast.Expr) bool { return calls(e, nil) }), Pipeline: slices.ContainsFunc(spec.Values, s.defines),
			}, spec)
		}
	}
}

// add completes a declaration with what the node holds.
func (s *scanner) add(d Decl, n ast.Node) {
	d.Line, d.End = s.line(n.Pos()), s.line(n.End())
	m := s.mentions(n)
	d.Refs, d.Literals, d.Wirings, d.Keeps, d.Variadic = m.refs(), m.literals, m.wirings, m.keeps, m.variadic
	d.Passes = m.passed(d.Refs)
	d.Digest = s.digest(d.Kind, n, nil)
	if len(m.cuts) > 0 {
		d.Cut = s.digest(d.Kind, n, m.cuts)
	}
	s.out.Decls = append(s.out.Decls, d)
}

// digest is of the tokens of a node, without those of the nodes that are cut out.
func (s *scanner) digest(k Kind, n ast.Node, cuts []ast.Node) string {
	buf := append(make([]byte, 0, 2*(n.End()-n.Pos())), byte(k))
	from, _ := slices.BinarySearchFunc(s.tokens, n.Pos(), func(t lexeme, p token.Pos) int { return int(t.pos - p) })
	for i := from; i < len(s.tokens) && s.tokens[i].pos < n.End(); i++ {
		t := s.tokens[i]
		if slices.ContainsFunc(cuts, func(c ast.Node) bool { return c.Pos() <= t.pos && t.pos < c.End() }) || i+1 < len(s.tokens) && t.redundant(s.tokens[i+1]) {
			continue
		}
		buf = t.append(buf)
	}
	sum := sha256.Sum256(buf)
	return string(sum[:])
}

func identNames(ids []*ast.Ident) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.Name
	}
	return names
}

// receiver returns the name of a method's type.
func receiver(e ast.Expr) string {
	for {
		switch t := e.(type) {
		case *ast.StarExpr:
			e = t.X
		case *ast.ParenExpr:
			e = t.X
		case *ast.IndexExpr:
			e = t.X
		case *ast.IndexListExpr:
			e = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// calls reports whether evaluating an expression may run code, besides functions that are known. Within function literals it does not.
func calls(e ast.Expr, known func(ast.Expr) bool) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		case *ast.CallExpr:
			switch fun := ast.Unparen(n.Fun).(type) {
			case *ast.StarExpr, *ast.ArrayType, *ast.MapType, *ast.ChanType, *ast.FuncType, *ast.InterfaceType, *ast.StructType: // conversions
			case *ast.FuncLit:
				found = true
			case *ast.Ident:
				found = found || !harmless.has(fun.Name)
			default:
				found = found || known == nil || !known(fun)
			}
		}
		return !found
	})
	return found
}
