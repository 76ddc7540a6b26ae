package why

import "github.com/tenon-ml/tenon/metadata"

// Kind says what a difference is in.
type Kind string

// The kinds, in the order in which differences are listed.
const (
	InCode    Kind = "code"
	InParam   Kind = "parameter"
	InVersion Kind = "version"
	InBuild   Kind = "build"
	InSource  Kind = "source"
	InInput   Kind = "input"
	InOutput  Kind = "output"
)

// Difference is one thing in which two cache keys differ.
type Difference struct {
	Kind Kind `json:"kind"`
	// Name of the parameter, setting, source, input or output; empty for the code and the version.
	Name string `json:"name,omitempty"`
	// Old and New are what it was and is, shortened for people; empty if there is none, or for an input that is not known yet.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Decls are the declarations that changed, and what else code is made of; empty if the parts of one side are not known.
	Decls []Decl `json:"declarations,omitempty"`
	// OldStep and NewStep produced an input.
	OldStep *metadata.StepKey `json:"old_step,omitempty"`
	NewStep *metadata.StepKey `json:"new_step,omitempty"`
	// Unknown says that an input is not known yet: it may turn out to be the same.
	Unknown bool `json:"unknown,omitempty"`

	note string // about code of which no declaration is known
}

// Change is how a declaration changed.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Decl is a declaration that changed, or something else that the code of a step is made of, such as the version of a module.
type Decl struct {
	Change Change `json:"change"`
	Name   string `json:"name"`           // for people: "Scale", "features.Scale", "module example.com/lib v1.2.3"
	File   string `json:"file,omitempty"` // within the module: "features/features.go"; of the new one, unless it was removed
	Line   int    `json:"line,omitempty"`
}

// Field names what differs: "code", "parameter LR", "input Rows".
func (d Difference) Field() string { panic("TODO") }

// String is one line: "features.go:41 Scale changed", "parameter LR 0.1 → 0.2", "input Rows from step load".
func (d Difference) String() string { panic("TODO") }

// String is one line: "features.go:41 Scale changed".
func (d Decl) String() string { panic("TODO") }

// Compare lists how two keys differ: in code, parameters, version, build, sources, inputs and outputs. It is empty exactly if the keys are
// the same, as far as the facts are known; an input that is not known yet is a difference.
func Compare(before, after Facts) []Difference { panic("TODO") }
