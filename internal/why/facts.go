package why

import (
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
)

// Facts are all that the cache key of one task is made of.
type Facts struct {
	metadata.StepKey // Run is empty for a plan that is not run yet
	Code             Code
	Params           []graph.Param
	Version          string   // of step.Config
	Build            []string // "key=value", sorted
	Sources          []plan.Pin
	Inputs           []Input
	Outputs          []graph.Output
}

// Code is what is known of the code of a step.
type Code struct {
	Mode        fingerprint.Mode
	Fingerprint string
	Func        string // for people; no part of the key
	// Parts that the fingerprint is made of; nil if they are not known.
	Parts []fingerprint.Part
}

// Declarations is the number of declarations among the parts; 0 if they are not known.
func (c Code) Declarations() int {
	n := 0
	for _, p := range c.Parts {
		if p.Line > 0 {
			n++
		}
	}
	return n
}

// Input is one input of a task.
type Input struct {
	Name string
	// From is where the graph takes it from.
	From ref.Edge
	// Digest of its content; empty if it is not known yet.
	Digest artifact.Digest
	// Identity is what the key holds: it tells apart what has the same content and is not the same, such as files of different names. Empty
	// if only the digest is known.
	Identity string
	// Artifact is its ID; empty for a gathered list, an element of a list, and what is not known yet.
	Artifact string
	// Step that produced it, as far as that is known; its Run is empty for one of a plan that is not run yet.
	Step *metadata.StepKey
}

// Planned returns the facts of a task of a plan that is not run yet: of the step at the given place in the graph. Index is -1, or that of an
// element. Inputs are those that are known; others may be missing, or have no digest. Code may be nil.
func Planned(p *plan.Plan, g *graph.Graph, code *codedoc.Code, place, index int, inputs []metadata.Input) Facts {
	n := &g.Nodes[place]
	return factsOf(p, code, place, n, metadata.StepKey{Step: n.Name, Index: index}, inputs)
}

// factsOf returns the facts of a task of the i-th node. Of inputs, what the graph does not take from elsewhere is left out: sources.
func factsOf(p *plan.Plan, code *codedoc.Code, i int, n *graph.Node, key metadata.StepKey, inputs []metadata.Input) Facts {
	s := &p.Steps[i]
	f := Facts{
		StepKey: key, Params: n.Params, Version: s.Config.Version, Build: p.Build, Sources: s.Pins, Outputs: n.Outputs,
		Code: Code{Mode: fingerprint.Mode(s.Mode), Fingerprint: s.Fingerprint, Func: s.Func, Parts: code.Parts(s.Fingerprint)},
	}
	known := make(map[string]*metadata.Input, len(inputs))
	for k := range inputs {
		known[inputs[k].Name] = &inputs[k]
	}
	for _, in := range n.Inputs {
		input := Input{Name: in.Name, From: in.From, Step: maker(n, in.From, key)}
		if k := known[in.Name]; k != nil {
			input.Digest, input.Artifact = k.Digest, k.Artifact
		}
		f.Inputs = append(f.Inputs, input)
	}
	return f
}

// maker returns the step that an edge comes from, if the graph alone tells which one that is. An element of a list comes from the step that made
// the list.
func maker(n *graph.Node, e ref.Edge, key metadata.StepKey) *metadata.StepKey {
	if e.Item && n.Over != nil {
		e = *n.Over
	}
	if e.Node == "" {
		return nil
	}
	from := metadata.StepKey{Run: key.Run, Step: e.Node, Index: -1}
	if e.Each {
		from.Index = key.Index
	}
	return &from
}
