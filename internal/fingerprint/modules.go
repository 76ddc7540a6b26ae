package fingerprint

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// layout says where the modules of a program are that are used from disk.
type layout struct {
	root string   // of the main module
	work string   // the go.work file; "" without one
	uses []string // directories that go.work names
	// vendor is the directory that holds copies of other modules, "" without one. Whether the go command took them from there is told by the
	// sums that it did not record.
	vendor string
}

// findLayout finds the main module of a program that the go command built in dir.
func findLayout(dir, mainPath string) (layout, bool) {
	l := layout{work: workspace(dir)}
	if l.work != "" {
		data, err := os.ReadFile(l.work)
		if err != nil {
			return layout{}, false
		}
		l.uses = directories(data, filepath.Dir(l.work))
	}
	ok := true
	if root, path := enclosingModule(dir); path == mainPath && path != "" {
		l.root = root
	} else {
		l.root, ok = oneModule(l.uses, mainPath)
	}
	base := l.root
	if l.work != "" {
		base = filepath.Dir(l.work)
	}
	if _, err := os.Lstat(filepath.Join(base, "vendor", "modules.txt")); err == nil {
		l.vendor = filepath.Join(base, "vendor")
	}
	return l, ok
}

// vendored returns the directory that holds the copy of a module, or "".
func (l layout) vendored(dep *debug.Module) string {
	if l.vendor == "" {
		return ""
	}
	dir := filepath.Join(l.vendor, filepath.FromSlash(dep.Path))
	if _, err := os.Lstat(dir); err != nil {
		return ""
	}
	return dir
}

// local returns the directory of a module that is used from disk: replaced by a directory, or part of the workspace.
func (l layout) local(dep *debug.Module) (string, bool) {
	if dep.Replace == nil {
		return oneModule(l.uses, dep.Path)
	}
	if filepath.IsAbs(dep.Replace.Path) {
		return oneModule([]string{dep.Replace.Path}, dep.Path)
	}
	bases := []string{l.root}
	if l.work != "" { // the directive may be in any file of the workspace
		bases = append(append(bases, filepath.Dir(l.work)), l.uses...)
	}
	dirs := make([]string, len(bases))
	for i, base := range bases {
		dirs[i] = filepath.Join(base, dep.Replace.Path)
	}
	return oneModule(dirs, dep.Path)
}

// oneModule returns the directory that holds the module with the given path, if exactly one does.
func oneModule(dirs []string, path string) (string, bool) {
	found := map[string]bool{}
	last := ""
	for _, dir := range dirs {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || modulePath(mod) != path {
			continue
		}
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", false
		}
		found[dir], last = true, dir
	}
	return last, len(found) == 1
}

// enclosingModule walks up from dir to a go.mod and returns its directory and module path.
func enclosingModule(dir string) (root, path string) {
	for {
		if data, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			return dir, modulePath(data)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", ""
		}
		dir = parent
	}
}

func modulePath(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		line, _, _ = strings.Cut(line, "//")
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.Trim(strings.TrimSpace(path), "\"`")
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

// directories returns every word of a go.work file as a directory. "use" and "replace" directives hold directories; whatever else is no
// module's root.
func directories(work []byte, base string) []string {
	var dirs []string
	for line := range strings.Lines(string(work)) {
		line, _, _ = strings.Cut(line, "//")
		for _, word := range strings.Fields(line) {
			dir := strings.Trim(word, "\"`")
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(base, dir)
			}
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
