// Package plan is what a client decides once about a run, before anything executes: the graph's digest, the
// fingerprint and resolved configuration of every step, and the pinned content of outside data.
//
// The plan is recorded with the run. Workers and resumed runs compare themselves with it and never decide again.
package plan

import (
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Version of the JSON form.
const Version = 1

// Plan of one run.
type Plan struct {
	Version  int             `json:"version"`
	Pipeline string          `json:"pipeline"`
	Graph    artifact.Digest `json:"graph"`
	// Params is the exact, deterministic encoding of the pipeline's parameters.
	Params []byte `json:"params"`
	// Build holds the settings of the build that can change results: Go version, architecture, tags, linker flags.
	Build []string `json:"build"`
	// Steps in the order of the graph's nodes.
	Steps []Step `json:"steps"`
	// Uses are the named artifacts that the graph's edges use, each once.
	Uses    []Use   `json:"uses,omitempty"`
	Options Options `json:"options"`
}

// Step is the plan of one node.
type Step struct {
	Name string `json:"name"`
	// Func and Wired say where the step function and the call that wired it are: for people. A step that waits for a person has no
	// Func, Fingerprint and Mode.
	Func  string `json:"func"`
	Wired string `json:"wired"`
	// Fingerprint of the step's code, "sha256:...", and how it was made: "source" or "executable".
	Fingerprint string `json:"fingerprint"`
	Mode        string `json:"mode"`
	// Uncached says why results of the step are not cached; empty if they are.
	Uncached string `json:"uncached,omitempty"`
	// Config after all layers were merged.
	Config step.Config `json:"config"`
	// Pins in the order of the node's sources.
	Pins []Pin `json:"pins,omitempty"`
}

// Pin is the pinned content of one source field.
type Pin struct {
	Field string `json:"field"`
	ref.Pin
}

// Use is a named artifact as it is pinned for the whole run.
type Use struct {
	Name     string          `json:"name"`     // as the graph writes it: "penguins/Model@latest"
	Version  int             `json:"version"`  // that it stands for in this run
	Artifact string          `json:"artifact"` // artifact ID
	Record   artifact.Record `json:"record"`
}

// Used returns the artifact that a name in the graph stands for, or nil.
func (p *Plan) Used(name string) *Use {
	for i := range p.Uses {
		if p.Uses[i].Name == name {
			return &p.Uses[i]
		}
	}
	return nil
}

// Holds returns the content in the artifact store that the run needs although none of its steps made it: pinned sources, and what it uses of
// earlier runs. Digests may come twice.
func (p *Plan) Holds() []artifact.Digest {
	var held []artifact.Digest
	for _, s := range p.Steps {
		for _, pin := range s.Pins {
			if pin.Stored {
				held = append(held, artifact.Digest(pin.Digest))
			}
		}
	}
	for _, u := range p.Uses {
		held = appendContents(held, u.Record)
	}
	return held
}

func appendContents(held []artifact.Digest, r artifact.Record) []artifact.Digest {
	if r.Codec != artifact.GatherCodec {
		if r.Inline != nil {
			return held
		}
		return append(held, r.Digest)
	}
	for _, e := range r.Elements {
		held = appendContents(held, e)
	}
	return held
}

// Options of the whole run.
type Options struct {
	// OnFailure is "stop", "fail_fast" or "continue".
	OnFailure FailureMode `json:"on_failure"`
	// Timeout of the run; 0 is none.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Parallel overrides the orchestrator's limit of attempts at once; 0 does not.
	Parallel int `json:"parallel,omitempty"`
	// NoCache looks nothing up; results are still recorded for later runs.
	NoCache bool `json:"no_cache,omitempty"`
	// NoHooks calls no hooks, also when the run is resumed.
	NoHooks bool `json:"no_hooks,omitempty"`
}

// FailureMode says what a failed step does to the rest of its run.
type FailureMode string

// The failure modes.
const (
	Stop     FailureMode = "stop"      // start nothing new; what runs, ends. The default
	FailFast FailureMode = "fail_fast" // cancel what runs
	Continue FailureMode = "continue"  // run everything that does not depend on the failure
)
