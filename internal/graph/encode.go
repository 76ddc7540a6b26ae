package graph

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// JSON returns the graph in its compact, deterministic form.
func (g *Graph) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(g); err != nil {
		return nil, component.Errorf(component.Invalid, "encode the graph of %s: %w", g.Pipeline, err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Digest returns the digest of the graph's JSON form.
func (g *Graph) Digest() (artifact.Digest, error) {
	b, err := g.JSON()
	if err != nil {
		return "", err
	}
	return artifact.NewDigest(sha256.Sum256(b)), nil
}

// Parse reads the JSON form. The error's code is Invalid, or Unsupported for a newer version.
func Parse(data []byte) (*Graph, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, component.Errorf(component.Invalid, "graph: %w", err)
	}
	if head.Version != Version {
		return nil, component.Errorf(component.Unsupported, "graph: version %d is not supported, want %d: use a matching version of Tenon", head.Version, Version)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	g := &Graph{}
	if err := dec.Decode(g); err != nil {
		return nil, component.Errorf(component.Invalid, "graph: %w", err)
	}
	return g, g.check()
}

// check verifies what every other part takes for granted: unique names, and edges that lead to outputs.
func (g *Graph) check() error {
	outputs := make(map[string]map[string]bool, len(g.Nodes))
	for _, n := range g.Nodes {
		if n.Name == "" || outputs[n.Name] != nil {
			return component.Errorf(component.Invalid, "graph: node name %q is empty or not unique", n.Name)
		}
		outputs[n.Name] = make(map[string]bool, len(n.Outputs))
		for _, o := range n.Outputs {
			outputs[n.Name][o.Name] = true
		}
	}
	for _, n := range g.Nodes {
		if n.Wait != nil && (n.Wait.Question == "" || n.Over != nil) {
			return component.Errorf(component.Invalid, "graph: node %s: a node that waits asks a question, and is not mapped", n.Name)
		}
		for e := range n.Edges() {
			if err := e.Check(outputs); err != nil {
				return component.Errorf(component.Invalid, "graph: node %s: %w", n.Name, err)
			}
		}
		for _, a := range n.After {
			if outputs[a] == nil {
				return component.Errorf(component.Invalid, "graph: node %s: after unknown node %q", n.Name, a)
			}
		}
	}
	for _, r := range g.Results {
		if err := r.From.Check(outputs); err != nil {
			return component.Errorf(component.Invalid, "graph: result %s: %w", r.Name, err)
		}
	}
	_, err := g.Order()
	return err
}
