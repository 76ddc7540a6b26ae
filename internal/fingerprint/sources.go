package fingerprint

import (
	"context"
	"maps"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/internal/filememo"
)

// sources is all source that could be part of the running program.
type sources struct {
	paths  map[string]string // absolute, without symbolic links, to the name within the module
	sum    string
	close  bool                // something changed about when the go command started, which makes it uncertain
	files  map[string]string   // name to digest
	main   []string            // names of the main module's files
	embeds map[string][]string // what each Go file embeds, by name
	fixed  []string            // the other modules, by version and sum
	pkg    string              // import path of the main package
	module string              // path of the main module
	deps   []string            // paths of the other modules
	given  []string            // files on the command line that are all of the main package then, although its directory has others
}

// commandLineFiles is the path of a main package that was named by its files.
const commandLineFiles = "command-line-arguments"

// readSources reads the source of the program that run built. It gives up, for the executable to be used, wherever it is not certain that
// this is the source which the program was built from.
func readSources(ctx context.Context, run goRun, info *debug.BuildInfo, m *filememo.Memo, f *factMemo) (*sources, bool) {
	if !run.plain() {
		return nil, false
	}
	main := info.Main.Path
	if main == "" && info.Path == commandLineFiles { // whose imports are those of the module around
		_, main = enclosingModule(run.dir)
	}
	l, ok := findLayout(run.dir, main)
	if !ok {
		return nil, false
	}
	r := reader{ctx: ctx, started: run.started, memo: m, facts: f, files: map[string]string{}, paths: map[string]string{}, embeds: map[string][]string{}, local: map[uint64]bool{}}
	if !r.module(main, l.root) {
		return nil, false
	}
	mainFiles := slices.Sorted(maps.Keys(r.files))
	var fixed []string
	for _, dep := range info.Deps {
		used := dep
		if dep.Replace != nil {
			used = dep.Replace
		}
		if used.Version != "" && used.Version != "(devel)" && used.Sum != "" { // vendored modules have none
			fixed = append(fixed, dep.Path+"@"+dep.Version+" "+used.Path+"@"+used.Version+" "+used.Sum)
			continue
		}
		if dep.Path == main {
			continue
		}
		copied := l.vendored(dep)
		if copied != "" && !r.copied(dep.Path, copied) {
			return nil, false
		}
		// With a version, it was taken from the copy; otherwise it may have been taken from either.
		dir, ok := l.local(dep)
		if !ok && copied == "" || ok && !r.module(dep.Path, dir) {
			return nil, false
		}
	}
	if l.vendor != "" && !r.file("vendor/modules.txt", filepath.Join(l.vendor, "modules.txt")) {
		return nil, false
	}
	if l.work != "" && !r.file("go.work", l.work) {
		return nil, false
	}
	pkg, given := info.Path, []string(nil)
	if pkg == commandLineFiles {
		if !r.holds(run.sourceFiles()) {
			return nil, false
		}
		pkg = r.packageOf(run.sourceFiles()[0])
		if given = r.names(run.sourceFiles()); r.wholePackage(pkg, given) {
			given = nil // as if the package had been named
		}
	}
	if !r.unchangedDirs() {
		return nil, false
	}
	return &sources{
		paths: r.paths, sum: r.digest(append(fixed[:len(fixed):len(fixed)], given...)), close: r.close, files: r.files, main: mainFiles, embeds: r.embeds, fixed: fixed, pkg: pkg,
		module: main, deps: paths(info.Deps), given: given,
	}, true
}

func paths(modules []*debug.Module) []string {
	all := make([]string, len(modules))
	for i, m := range modules {
		all[i] = m.Path
	}
	return all
}

// owner returns the path of the module that a package is of, or "" for the standard library.
func (s *sources) owner(pkg string) string {
	owner := ""
	for _, m := range append(s.deps[:len(s.deps):len(s.deps)], s.module) {
		if strings.HasPrefix(pkg+"/", m+"/") && len(m) > len(owner) {
			owner = m
		}
	}
	return owner
}

// holds reports whether all files were read.
func (r *reader) holds(files []string) bool {
	for _, file := range files {
		resolved, err := filepath.EvalSymlinks(file)
		if err != nil || r.paths[resolved] == "" {
			return false
		}
	}
	return len(files) > 0
}

// names returns the names of files that were read, sorted.
func (r *reader) names(files []string) []string {
	var names []string
	for _, file := range files {
		if resolved, err := filepath.EvalSymlinks(file); err == nil {
			names = append(names, r.paths[resolved])
		}
	}
	slices.Sort(names)
	return names
}

// wholePackage reports whether files are all Go files that were read of a package.
func (r *reader) wholePackage(pkg string, files []string) bool {
	for name := range r.files {
		if path.Dir(name) == pkg && path.Ext(name) == ".go" && !slices.Contains(files, name) {
			return false
		}
	}
	return true
}

// packageOf returns the import path of a file's package.
func (r *reader) packageOf(file string) string {
	resolved, err := filepath.EvalSymlinks(file)
	if err != nil {
		return ""
	}
	return path.Dir(r.paths[resolved])
}

func (r *reader) digest(modules []string) string {
	h := newHash("source")
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		write(h, name, r.files[name])
	}
	write(h, "")
	write(h, modules...)
	return sum(h)
}
