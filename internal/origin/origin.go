// Package origin says which source a program was built from.
package origin

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// Revision of a source in its version control. The zero value is not known.
type Revision struct {
	ID string // of the commit
	// Modified says that the source differed from that commit, or that nobody can tell.
	Modified bool
}

// Of returns the revision of the program that info describes, whose executable is at path and which runs in dir. The go command writes it into
// what it builds. Of what "go run" builds it does not: that is the working tree at the moment, and its commit the one that is checked out, if dir is
// within the program's module.
func Of(info *debug.BuildInfo, path, dir string) Revision {
	var r Revision
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.ID = s.Value
		case "vcs.modified":
			r.Modified = s.Value == "true"
		}
	}
	if r.ID != "" || !ByGoRun(path) {
		return r
	}
	if m, ok := ModuleOf(dir); !ok || m.Path != info.Main.Path {
		return Revision{}
	}
	id, ok := Head(dir)
	return Revision{ID: id, Modified: ok}
}

// ByGoRun reports whether an executable is in a temporary directory of the go command, or in its cache. It may still be there when "go run" has
// ended, but what it runs as then is a program whose source is not known.
func ByGoRun(path string) bool {
	dir := filepath.Dir(path)
	cached, inCache := strings.CutSuffix(filepath.Base(dir), "-d")
	if inCache && len(cached) == 2*sha256.Size && strings.Trim(cached, hexDigits) == "" {
		return true
	}
	return filepath.Base(dir) == "exe" && strings.HasPrefix(filepath.Base(filepath.Dir(filepath.Dir(dir))), "go-build")
}

// Module is a Go module on this machine.
type Module struct {
	Path string // that other modules import it by
	Dir  string // absolute
}

// ModuleOf returns the module that a directory belongs to.
func ModuleOf(dir string) (Module, bool) {
	root, ok := above(dir, "go.mod")
	if !ok {
		return Module{}, false
	}
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return Module{}, false
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "//")
		if words := strings.Fields(line); len(words) == 2 && words[0] == "module" {
			return Module{Path: strings.Trim(words[1], "\"`"), Dir: root}, true
		}
	}
	return Module{}, false
}

// above returns the nearest directory, dir or one that holds it, which has an entry of a name.
func above(dir, name string) (string, bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}
