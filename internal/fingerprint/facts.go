package fingerprint

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// facts is what must be known of a Go file to know what else its package is built from.
type facts struct {
	Embeds  []string `json:"embeds,omitempty"`  // patterns of go:embed directives
	Unclear bool     `json:"unclear,omitempty"` // it imports C, or cannot be read for certain
}

// factsOf reads them from a file's source. Most files are not parsed.
func factsOf(src []byte) facts {
	text := string(src)
	cgo, embed := strings.Contains(text, `"C"`) || strings.Contains(text, "`C`"), strings.Contains(text, "//go:embed")
	if !cgo && !embed {
		return facts{}
	}
	mode := parser.ImportsOnly
	if embed {
		mode = parser.ParseComments
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", src, mode|parser.SkipObjectResolution)
	if err != nil || slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return strings.Trim(i.Path.Value, "\"`") == "C" }) {
		return facts{Unclear: true}
	}
	var f facts
	for _, group := range file.Comments {
		for _, c := range group.List {
			list, ok := strings.CutPrefix(c.Text, "//go:embed")
			if !ok || list == "" || list[0] != ' ' && list[0] != '\t' {
				continue
			}
			if strings.ContainsAny(list, "\"`") { // quoted patterns may hold spaces; rare enough to leave to the executable
				return facts{Unclear: true}
			}
			f.Embeds = append(f.Embeds, strings.Fields(list)...)
		}
	}
	return f
}

// factMemo remembers facts by the digest of the file, so that unchanged files are not read again. One that cannot be read or
// written costs time, and is no error.
type factMemo struct {
	path  string           // "" remembers nothing
	known map[string]facts // nil until needed
	fresh map[string]facts
	trees []string // that were too fresh, the newest last
	dirty bool
}

// factVersion changes with what factsOf finds.
const factVersion = 2

type factFile struct {
	Version int              `json:"version"`
	Files   map[string]facts `json:"files"` // by digest
	Trees   []string         `json:"trees,omitempty"`
}

func newFactMemo(path string) *factMemo { return &factMemo{path: path, fresh: map[string]facts{}} }

// of returns the facts of a file with the given content, which is read at path if it is new.
func (m *factMemo) of(digest, path string) (facts, error) {
	m.load()
	f, ok := m.known[digest]
	if !ok {
		src, err := os.ReadFile(path)
		if err != nil {
			return facts{}, err
		}
		if hashOf(src) != digest {
			return facts{Unclear: true}, nil
		}
		f, m.dirty = factsOf(src), true
	}
	m.fresh[digest] = f
	return f, nil
}

func (m *factMemo) load() {
	if m.known != nil {
		return
	}
	m.known = map[string]facts{}
	if m.path == "" {
		return
	}
	var stored factFile
	if data, err := os.ReadFile(m.path); err == nil && json.Unmarshal(data, &stored) == nil && stored.Version == factVersion && stored.Files != nil {
		m.known, m.trees = stored.Files, stored.Trees
	}
}

// tooFresh reports whether the tree with the given digest is or once was too fresh to be certain, and remembers it if it is.
func (m *factMemo) tooFresh(tree string, now bool) bool {
	const keep = 100
	if slices.Contains(m.trees, tree) {
		return true
	}
	if now {
		m.trees, m.dirty = append(m.trees, tree), true
		m.trees = m.trees[max(0, len(m.trees)-keep):]
	}
	return now
}

// save writes what this process saw beside what others remembered, atomically.
func (m *factMemo) save() {
	const keep = 20_000 // files that were not seen now
	if m.path == "" || !m.dirty {
		return
	}
	if len(m.known) > keep {
		clear(m.known)
	}
	for digest, f := range m.fresh {
		m.known[digest] = f
	}
	data, err := json.Marshal(factFile{factVersion, m.known, m.trees})
	if err != nil || os.MkdirAll(filepath.Dir(m.path), 0o700) != nil {
		return
	}
	temp, err := os.CreateTemp(filepath.Dir(m.path), "facts-*")
	if err != nil {
		return
	}
	_, err = temp.Write(data)
	if closeErr := temp.Close(); err != nil || closeErr != nil || os.Rename(temp.Name(), m.path) != nil {
		os.Remove(temp.Name())
		return
	}
	m.dirty = false
}
