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
	// Step that produced it, if one did and that is known.
	Step *metadata.StepKey
}

// Planned returns the facts of a task of a plan that is not run yet. Index is -1, or that of an element. Inputs that are known, by name, may
// have their digest, identity and step; all others are marked as not known. The step must be one of the plan. Code may be nil.
func Planned(p *plan.Plan, g *graph.Graph, code *codedoc.Code, step string, index int, known []Input) Facts {
	panic("TODO")
}
