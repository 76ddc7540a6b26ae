package repro

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/origin"
)

// Place is a package that has a pipeline.
type Place struct {
	Dir     string // absolute
	Package string // its name
	Expr    string // Go expression of the pipeline in the package

	declared []string // functions of the package's tests
}

// Find finds the package that has the pipeline of a case: the one in dir or, if dir is empty, where its steps were wired. Expr is how the
// pipeline is written there; empty looks for a package variable, or a function without parameters, that Define makes. An error of code Invalid
// says what to do.
func (c *Case) Find(dir, expr string) (Place, error) {
	dirs := []string{dir}
	if dir == "" {
		dirs = c.dirs()
	}
	var last error
	for _, d := range dirs {
		p, err := findIn(d, c.Recording.Pipeline, expr)
		if err == nil {
			return p, nil
		}
		if last == nil {
			last = err
		}
	}
	if last == nil {
		last = component.Errorf(component.Invalid, "the source of pipeline %s is not on this machine where it was built: name the directory of its package with --dir", c.Recording.Pipeline)
	}
	return Place{}, last
}

// dirs are the directories in which the pipeline may be, the likeliest first.
func (c *Case) dirs() []string {
	var dirs []string
	add := func(dir string) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() && filepath.IsAbs(dir) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	program := c.Run.Driver.Program
	module, known := origin.ModuleOf(program.Dir)
	wired := append([]string{c.Planned.Wired}, make([]string, 0, len(c.Plan.Steps))...)
	for _, s := range c.Plan.Steps {
		wired = append(wired, s.Wired)
	}
	for _, at := range wired {
		file, _, ok := cutLast(at, ":")
		if !ok {
			continue
		}
		add(filepath.Dir(file))
		if rest, ok := strings.CutPrefix(file, module.Path+"/"); ok && known { // it was built with -trimpath
			add(filepath.Join(module.Dir, filepath.FromSlash(filepath.Dir(rest))))
		}
	}
	if rest, ok := strings.CutPrefix(program.Package+"/", module.Path+"/"); ok && known {
		add(filepath.Join(module.Dir, filepath.FromSlash(rest)))
	}
	return dirs
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// findIn looks for a pipeline in the package of a directory.
func findIn(dir, pipeline, expr string) (Place, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Place{}, component.Errorf(component.Invalid, "directory %s: %w", dir, err)
	}
	p := Place{Dir: dir, Expr: expr}
	files, err := p.parse()
	if err != nil {
		return p, err
	}
	if _, ok := origin.ModuleOf(dir); !ok {
		return p, component.Errorf(component.Invalid, "directory %s belongs to no Go module, in which a test could run: name another with --dir", dir)
	}
	if expr != "" {
		if _, err := parser.ParseExpr(expr); err != nil {
			return p, component.Errorf(component.Invalid, "%.80q is no Go expression: %w", expr, err)
		}
		return p, nil
	}
	found := candidates(files)
	var exact, possible []string
	for _, f := range found {
		switch f.name {
		case pipeline:
			exact = append(exact, f.expr)
		case "":
			possible = append(possible, f.expr)
		}
	}
	if len(exact) == 0 {
		exact = possible
	}
	switch len(exact) {
	case 1:
		p.Expr = exact[0]
		return p, nil
	case 0:
		return p, component.Errorf(component.Invalid, "package %s in %s has no variable, and no function without parameters, that is pipeline %s: "+
			"say with --expr how the pipeline is written there, or name another directory with --dir", p.Package, dir, pipeline)
	}
	return p, component.Errorf(component.Invalid, "package %s in %s may have pipeline %s as %s: choose with --expr", p.Package, dir, pipeline, strings.Join(exact, ", "))
}

// parse reads the files of the package as it is built on this machine, and notes what its tests declare.
func (p *Place) parse() ([]*ast.File, error) {
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return nil, component.Errorf(component.Invalid, "read the package: %w", err)
	}
	var files []*ast.File
	for _, e := range entries {
		if ok, err := build.Default.MatchFile(p.Dir, e.Name()); !strings.HasSuffix(e.Name(), ".go") || !ok || err != nil {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, component.Errorf(component.Invalid, "read the package: %w", err)
		}
		if strings.HasSuffix(e.Name(), "_test.go") {
			p.tests(e.Name(), f)
			continue
		}
		p.Package = f.Name.Name
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, component.Errorf(component.Invalid, "directory %s has no Go package: name that of the pipeline's with --dir", p.Dir)
	}
	return files, nil
}

// tests notes the functions of a test file, but for one that Write makes.
func (p *Place) tests(name string, f *ast.File) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && name != fileName(strings.TrimPrefix(fn.Name.Name, testPrefix)) {
			p.declared = append(p.declared, fn.Name.Name)
		}
	}
}
