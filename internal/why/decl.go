package why

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/internal/fingerprint"
)

// Change is how a declaration changed.
type Change string

// The changes.
const (
	Changed Change = "changed"
	Added   Change = "added"   // the step reaches it now
	Removed Change = "removed" // the step reaches it no longer
)

// Decl is a declaration that changed, or something else that the code of a step is made of, such as the version of a module.
type Decl struct {
	Change Change `json:"change"`
	Name   string `json:"name"`           // for people: "Scale", "features.Scale", "module example.com/lib v1.2.3"
	File   string `json:"file,omitempty"` // within the module: "features/features.go"; the new one, unless it was removed
	Line   int    `json:"line,omitempty"`
}

// At is where the declaration is: "features.go:41"; empty if it is none.
func (d Decl) At() string {
	if d.File == "" || d.Line == 0 {
		return d.File
	}
	return d.File + ":" + number(d.Line)
}

// String is one line: "features.go:41 Scale changed".
func (d Decl) String() string {
	text := d.Name + " " + string(d.Change)
	if at := d.At(); at != "" && at != d.Name {
		return at + " " + text
	}
	return text
}

// compareCode says how the code of a step changed.
func compareCode(before, after Code) []Difference {
	if before.Mode == after.Mode && before.Fingerprint == after.Fingerprint {
		return nil
	}
	d := Difference{Kind: InCode, Old: shortDigest(before.Fingerprint), New: shortDigest(after.Fingerprint)}
	switch {
	case before.Mode == "" || after.Mode == "":
		d.Note = "one of the two runs no code, but waits for a person"
	case before.Mode != after.Mode:
		d.Note = "the code is known by " + modeText(after.Mode) + " now, and was by " + modeText(before.Mode)
	case after.Mode == fingerprint.ModeExecutable:
		d.Note = `the executable changed ("go run" sees single declarations)`
	case before.Parts == nil || after.Parts == nil:
		d.Note = "the code changed (which declaration is not recorded)"
	default:
		if d.Decls = Decls(before.Parts, after.Parts); d.Decls == nil {
			d.Note = "the step is another function now, or one of another program"
		}
	}
	return []Difference{d}
}

func modeText(m fingerprint.Mode) string {
	if m == fingerprint.ModeSource {
		return "its source"
	}
	return "the executable"
}

// Decls lists how what two fingerprints are made of differs: declarations that changed first, what is no declaration last.
func Decls(before, after []fingerprint.Part) []Decl {
	root := cmp.Or(moduleOf(after), moduleOf(before))
	var decls []Decl
	for _, c := range fingerprint.Compare(before, after) {
		switch {
		case c.New == nil:
			decls = append(decls, declOf(Removed, *c.Old, root))
		case c.Old == nil:
			decls = append(decls, declOf(Added, *c.New, root))
		default:
			decls = append(decls, declOf(Changed, *c.New, root))
		}
	}
	decls = pairModules(decls)
	slices.SortStableFunc(decls, func(a, b Decl) int { return cmp.Compare(a.rank(), b.rank()) })
	return decls
}

func (d Decl) rank() int {
	if d.Line == 0 {
		return 3
	}
	return slices.Index([]Change{Changed, Added, Removed}, d.Change)
}

// moduleOf returns the path of the main module, or "".
func moduleOf(parts []fingerprint.Part) string {
	for _, p := range parts {
		if p.Line == 0 && path.Base(p.Name) == "go.mod" {
			return path.Dir(p.Name)
		}
	}
	return ""
}

func declOf(c Change, p fingerprint.Part, root string) Decl {
	d := Decl{Change: c, Name: p.Name, File: strings.TrimPrefix(p.File, root+"/"), Line: p.Line}
	if p.Line == 0 {
		d.Name = moduleName(strings.TrimPrefix(p.Name, root+"/"))
		return d
	}
	name, literal := strings.CutSuffix(p.Name, " func")
	if own, ok := strings.CutPrefix(name, root+"."); ok {
		name = own // of the package at the root, which most programs have only
	}
	d.Name = shown(path.Base(name))
	if literal {
		d.Name = "a function literal in " + d.Name
	}
	return d
}

// moduleName shortens the name of a part that is the version of a module, "module PATH@VERSION USED@VERSION SUM".
func moduleName(name string) string {
	words := strings.Fields(name)
	if len(words) != 4 || words[0] != "module" {
		return name
	}
	if words[1] == words[2] {
		words = words[:2]
	} else {
		words = []string{"module", words[1], "=>", words[2]}
	}
	return strings.Replace(strings.Join(words, " "), "@", " ", 1)
}

// pairModules makes one of a module that goes and comes in another version.
func pairModules(decls []Decl) []Decl {
	gone := map[string]int{}
	for i, d := range decls {
		if words := strings.Fields(d.Name); d.Change == Removed && len(words) > 2 && words[0] == "module" {
			gone[words[1]] = i
		}
	}
	paired := map[int]bool{}
	for i := range decls {
		d := &decls[i]
		words := strings.Fields(d.Name)
		if d.Change != Added || len(words) < 3 || words[0] != "module" {
			continue
		}
		if k, ok := gone[words[1]]; ok && !paired[k] {
			prefix := "module " + words[1] + " "
			d.Change, d.Name = Changed, decls[k].Name+" → "+strings.TrimPrefix(d.Name, prefix)
			paired[k] = true
		}
	}
	kept := decls[:0]
	for i, d := range decls {
		if !paired[i] {
			kept = append(kept, d)
		}
	}
	return kept
}
