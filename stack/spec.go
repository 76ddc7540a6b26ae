package stack

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/deployer"
	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/registry"
	"github.com/tenon-ml/tenon/secrets"
	"github.com/tenon-ml/tenon/tracker"
)

// DefaultName is the name of the default stack.
const DefaultName = "default"

// Spec is a stack as it is written down. [Parse] and [Default] make one; the zero value is no stack.
type Spec struct {
	Name string
	// Components in the order of [Kinds], at most one of each kind.
	Components []Component
}

// Component is one component of a [Spec].
type Component struct {
	Kind   string // one of Kinds
	Flavor string
	// The places in the document, for errors; zero in a Spec made in Go.
	flavorAt, config strictyaml.Node
}

// Config returns the configuration as it was written, without the flavor's defaults: maps, lists and scalars; nil if there is none.
func (c Component) Config() map[string]any {
	var out map[string]any
	_ = c.config.Decode(&out) // Parse has decoded it before
	return out
}

// Kinds returns the kinds of components that a stack may have, in the order in which they are written.
func Kinds() []string {
	return []string{
		orchestrator.Kind.String(), artifact.Kind.String(), registry.Kind.String(), secrets.Kind.String(),
		tracker.Kind.String(), deployer.Kind.String(),
	}
}

// Default returns the stack of a program that was told nothing: the flavors named "local", with their defaults.
func Default() Spec {
	return Spec{Name: DefaultName, Components: []Component{
		{Kind: orchestrator.Kind.String(), Flavor: "local"},
		{Kind: artifact.Kind.String(), Flavor: "local"},
	}}
}

// defaultText is [Default] in its canonical form. It is what most workers read, and the first use of a YAML parser takes a process 0.3 ms.
const defaultText = "name: default\norchestrator:\n  flavor: local\nartifact_store:\n  flavor: local\n"

// document is the form of a stack file. Its parts are nodes, so that mistakes in one do not hide those in another.
type document struct {
	Name          strictyaml.Node `yaml:"name"`
	Orchestrator  strictyaml.Node `yaml:"orchestrator"`
	Artifacts     strictyaml.Node `yaml:"artifact_store"`
	Registry      strictyaml.Node `yaml:"registry"`
	Secrets       strictyaml.Node `yaml:"secrets"`
	Tracker       strictyaml.Node `yaml:"tracker"`
	Deployer      strictyaml.Node `yaml:"deployer"`
	StepOperators strictyaml.Node `yaml:"step_operators"`
}

// Parse reads a stack from YAML. Source names the document in errors. It checks all that can be checked without knowing flavors.
// The error's code is Invalid; it has one line for each problem.
func Parse(data []byte, source string) (Spec, error) {
	if string(data) == defaultText {
		return Default(), nil
	}
	root, err := strictyaml.Parse(data, source)
	if err != nil {
		return Spec{}, invalid(err)
	}
	var doc document
	var spec Spec
	err = root.DecodeRest(&doc)
	errs := []error{err}
	complete := err == nil // or else what seems to be missing is there, and wrong
	if doc.Name.IsZero() {
		if complete {
			errs = append(errs, root.Errorf("has no name: begin with a line such as \"name: production\""))
		}
	} else if err := doc.Name.Decode(&spec.Name); err != nil {
		errs = append(errs, err)
	} else if err := checkName(spec.Name); err != nil {
		errs = append(errs, doc.Name.Errorf("%v", err))
	}
	nodes := []strictyaml.Node{doc.Orchestrator, doc.Artifacts, doc.Registry, doc.Secrets, doc.Tracker, doc.Deployer}
	for i, kind := range Kinds() {
		if nodes[i].IsZero() {
			continue
		}
		c, err := parseComponent(kind, nodes[i])
		errs = append(errs, err)
		spec.Components = append(spec.Components, c)
	}
	for i, kind := range []string{orchestrator.Kind.String(), artifact.Kind.String()} {
		if complete && nodes[i].IsZero() {
			errs = append(errs, root.Errorf("has no %s: every stack needs one, such as \"%s: {flavor: local}\"", kind, kind))
		}
	}
	if !doc.StepOperators.IsZero() {
		errs = append(errs, doc.StepOperators.Errorf("not supported by this version: leave it out"))
	}
	if err := strictyaml.Join(errs...); err != nil {
		return Spec{}, invalid(err)
	}
	return spec, nil
}

func parseComponent(kind string, n strictyaml.Node) (Component, error) {
	var entry struct {
		Flavor strictyaml.Node `yaml:"flavor"`
		Config strictyaml.Node `yaml:"config"`
	}
	c := Component{Kind: kind}
	err := n.DecodeRest(&entry)
	if name := ""; err != nil && n.Decode(&name) == nil {
		return c, n.Errorf("want {flavor: %s}, got %q", name, name)
	}
	if err != nil && entry.Flavor.IsZero() {
		return c, err
	} else if entry.Flavor.IsZero() {
		return c, n.Errorf("names no flavor: want {flavor: NAME} or {flavor: NAME, config: {...}}")
	} else if err := strictyaml.Join(err, entry.Flavor.Decode(&c.Flavor)); err != nil {
		return c, err
	}
	var config map[string]any
	c.flavorAt, c.config = entry.Flavor, entry.Config
	return c, c.config.Decode(&config)
}

// invalid gives an error the code Invalid.
func invalid(err error) error { return component.Errorf(component.Invalid, "%w", err) }

// With returns a copy of s in which the component of a kind has the given flavor and configuration, which holds maps, lists and
// scalars and may be nil; an empty flavor takes the component out. The error's code is Invalid.
func (s Spec) With(kind, flavor string, config map[string]any) (Spec, error) {
	if !slices.Contains(Kinds(), kind) {
		return Spec{}, invalid(unknownKind(kind))
	}
	s.Components = slices.DeleteFunc(slices.Clone(s.Components), func(c Component) bool { return c.Kind == kind })
	if flavor == "" {
		return s, nil
	}
	c := Component{Kind: kind, Flavor: flavor}
	if len(config) > 0 {
		text, err := strictyaml.Encode(config)
		if err != nil {
			return Spec{}, component.Errorf(component.Invalid, "%s: config: %w", kind, err)
		}
		if c.config, err = strictyaml.Parse(text, kind); err != nil {
			return Spec{}, invalid(err)
		}
	}
	s.Components = append(s.Components, c)
	slices.SortFunc(s.Components, func(a, b Component) int {
		return cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind))
	})
	return s, nil
}

func unknownKind(kind string) error {
	return fmt.Errorf("%.80s: unknown kind: %s", kind, strictyaml.Suggest(kind, Kinds()))
}

// YAML returns s in its canonical form: kinds in the order of [Kinds], keys of configurations in alphabetical order. [Parse]
// makes the same stack of it.
func (s Spec) YAML() []byte {
	doc := []strictyaml.Pair{{Key: "name", Value: s.Name}}
	for _, kind := range Kinds() {
		for _, c := range s.Components {
			if c.Kind != kind {
				continue
			}
			entry := []strictyaml.Pair{{Key: "flavor", Value: c.Flavor}}
			if config := c.Config(); len(config) > 0 {
				entry = append(entry, strictyaml.Pair{Key: "config", Value: config})
			}
			doc = append(doc, strictyaml.Pair{Key: kind, Value: entry})
		}
	}
	out, err := strictyaml.Encode(doc)
	if err != nil { // names that are not UTF-8, which Validate refuses
		return fmt.Appendf(nil, "# %v\n", err)
	}
	return out
}
