// Package ref is what artifact.Ref and artifact.Source hold: the state that only the builder, the engine and the worker see.
//
// The exported methods of artifact.Ref and artifact.Source that lead here take an [Access], a type that only this
// module can name.
package ref

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Access seals methods that are exported for this module alone.
type Access struct{}

// Edge says where a value comes from. Exactly one of Node, FirstOf, Item and Use is set. It is part of the graph's JSON form.
type Edge struct {
	// Node and Output name an output of a node.
	Node   string `json:"node,omitempty"`
	Output string `json:"output,omitempty"`
	// Each, with Node a mapped node: the output of the element with the same index. Only within a node mapped over Node.
	Each bool `json:"each,omitempty"`
	// Gather, with Node a mapped node: the outputs of all elements, as a list.
	Gather bool `json:"gather,omitempty"`
	// Item is the element of the list that the node itself maps over.
	Item bool `json:"item,omitempty"`
	// FirstOf is the first of several edges that was not skipped.
	FirstOf []Edge `json:"first_of,omitempty"`
	// Use is a named artifact that an earlier run made, as [Named] writes it: "penguins/Model@latest". The plan says which one that is.
	Use string `json:"use,omitempty"`
}

// Nodes calls yield for the name of every node that e depends on.
func (e Edge) Nodes(yield func(string)) {
	if e.Node != "" {
		yield(e.Node)
	}
	for _, f := range e.FirstOf {
		f.Nodes(yield)
	}
}

// Uses calls yield for every named artifact that e depends on.
func (e Edge) Uses(yield func(string)) {
	if e.Use != "" {
		yield(e.Use)
	}
	for _, f := range e.FirstOf {
		f.Uses(yield)
	}
}

// String returns the edge for people: "load.Train", "gather score.Accuracy", "penguins/Model@3".
func (e Edge) String() string {
	switch {
	case e.Item:
		return "the item"
	case len(e.FirstOf) > 0:
		parts := make([]string, len(e.FirstOf))
		for i, f := range e.FirstOf {
			parts[i] = f.String()
		}
		return "first of " + strings.Join(parts, ", ")
	case e.Use != "":
		return e.Use
	}
	name := e.Node
	if e.Output != "" && e.Output != "output" {
		name += "." + e.Output
	}
	switch {
	case e.Each:
		return "each " + name
	case e.Gather:
		return "gather " + name
	}
	return name
}

// Check reports an edge that is malformed or leads to no output. Outputs holds the output names of each node.
func (e Edge) Check(outputs map[string]map[string]bool) error {
	switch {
	case len(e.FirstOf) > 0:
		if e.Node != "" || e.Item || e.Use != "" {
			return errors.New("an edge that is first_of is nothing else")
		}
		for _, f := range e.FirstOf {
			if err := f.Check(outputs); err != nil {
				return err
			}
		}
	case e.Item:
		if e.Node != "" || e.Use != "" {
			return errors.New("an edge that is an item names no node")
		}
	case e.Use != "":
		if e.Node != "" || e.Output != "" || e.Each || e.Gather {
			return errors.New("an edge that uses an artifact is nothing else")
		}
		if n, err := ParseNamed(e.Use); err != nil || n.String() != e.Use {
			return fmt.Errorf("edge from artifact %.80q, which has no name and version", e.Use)
		}
	case outputs[e.Node] == nil:
		return fmt.Errorf("edge from unknown node %q", e.Node)
	case e.Output != "" && !outputs[e.Node][e.Output], e.Output == "" && !e.Each:
		return fmt.Errorf("edge from unknown output %q of node %q", e.Output, e.Node)
	}
	return nil
}

// Build identifies one building of one pipeline; edges of different builds do not mix. Compared by pointer.
type Build struct{ Pipeline string }

// Handle is the state of one artifact.Ref: an edge while building, a value inside a step.
type Handle struct {
	Build *Build // nil for a value
	Edge  Edge
	Owner string // the mapped node that alone may use an Item or Each edge
	Type  reflect.Type
	Set   bool // Value is valid
	Value any
}

// Slot gives access to the handle inside a Ref.
type Slot struct {
	Handle **Handle
	Type   reflect.Type // the Ref's type argument
}

// Holder is implemented by *artifact.Ref[T] alone.
type Holder interface{ TenonRef(Access) Slot }

// Unresolved is the panic value of Ref.Value on a Ref that holds no value. Builder and worker recover it.
type Unresolved struct {
	Building bool // the Ref is an edge of a graph
	Edge     Edge
}

// Error says what was done wrong.
func (u Unresolved) Error() string {
	if !u.Building {
		return "Value of an artifact.Ref that was never set: a step must set every Ref of its output with artifact.New"
	}
	from := "a step"
	if u.Edge.Node != "" {
		from = "step " + u.Edge.Node
	}
	return "Value of an output of " + from + " that has not run: pass the Ref to another step as an input instead of reading it while the pipeline is built, or of capturing it in a closure"
}

// Pin is the identity of a source's content, fixed when a run is submitted.
type Pin struct {
	URI    string `json:"uri"`
	Digest string `json:"digest"` // "sha256:<hex>" of the bytes, or of the manifest of a directory
	Size   int64  `json:"size"`   // bytes
	Dir    bool   `json:"dir,omitempty"`
	// Stored says that the content is in the artifact store under Digest; otherwise URI is a local path.
	Stored bool `json:"stored,omitempty"`
}

// Opener opens pinned content. The reader fails with component.ErrCorrupt at its end if the bytes are not the pinned ones.
type Opener interface {
	Open(ctx context.Context, p Pin) (io.ReadCloser, error)
	// Path returns a local path of the content: a file, or a directory if p.Dir.
	Path(ctx context.Context, p Pin) (string, error)
}

// SourceHandle is the state of an artifact.Source inside a step: its pin, and how to open it.
type SourceHandle struct {
	Pin    Pin
	Opener Opener
}

// SourceSlot gives access to the state inside an artifact.Source.
type SourceSlot struct {
	URI    string
	Data   []byte // content of a source that was made from bytes
	Handle **SourceHandle
}

// SourceHolder is implemented by *artifact.Source alone.
type SourceHolder interface{ TenonSource(Access) SourceSlot }

// Options is what the options of one step add up to, before any merging with other layers.
type Options struct {
	Configs []any // step.Config values, in order
	When    []*Handle
	After   []string
	Hooks   []any // hookset.Set values, in order
}
