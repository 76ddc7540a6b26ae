// Package graph is the static graph of a pipeline as data, and beside it what only the program can add: how to call its nodes.
//
// [Graph] is a versioned JSON value that is the same in every process that builds the pipeline with the same parameters. It holds
// nodes, edges, parameters and structural types; no Go names, no file positions, no fingerprints and no configuration, which
// belong to the plan. Orchestrators, dashboards, the cache and golden tests all read this one form.
//
// [Program] is a graph with its [Binding]s: the functions, codecs and positions of this process.
package graph

import (
	"encoding/json"

	"github.com/tenon-ml/tenon/internal/ref"
)

// Version of the JSON form. A change that an older reader would misunderstand raises it.
const Version = 1

// Graph is what a pipeline function built.
type Graph struct {
	Version  int    `json:"version"`
	Pipeline string `json:"pipeline"`
	// Nodes in the order in which they were wired.
	Nodes []Node `json:"nodes"`
	// Results of the pipeline, in order of the fields of its Out type; one named "output" if Out is a single Ref.
	Results []Input `json:"results,omitempty"`
}

// Node is one step.
type Node struct {
	Name string `json:"name"`
	// Wait is set for a step that runs no code, but asks a person and waits for the answer. It is never mapped.
	Wait *Wait `json:"wait,omitempty"`
	// Over is set for a mapped node: the list it maps over, or with Each the mapped node whose elements it continues.
	Over *ref.Edge `json:"over,omitempty"`
	// Params are the values of the step's parameter fields, in order of the fields.
	Params  []Param    `json:"params,omitempty"`
	Inputs  []Input    `json:"inputs,omitempty"`
	Outputs []Output   `json:"outputs,omitempty"`
	When    []ref.Edge `json:"when,omitempty"`
	After   []string   `json:"after,omitempty"`
}

// Wait is what a person is asked, beside the node's parameters and inputs.
type Wait struct {
	Question string `json:"question"`
}

// Param is one parameter of a step.
type Param struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Value in canonical JSON; given Type it is exact.
	Value json.RawMessage `json:"value"`
}

// Input is a Ref field that is fed by an edge.
type Input struct {
	Name string   `json:"name"` // "Rows", "Deep.Rows[a][1]"
	Type string   `json:"type"`
	From ref.Edge `json:"from"`
}

// Output is a Ref that a step returns.
type Output struct {
	Name  string `json:"name"` // "output" if the step returns a single Ref
	Type  string `json:"type"`
	Codec string `json:"codec"` // "parquet/1"
}
