package plan

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Pinner fixes the content of outside data.
type Pinner interface {
	Pin(ctx context.Context, s ref.SourceSlot) (ref.Pin, error)
}

// Request is what a plan is made from.
type Request struct {
	Program *graph.Program
	Params  any // the pipeline's parameters
	// StackDefaults is the lowest layer of every step's configuration.
	StackDefaults step.Config
	// Steps is the highest layer, by step name; "*" is for every step, below those named.
	Steps step.Configs
	// Catalog is where named artifacts are found. It may be nil for a graph that uses none.
	Catalog Catalog
	// Pinned are the artifacts that the run which is planned again was pinned to before: they are not looked for again.
	Pinned  []Use
	Options Options
}

// Make decides everything about a run: it finds the artifacts of earlier runs that it uses, fingerprints the steps, merges their
// configuration and pins their sources.
func Make(ctx context.Context, r Request, f fingerprint.Fingerprinter, pinner Pinner) (*Plan, error) {
	g := r.Program.Graph
	if err := checkSteps(g, r.Steps); err != nil {
		return nil, err
	}
	digest, err := g.Digest()
	if err != nil {
		return nil, err
	}
	params, err := codec.Canonical(r.Params)
	if err != nil {
		return nil, component.Errorf(component.Invalid, "pipeline %s: record the parameters: %w", g.Pipeline, err)
	}
	p := &Plan{
		Version: Version, Pipeline: g.Pipeline, Graph: digest, Params: params,
		Build: fingerprint.BuildSettings(), Steps: make([]Step, len(g.Nodes)), Options: r.Options,
	}
	if p.Options.OnFailure == "" {
		p.Options.OnFailure = Stop
	}
	if p.Uses, err = r.pinUses(ctx); err != nil {
		return nil, err
	}
	if err := checkUses(r.Program, p.Uses); err != nil {
		return nil, err
	}
	pins := pinCache{pinner: pinner, known: map[string]ref.Pin{}}
	for i := range g.Nodes {
		if p.Steps[i], err = makeStep(ctx, r, i, f, &pins); err != nil {
			return nil, fmt.Errorf("step %s: %w", g.Nodes[i].Name, err)
		}
	}
	return p, nil
}

func makeStep(ctx context.Context, r Request, i int, f fingerprint.Fingerprinter, pins *pinCache) (Step, error) {
	node, bind := &r.Program.Graph.Nodes[i], &r.Program.Bindings[i]
	s := Step{Name: node.Name, Wired: bind.Wired, Config: r.config(node.Name, bind.Config)}
	if node.Wait != nil {
		s.Config, s.Uncached = waiting(s.Config), "a person answers it each time"
	} else if err := s.code(ctx, bind, f); err != nil {
		return Step{}, err
	}
	for _, src := range bind.Sources {
		pin, err := pins.pin(ctx, src.Slot)
		if err != nil {
			return Step{}, fmt.Errorf("field %s: %w", src.Field, err)
		}
		s.Pins = append(s.Pins, Pin{Field: src.Field, Pin: pin})
	}
	return s, nil
}

// code fills in what is known of the step's function.
func (s *Step) code(ctx context.Context, bind *graph.Binding, f fingerprint.Fingerprinter) error {
	about, err := fingerprint.FuncOf(bind.Func)
	if err != nil {
		return err
	}
	fp, err := f.Fingerprint(ctx, bind.Func, bind.Wired)
	if err != nil {
		return fmt.Errorf("fingerprint its code: %w", err)
	}
	s.Func, s.Fingerprint, s.Mode = about.Name, fp.Digest, string(fp.Mode)
	s.Uncached = uncached(s.Config, fp.Captured)
	return nil
}

// waiting is the configuration of a step that waits for a person: it asks when everything upstream is recorded, and what is said of attempts
// concerns it not.
func waiting(c step.Config) step.Config {
	return step.Config{Timeout: c.Timeout, Cache: step.Never, External: step.On}
}

// config merges the layers: stack, pipeline, step, run.
func (r Request) config(name string, own step.Config) step.Config {
	c := r.Program.Defaults.Merge(r.StackDefaults)
	c = own.Merge(c)
	c = r.Steps["*"].Merge(c)
	return r.Steps[name].Merge(c).Resolved()
}

func uncached(c step.Config, captured string) string {
	switch {
	case c.Cache.Mode == step.CacheNever:
		return "its cache policy is never"
	case captured != "" && c.Version == "" && c.Cache.Mode != step.CachePure:
		return captured + ": name its state with step.Config{Version: ...}, or assert that it cannot matter with Cache: step.Pure"
	}
	return ""
}

// checkSteps refuses configuration for steps that do not exist, or that it cannot mean anything to.
func checkSteps(g *graph.Graph, steps step.Configs) error {
	nodes := make(map[string]*graph.Node, len(g.Nodes))
	for i := range g.Nodes {
		nodes[g.Nodes[i].Name] = &g.Nodes[i]
	}
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		c, n := steps[name], nodes[name]
		switch {
		case name == "*":
		case n == nil:
			known := slices.Sorted(maps.Keys(nodes))
			return component.Errorf(component.Invalid, "steps: pipeline %s has no step %q; its steps are %s", g.Pipeline, name, strings.Join(known[:min(20, len(known))], ", "))
		case n.Wait != nil && !reflect.DeepEqual(c, step.Config{Timeout: c.Timeout}):
			return component.Errorf(component.Invalid, "steps: step %s waits for a person and runs no code: only its timeout can be set", name)
		}
	}
	return nil
}

// pinCache pins each location once per run, so that two steps see the same content.
type pinCache struct {
	pinner Pinner
	known  map[string]ref.Pin
}

func (c *pinCache) pin(ctx context.Context, s ref.SourceSlot) (ref.Pin, error) {
	if s.Data != nil { // two sources from bytes may share a name
		return c.pinner.Pin(ctx, s)
	}
	if p, ok := c.known[s.URI]; ok {
		return p, nil
	}
	p, err := c.pinner.Pin(ctx, s)
	if err == nil {
		c.known[s.URI] = p
	}
	return p, err
}
