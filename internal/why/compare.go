package why

import (
	"maps"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/metadata"
)

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
	// Note says, of code, what there is to say if no declaration is known.
	Note string `json:"note,omitempty"`
	// OldStep and NewStep produced an input.
	OldStep *metadata.StepKey `json:"old_step,omitempty"`
	NewStep *metadata.StepKey `json:"new_step,omitempty"`
	// Unknown says that an input is not known yet: it may turn out to be the same.
	Unknown bool `json:"unknown,omitempty"`
}

// Field names what differs: "code", "parameter LR", "input Rows".
func (d Difference) Field() string {
	if d.Name == "" {
		return string(d.Kind)
	}
	return string(d.Kind) + " " + d.Name
}

// String is one line: "features.go:41 Scale changed", "parameter LR 0.1 → 0.2", "input Rows from step load".
func (d Difference) String() string {
	switch {
	case len(d.Decls) > 0:
		text := d.Decls[0].String()
		if more := len(d.Decls) - 1; more > 0 {
			text += " and " + number(more) + " more"
		}
		return text
	case d.Note != "":
		return d.Note
	case d.Kind == InInput && d.Unknown && d.NewStep != nil:
		return d.Field() + " is not known before step " + element(*d.NewStep) + " has run"
	case d.Kind == InInput && d.Unknown:
		return d.Field() + " is not known yet"
	case d.Kind == InInput && d.Old != "" && d.New != "" && d.NewStep != nil:
		return d.Field() + " from step " + element(*d.NewStep)
	case d.Old == "":
		return d.Field() + " added: " + d.New
	case d.New == "":
		return d.Field() + " removed: " + d.Old
	}
	return d.Field() + " " + d.Old + " → " + d.New
}

// Compare lists how two keys differ: in code, parameters, version, build, sources, inputs and outputs. It is empty exactly if the keys are
// the same, as far as the facts are known; an input that is not known yet is a difference.
func Compare(before, after Facts) []Difference {
	diffs := compareCode(before.Code, after.Code)
	diffs = append(diffs, named(InParam, paramValues(before.Params), paramValues(after.Params))...)
	if before.Version != after.Version {
		diffs = append(diffs, Difference{Kind: InVersion, Old: shown(before.Version), New: shown(after.Version)})
	}
	diffs = append(diffs, named(InBuild, buildValues(before.Build), buildValues(after.Build))...)
	diffs = append(diffs, named(InSource, sourceValues(before), sourceValues(after))...)
	diffs = append(diffs, compareInputs(before, after)...)
	return append(diffs, named(InOutput, outputValues(before.Outputs), outputValues(after.Outputs))...)
}

// value is what a key holds, and how it is shown.
type value struct{ name, exact, shown string }

// named compares what has names, in the order in which the key holds it. What is in another order is in another key.
func named(kind Kind, before, after []value) []Difference {
	olds, news := byName(before), byName(after)
	var diffs []Difference
	for _, v := range after {
		old, ok := olds[v.name]
		switch {
		case !ok:
			diffs = append(diffs, Difference{Kind: kind, Name: v.name, New: v.shown})
		case old.exact != v.exact:
			diffs = append(diffs, changed(kind, old, v))
		}
	}
	for _, v := range before {
		if _, ok := news[v.name]; !ok {
			diffs = append(diffs, Difference{Kind: kind, Name: v.name, Old: v.shown})
		}
	}
	if len(diffs) == 0 {
		return reordered(kind, names(before), names(after))
	}
	return diffs
}

// reordered compares the order of what is the same otherwise.
func reordered(kind Kind, before, after []string) []Difference {
	if slices.Equal(before, after) {
		return nil
	}
	return []Difference{{Kind: kind, Name: "order", Old: shown(strings.Join(before, ", ")), New: shown(strings.Join(after, ", "))}}
}

// changed shows more of two values that look alike.
func changed(kind Kind, before, after value) Difference {
	d := Difference{Kind: kind, Name: after.name, Old: before.shown, New: after.shown}
	if d.Old == d.New {
		d.Old, d.New = apart(before.exact, after.exact)
	}
	return d
}

func byName(values []value) map[string]value {
	m := make(map[string]value, len(values))
	for _, v := range values {
		m[v.name] = v
	}
	return m
}

func names(values []value) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = v.name
	}
	return all
}

func paramValues(params []graph.Param) []value {
	all := make([]value, len(params))
	for i, p := range params {
		all[i] = value{p.Name, p.Type + " " + string(p.Value), shown(string(p.Value))}
	}
	return all
}

func buildValues(settings []string) []value {
	all := make([]value, len(settings))
	for i, s := range settings {
		name, v, _ := strings.Cut(s, "=")
		all[i] = value{name, v, shown(v)}
	}
	return all
}

func sourceValues(f Facts) []value {
	all := make([]value, len(f.Sources))
	for i, s := range f.Sources {
		all[i] = value{s.Field, s.Digest, shortDigest(s.Digest)}
	}
	return all
}

func outputValues(outputs []graph.Output) []value {
	all := make([]value, len(outputs))
	for i, o := range outputs {
		all[i] = value{o.Name, o.Codec + " " + o.Type, shown(o.Type + ", " + o.Codec)}
	}
	return all
}

func compareInputs(before, after Facts) []Difference {
	olds := make(map[string]*Input, len(before.Inputs))
	for i := range before.Inputs {
		olds[before.Inputs[i].Name] = &before.Inputs[i]
	}
	var diffs []Difference
	for i := range after.Inputs {
		in := &after.Inputs[i]
		old, ok := olds[in.Name]
		delete(olds, in.Name)
		if ok && sameInput(old, in) {
			continue
		}
		d := Difference{Kind: InInput, Name: in.Name, New: shortDigest(string(in.Digest)), NewStep: in.Step, Unknown: in.Digest == ""}
		if ok {
			d.Old, d.OldStep, d.Unknown = shortDigest(string(old.Digest)), old.Step, d.Unknown || old.Digest == ""
		}
		if d.Old == d.New && ok && !d.Unknown {
			d.Old, d.New = apart(old.content(), in.content())
		}
		diffs = append(diffs, d)
	}
	for _, name := range slices.Sorted(maps.Keys(olds)) {
		diffs = append(diffs, Difference{Kind: InInput, Name: name, Old: shortDigest(string(olds[name].Digest)), OldStep: olds[name].Step})
	}
	if len(diffs) == 0 {
		return reordered(InInput, inputNames(before), inputNames(after))
	}
	return diffs
}

func inputNames(f Facts) []string {
	all := make([]string, len(f.Inputs))
	for i := range f.Inputs {
		all[i] = f.Inputs[i].Name
	}
	return all
}

// sameInput compares by what both sides know.
func sameInput(a, b *Input) bool {
	if a.Digest == "" || a.Digest != b.Digest {
		return false
	}
	return a.Identity == "" || b.Identity == "" || a.Identity == b.Identity
}

func (in *Input) content() string {
	if in.Identity != "" {
		return in.Identity
	}
	return string(in.Digest)
}
