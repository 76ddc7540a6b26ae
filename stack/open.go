package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/deployer"
	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/registry"
	"github.com/tenon-ml/tenon/secrets"
	"github.com/tenon-ml/tenon/tracker"
)

// Validate checks s against the flavors that a program has: that they exist, that each configuration decodes strictly over the
// flavor's defaults, and that the flavor accepts it. It opens nothing and does no I/O. The error's code is Invalid; it has one line
// for each problem.
func (s Spec) Validate(flavors []component.Flavor) error {
	_, err := s.resolve(flavors)
	return err
}

// Open validates s as [Spec.Validate] does, opens every component, and makes a stack of them. If one cannot be opened, or they do not
// fit together, it closes those that were. A nil env.Logger discards.
func Open(ctx context.Context, s Spec, flavors []component.Flavor, env component.Env) (Stack, error) {
	resolved, err := s.resolve(flavors)
	if err != nil {
		return nil, err
	}
	parts := Parts{Name: s.Name}
	for _, m := range parts.members() {
		r, ok := resolved[m.kind]
		if !ok {
			continue
		}
		if err := parts.open(ctx, m.kind, r, env); err != nil {
			return nil, errors.Join(component.Errorf(component.CodeOf(err), "stack %q: %w", s.Name, err), parts.close())
		}
	}
	stack, err := New(parts)
	if err != nil {
		return nil, errors.Join(err, parts.close())
	}
	return stack, nil
}

// OpenArtifacts validates s as [Spec.Validate] does, and opens its artifact store alone: all that a worker needs to move data.
func OpenArtifacts(ctx context.Context, s Spec, flavors []component.Flavor, env component.Env) (artifact.Store, error) {
	resolved, err := s.resolve(flavors)
	if err != nil {
		return nil, err
	}
	var parts Parts
	kind := artifact.Kind.String()
	if err := parts.open(ctx, kind, resolved[kind], env); err != nil {
		return nil, component.Errorf(component.CodeOf(err), "stack %q: %w", s.Name, err)
	}
	return parts.Artifacts, nil
}

// resolved is a component that is ready to be opened.
type resolved struct {
	flavor component.Flavor
	config any
}

func (p *Parts) open(ctx context.Context, kind string, r resolved, env component.Env) (err error) {
	switch kind {
	case orchestrator.Kind.String():
		p.Orchestrator, err = component.Open(ctx, r.flavor, orchestrator.Kind, r.config, env)
	case artifact.Kind.String():
		p.Artifacts, err = component.Open(ctx, r.flavor, artifact.Kind, r.config, env)
	case registry.Kind.String():
		p.Registry, err = component.Open(ctx, r.flavor, registry.Kind, r.config, env)
	case secrets.Kind.String():
		p.Secrets, err = component.Open(ctx, r.flavor, secrets.Kind, r.config, env)
	case tracker.Kind.String():
		p.Tracker, err = component.Open(ctx, r.flavor, tracker.Kind, r.config, env)
	case deployer.Kind.String():
		p.Deployer, err = component.Open(ctx, r.flavor, deployer.Kind, r.config, env)
	}
	return err
}

// resolve finds flavors and makes configurations, by kind.
func (s Spec) resolve(flavors []component.Flavor) (map[string]resolved, error) {
	var errs []error
	if err := checkName(s.Name); err != nil {
		errs = append(errs, fmt.Errorf("name: %w", err))
	}
	managed := slices.ContainsFunc(s.Components, func(c Component) bool { return c.Kind == secrets.Kind.String() })
	out := map[string]resolved{}
	for _, c := range s.Components {
		if _, twice := out[c.Kind]; twice {
			errs = append(errs, fmt.Errorf("%s: given twice", c.Kind))
			continue
		}
		if !slices.Contains(Kinds(), c.Kind) {
			errs = append(errs, unknownKind(c.Kind))
			continue
		}
		r, err := c.resolve(flavors, managed)
		errs = append(errs, err)
		out[c.Kind] = r
	}
	for _, m := range (Parts{}).members() {
		if _, ok := out[m.kind]; !ok && m.required {
			errs = append(errs, fmt.Errorf("has no %s: every stack needs one", m.kind))
		}
	}
	if err := strictyaml.Join(errs...); err != nil {
		return nil, invalid(err)
	}
	return out, nil
}

func (c Component) resolve(flavors []component.Flavor, managed bool) (resolved, error) {
	f, err := c.flavor(flavors)
	if err != nil {
		return resolved{}, err
	}
	config := f.Config()
	if err := c.references(managed); err != nil {
		return resolved{}, err
	}
	if err := c.config.Decode(config); err != nil {
		return resolved{}, err
	}
	return resolved{f, config}, c.accepted(config)
}

// flavor finds the component's flavor among those of the program.
func (c Component) flavor(flavors []component.Flavor) (component.Flavor, error) {
	var found []component.Flavor
	var known []string
	for _, f := range flavors {
		if f.Kind() != c.Kind {
			continue
		}
		known = append(known, f.Name())
		if f.Name() == c.Flavor {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		remedy := strictyaml.Suggest(c.Flavor, known)
		if c.Flavor != "" && strictyaml.Closest(c.Flavor, known) == "" {
			remedy += "; others are passed to tenon.Main or tenon.Open"
		}
		return component.Flavor{}, c.flavorAt.Errorf("this program has no %s flavor %q: %s", c.Kind, c.Flavor, remedy)
	default:
		return component.Flavor{}, c.flavorAt.Errorf("this program has %d %s flavors named %q: pass one of them", len(found), c.Kind, c.Flavor)
	}
}

// references refuses references to secrets, which nothing resolves yet: a component must not take one for the secret itself.
func (c Component) references(managed bool) error {
	text := "refers to a secret, which needs a secrets component: this stack has none"
	if managed {
		text = "refers to a secret: references are not supported by this version"
	}
	var errs []error
	for n, s := range c.config.Strings() {
		if strings.Contains(s, "${{") {
			errs = append(errs, n.Errorf("%s", text))
		}
	}
	return strictyaml.Join(errs...)
}

// accepted asks the configuration whether it is valid, and finds the place of what is not.
func (c Component) accepted(config any) error {
	v, ok := config.(component.Validator)
	if !ok {
		return nil
	}
	err := v.Validate()
	if err == nil {
		return nil
	}
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	for i, err := range errs {
		errs[i] = c.located(err)
	}
	return strictyaml.Join(errs...)
}

// located finds the place of an error that begins with the name of a field.
func (c Component) located(err error) error {
	field, text, _ := strings.Cut(err.Error(), ": ")
	if n, ok := c.config.At(field); ok && text != "" {
		return n.Errorf("%s", text)
	}
	if c.config.IsZero() {
		return c.flavorAt.Errorf("%s %q: %v", c.Kind, c.Flavor, err)
	}
	return c.config.Errorf("%v", err)
}
