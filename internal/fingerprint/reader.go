package fingerprint

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/internal/filememo"
)

// reader collects the files that a program is built from. Its methods report whether everything is certain.
type reader struct {
	ctx     context.Context //nolint:containedctx // of one call of readSources
	started time.Time       // of the go command
	memo    *filememo.Memo
	facts   *factMemo

	files  map[string]string   // name to digest
	paths  map[string]string   // to name
	embeds map[string][]string // names of the files that a Go file embeds
	close  bool                // see sources
	dirs   []string            // that must not have changed
	local  map[uint64]bool     // devices whose times can be trusted
}

// module reads a module's directory.
func (r *reader) module(path, root string) bool {
	resolved, err := filepath.EvalSymlinks(root)
	return err == nil && r.unmoved(root) && r.unmoved(resolved) && r.dir(path, resolved)
}

// copied reads a module's directory among the vendored ones: all files, since nothing else than its packages is copied there.
func (r *reader) copied(path, dir string) bool {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil || !r.unmoved(dir) || !r.unmoved(root) {
		return false
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			r.dirs = append(r.dirs, file)
			return r.ctx.Err()
		}
		rel, err := filepath.Rel(root, file)
		if err != nil || !d.Type().IsRegular() || !r.file("vendor/"+path+"/"+filepath.ToSlash(rel), file) {
			return fs.ErrInvalid
		}
		return nil
	})
	return err == nil
}

// unmoved checks that the way to a directory leads where it led when the program was built. That something was added to a directory on
// the way says nothing, but then its content changed last.
func (r *reader) unmoved(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil || !r.before(info, r.started) && (!info.IsDir() || filememo.Changed(info).After(info.ModTime())) {
			return false
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	info, err := os.Lstat(path)
	return err == nil && (info.IsDir() || r.before(info, r.started))
}

// grace is how much later than the start of the go command something may have changed to be only close to it. Scripts start programs right
// after they wrote them; what a person does takes longer.
const grace = 50 * time.Millisecond

// settled reports whether something that belongs to the source changed last before the go command started, or so close to that that it
// may have.
func (r *reader) settled(info fs.FileInfo) bool {
	if r.before(info, r.started) {
		return true
	}
	r.close = true
	return r.before(info, r.started.Add(grace))
}

// before reports whether something changed last before t. Where times have whole seconds, it may have been up to a second later than it seems.
func (r *reader) before(info fs.FileInfo, t time.Time) bool {
	changed := filememo.Changed(info)
	if changed.Nanosecond() == 0 {
		changed = changed.Add(time.Second)
	}
	return changed.Before(t)
}

// unchangedDirs checks, after everything was read, that nothing was added, removed or replaced since the build.
func (r *reader) unchangedDirs() bool {
	for _, dir := range r.dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !r.settled(info) || !r.onLocal(info, dir) {
			return false
		}
	}
	return true
}

// dir reads one directory of a module and those below it. Name is the import path.
func (r *reader) dir(name, dir string) bool {
	if r.ctx.Err() != nil {
		return false
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	source, foreign := false, false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir():
			if !skipped(path, e.Name()) && !(e.Name() == "vendor" && isModule(dir)) && !r.dir(name+"/"+e.Name(), path) {
				return false
			}
		case e.Type()&fs.ModeSymlink != 0 && leadsToDir(path): // packages may be behind it
			return false
		case isForeign(e.Name()):
			foreign = true
		case isSource(e.Name()):
			source = true
			if !e.Type().IsRegular() || !r.source(name, path) {
				return false
			}
		}
	}
	if source { // elsewhere results may be written while the program runs
		r.dirs = append(r.dirs, dir)
	}
	return !source || !foreign
}

// skipped reports directories in which the go command finds nothing of this module.
func skipped(path, name string) bool {
	switch name {
	case ".git", ".hg", ".svn", ".bzr", ".jj":
		return true
	}
	return isModule(path) // another one
}

func isModule(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func leadsToDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isSource reports whether the go command may compile the file, or decide by it what to compile and how. Tests are not part of what
// "go run" builds.
func isSource(name string) bool {
	if filepath.Ext(name) == ".go" {
		return !strings.HasSuffix(name, "_test.go")
	}
	return name == "go.mod" || name == "go.sum" || name == "modules.txt" || name == "default.pgo"
}

// isForeign reports whether the file is of another language that the go command compiles, within a package. Such files include others, of
// any name and from anywhere.
func isForeign(name string) bool {
	switch filepath.Ext(name) {
	case ".s", ".S", ".sx", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".m", ".f", ".F", ".for", ".f90", ".swig", ".swigcxx", ".syso":
		return true
	}
	return false
}

// source adds a file of a package, and what it embeds.
func (r *reader) source(pkg, path string) bool {
	name := pkg + "/" + filepath.Base(path)
	if !r.file(name, path) {
		return false
	}
	if filepath.Ext(path) != ".go" {
		return true
	}
	f, err := r.facts.of(r.files[name], path)
	if err != nil || f.Unclear {
		return false
	}
	dir := filepath.Dir(path)
	for _, pattern := range f.Embeds {
		pattern = strings.TrimPrefix(pattern, "all:")
		matches, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil || len(matches) == 0 {
			return false
		}
		for _, match := range matches {
			if !r.embedded(name, pkg, dir, match) {
				return false
			}
		}
	}
	return true
}

// embedded adds what a pattern of a Go file matched: a file, or a directory with all that is below it.
func (r *reader) embedded(by, pkg, dir, match string) bool {
	for parent := match; parent != "."; { // files may have gone from where the pattern looked
		if parent = filepath.ToSlash(filepath.Dir(parent)); parent != "." {
			r.dirs = append(r.dirs, filepath.Join(dir, parent))
		}
	}
	err := filepath.WalkDir(filepath.Join(dir, match), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			r.dirs = append(r.dirs, path)
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		name := pkg + "/" + filepath.ToSlash(rel)
		if err != nil || !d.Type().IsRegular() || !r.file(name, path) {
			return fs.ErrInvalid
		}
		r.embeds[by] = append(r.embeds[by], name)
		return nil
	})
	return err == nil
}

// file adds a file. It must be older than the go command's process.
func (r *reader) file(name, path string) bool {
	if _, known := r.files[name]; known {
		return true
	}
	digest, info, err := r.memo.Digest(r.ctx, path)
	if err != nil || !r.settled(info) || !r.onLocal(info, path) {
		return false
	}
	r.files[name], r.paths[path] = digest, name
	return true
}
