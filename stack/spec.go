package stack

import (
	"github.com/goccy/go-yaml"

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
	root, err := strictyaml.Parse(data, source)
	if err != nil {
		return Spec{}, invalid(err)
	}
	var doc document
	var spec Spec
	errs := []error{root.DecodeRest(&doc)}
	if doc.Name.IsZero() {
		errs = append(errs, root.Errorf("has no name: begin with a line such as \"name: production\""))
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
		if nodes[i].IsZero() {
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
	if err := n.DecodeRest(&entry); err != nil && entry.Flavor.IsZero() {
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

// YAML returns s in its canonical form: kinds in the order of [Kinds], keys of configurations in alphabetical order. [Parse]
// makes the same stack of it.
func (s Spec) YAML() []byte {
	doc := yaml.MapSlice{{Key: "name", Value: s.Name}}
	for _, kind := range Kinds() {
		for _, c := range s.Components {
			if c.Kind != kind {
				continue
			}
			entry := yaml.MapSlice{{Key: "flavor", Value: c.Flavor}}
			if config := c.Config(); len(config) > 0 {
				entry = append(entry, yaml.MapItem{Key: "config", Value: config})
			}
			doc = append(doc, yaml.MapItem{Key: kind, Value: entry})
		}
	}
	out, err := yaml.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return out
}
