package graph

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/hookset"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Program is a graph bound to the functions of this process. Immutable once built, safe for concurrent use.
type Program struct {
	Graph    *Graph
	Bindings []Binding // of Graph.Nodes, by index
	Results  []Port    // of Graph.Results, by index
	// Condition is how the conditions of all steps are read, which are of type bool. Unset if no step has one.
	Condition Port
	// Codecs are those that the pipeline binds to types.
	Codecs []codec.Codec
	// Defaults is the pipeline's layer of every step's configuration.
	Defaults step.Config
	// Hooks of the run.
	Hooks hookset.Set
}

// Binding is what only the program knows of a node.
type Binding struct {
	// Func is the step function as the user passed it, for its fingerprint; nil for a node that waits.
	Func any
	// Wired is the file:line of the call that wired the step.
	Wired string
	// Config is what the step's own options say.
	Config step.Config
	// Hooks of the step.
	Hooks hookset.Set
	// Params is the deterministic encoding of the parameters, for the cache key.
	Params []byte
	// Sources are the outside data that the parameters name.
	Sources []Source
	Inputs  []Port // of Node.Inputs, by index
	Outputs []Port // of Node.Outputs, by index
	// Over describes the list that a mapped node splits: Port.Elem is the codec of its elements, ElemType their structural
	// type. Unset for nodes that are not mapped, or that continue the elements of another.
	Over     Port
	ElemType string
	// Invoke calls the step function with its own copy of its input and returns the outputs in the order of
	// Node.Outputs. A panic of the function passes through. Nil for a node that waits.
	Invoke func(ctx context.Context, call Call) ([]any, error)
	// Approve returns the outputs of a node that waits, in the order of Node.Outputs, once a person has approved. Nil for all others.
	Approve func(by, note string, at time.Time) []any
}

// Source is a field that names outside data.
type Source struct {
	Field string
	Slot  ref.SourceSlot
}

// Call is what one invocation gets.
type Call struct {
	Inputs  []any               // decoded values, in the order of Node.Inputs; owned by the call
	Sources []*ref.SourceHandle // in the order of Binding.Sources
}
