package fingerprint

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/internal/filememo"
)

// sources is all source that could be part of the running program.
type sources struct {
	files   map[string]string // name to digest
	modules []string          // the others, by version and sum
}

func (s *sources) digest() string {
	h := newHash("source")
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		write(h, name, s.files[name])
	}
	write(h, "")
	write(h, s.modules...)
	return sum(h)
}

// readSources reads the source of the program that f belongs to. It gives up, for the executable to be used, wherever it is
// not certain that this is the source which the program was built from.
func readSources(ctx context.Context, f Func, started time.Time, m *filememo.Memo) (*sources, bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok || !filepath.IsAbs(f.File) {
		return nil, false
	}
	root, ok := moduleRoot(filepath.Dir(f.File), info.Main.Path)
	if !ok {
		return nil, false
	}
	r := reader{ctx: ctx, started: started, memo: m, out: &sources{files: map[string]string{}}}
	if !r.module(info.Main.Path, root) {
		return nil, false
	}
	work := workspace(root)
	for _, dep := range info.Deps {
		switch {
		case dep.Replace != nil && dep.Replace.Version != "":
			r.out.modules = append(r.out.modules, dep.Path+"=>"+dep.Replace.Path+"@"+dep.Replace.Version+" "+dep.Replace.Sum)
		case dep.Replace == nil && dep.Version != "" && dep.Version != "(devel)" && dep.Sum != "":
			r.out.modules = append(r.out.modules, dep.Path+"@"+dep.Version+" "+dep.Sum)
		default:
			dir, ok := localModule(dep, root, work)
			if !ok || !r.module(dep.Path, dir) {
				return nil, false
			}
		}
	}
	if work != "" && !r.named("go.work", work) {
		return nil, false
	}
	return r.out, true
}

// moduleRoot walks up from dir to the go.mod of the module with the given path.
func moduleRoot(dir, path string) (string, bool) {
	for {
		if data, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			return dir, modulePath(data) == path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func modulePath(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.Trim(strings.TrimSpace(path), `"`)
		}
	}
	return ""
}

// workspace returns the go.work file that applies to dir, or "".
func workspace(dir string) string {
	switch work := os.Getenv("GOWORK"); work {
	case "off":
		return ""
	case "":
	default:
		return work
	}
	for {
		work := filepath.Join(dir, "go.work")
		if _, err := os.Stat(work); err == nil {
			return work
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// localModule finds the directory of a module that is used from disk: replaced by a directory, or part of the workspace.
func localModule(dep *debug.Module, root, work string) (string, bool) {
	if dep.Replace != nil {
		dir := dep.Replace.Path
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(root, dir)
		}
		if found, ok := moduleRoot(dir, dep.Path); ok && found == filepath.Clean(dir) {
			return dir, true
		}
	}
	if work == "" {
		return "", false
	}
	data, err := os.ReadFile(work)
	if err != nil {
		return "", false
	}
	for _, word := range strings.Fields(string(data)) { // "use" directives hold directories; whatever else is no module's root
		dir := strings.Trim(word, `"`)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(work), dir)
		}
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && modulePath(mod) == dep.Path {
			return dir, true
		}
	}
	return "", false
}

type reader struct {
	ctx     context.Context
	started time.Time
	memo    *filememo.Memo
	out     *sources
}

// module reads a module's directory. It reports whether everything in it is certain.
func (r *reader) module(path, root string) bool {
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return r.dir(root, name, d)
		}
		if !compiled(d.Name()) {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || !r.named(path+"/"+filepath.ToSlash(rel), name) || !r.embeds(path, root, name) {
			return fs.ErrInvalid
		}
		return nil
	})
	return err == nil
}

// dir skips what the go command does not look at, and checks that nothing was added or removed since the build.
func (r *reader) dir(root, name string, d fs.DirEntry) error {
	if name != root {
		if strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
			return filepath.SkipDir // another module
		}
	}
	if !hasSource(name) {
		return nil // results may be written here while the program runs
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	if !filememo.Changed(info).Before(r.started) {
		return fs.ErrInvalid
	}
	return nil
}

func hasSource(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() && compiled(e.Name()) })
}

// compiled reports whether the go command may compile the file, or decide by it what to compile. Tests are not part of a program, and
// a test binary is fingerprinted by its executable.
func compiled(name string) bool {
	if strings.HasSuffix(name, "_test.go") {
		return false
	}
	switch filepath.Ext(name) {
	case ".go", ".s", ".S", ".sx", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".m", ".f", ".F", ".for", ".f90", ".swig", ".swigcxx", ".syso":
		return true
	}
	return name == "go.mod" || name == "go.sum" || name == "modules.txt"
}

// named adds a file. It must be a plain file that is older than the go command's process.
func (r *reader) named(name, path string) bool {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	digest, info, err := r.memo.Digest(r.ctx, path)
	if err != nil || !filememo.Changed(info).Before(r.started) {
		return false
	}
	r.out.files[name] = digest
	return true
}

// embeds adds the files that a Go file embeds. The patterns are read as the go command does, and a directory counts with
// all that is below it.
func (r *reader) embeds(module, root, path string) bool {
	if filepath.Ext(path) != ".go" {
		return true
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	if !strings.Contains(string(src), "//go:embed") {
		return true
	}
	patterns, ok := embedPatterns(src)
	if !ok {
		return false
	}
	for _, pattern := range patterns {
		matches, err := filepath.Glob(filepath.Join(filepath.Dir(path), filepath.FromSlash(strings.TrimPrefix(pattern, "all:"))))
		if err != nil {
			return false
		}
		for _, match := range matches {
			if !r.embedded(module, root, match) {
				return false
			}
		}
	}
	return true
}

func (r *reader) embedded(module, root, match string) bool {
	err := filepath.WalkDir(match, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || !r.named(module+"/"+filepath.ToSlash(rel), name) {
			return fs.ErrInvalid
		}
		return nil
	})
	return err == nil
}

// embedPatterns returns the patterns of all go:embed directives in a file.
func embedPatterns(src []byte) ([]string, bool) {
	file, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, false
	}
	var patterns []string
	for _, group := range file.Comments {
		for _, c := range group.List {
			list, ok := embedDirective(c)
			if !ok {
				continue
			}
			for _, p := range strings.Fields(list) {
				patterns = append(patterns, strings.Trim(p, "\"`"))
			}
			if strings.ContainsAny(list, "\"`") {
				return nil, false // quoted patterns may hold spaces; rare enough to leave to the executable
			}
		}
	}
	return patterns, true
}

func embedDirective(c *ast.Comment) (string, bool) {
	list, ok := strings.CutPrefix(c.Text, "//go:embed")
	return list, ok && (strings.HasPrefix(list, " ") || strings.HasPrefix(list, "\t"))
}
