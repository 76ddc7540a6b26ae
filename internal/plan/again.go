package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
)

// Parse reads a recorded plan. The error's code is Corrupt, or Unsupported for another version.
func Parse(data []byte) (*Plan, error) {
	p := &Plan{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, component.Errorf(component.Corrupt, "plan: %w", err)
	}
	if p.Version != Version {
		return nil, component.Errorf(component.Unsupported, "plan: version %d is not supported, want %d: use a matching version of Tenon", p.Version, Version)
	}
	return p, nil
}

// Again makes the plan with which a run goes on that was planned before: everything stays decided, but for the code, which is that of this
// program. It returns what of the code has changed, one line for each change. A graph that has changed is refused with
// FailedPrecondition.
func Again(ctx context.Context, old *Plan, program *graph.Program, f fingerprint.Fingerprinter) (p *Plan, changes []string, err error) {
	digest, err := program.Graph.Digest()
	if err != nil {
		return nil, nil, err
	}
	if digest != old.Graph || len(old.Steps) != len(program.Graph.Nodes) {
		return nil, nil, component.Errorf(component.FailedPrecondition, "its graph is not what this program builds from the same parameters%s", moved(old, program.Graph))
	}
	again := *old
	again.Steps = slices.Clone(old.Steps)
	again.Build = fingerprint.BuildSettings()
	if !slices.Equal(again.Build, old.Build) {
		changes = append(changes, fmt.Sprintf("the build settings changed from %s to %s", strings.Join(old.Build, " "), strings.Join(again.Build, " ")))
	}
	for i := range again.Steps {
		s := &again.Steps[i]
		if program.Graph.Nodes[i].Wait != nil {
			continue
		}
		if err := s.code(ctx, &program.Bindings[i], f); err != nil {
			return nil, nil, fmt.Errorf("step %s: %w", s.Name, err)
		}
		s.Wired = program.Bindings[i].Wired
		switch was := old.Steps[i]; {
		case s.Mode != was.Mode:
			changes = append(changes, fmt.Sprintf("step %s: its code is known by %s now, and was by %s", s.Name, s.Mode, was.Mode))
		case s.Fingerprint != was.Fingerprint:
			changes = append(changes, fmt.Sprintf("step %s: its code changed (%s)", s.Name, s.Func))
		}
	}
	return &again, changes, nil
}

// moved names steps that came or went.
func moved(old *Plan, g *graph.Graph) string {
	var was, is, gone, came []string
	for _, s := range old.Steps {
		was = append(was, s.Name)
	}
	for i := range g.Nodes {
		is = append(is, g.Nodes[i].Name)
	}
	for _, name := range was {
		if !slices.Contains(is, name) {
			gone = append(gone, name)
		}
	}
	for _, name := range is {
		if !slices.Contains(was, name) {
			came = append(came, name)
		}
	}
	var parts []string
	if len(came) > 0 {
		parts = append(parts, "new: "+strings.Join(came, ", "))
	}
	if len(gone) > 0 {
		parts = append(parts, "gone: "+strings.Join(gone, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}
