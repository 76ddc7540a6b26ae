package graph

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/internal/ref"
)

// drawEdge draws an edge from one of the first n nodes, each of which has the output "output", or from an artifact.
func drawEdge(t *rapid.T, n, depth int) ref.Edge {
	kinds := []string{"use"}
	if n > 0 {
		kinds = append(kinds, "node")
	}
	if depth > 0 {
		kinds = append(kinds, "first of")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "node":
		return ref.Edge{Node: fmt.Sprint("n", rapid.IntRange(0, n-1).Draw(t, "node")), Output: "output"}
	case "first of":
		var e ref.Edge
		for range rapid.IntRange(1, 3).Draw(t, "alternatives") {
			e.FirstOf = append(e.FirstOf, drawEdge(t, n, depth-1))
		}
		return e
	}
	named := ref.Named{Name: rapid.SampledFrom([]string{"a/A", "b/output"}).Draw(t, "name"), Version: rapid.IntRange(0, 2).Draw(t, "version")}
	return ref.Edge{Use: named.String()}
}

// drawGraph draws a graph with every form of an edge that leads to a node that is not mapped.
func drawGraph(t *rapid.T) *Graph {
	g := &Graph{Version: Version, Pipeline: "p"}
	for i := range rapid.IntRange(1, 8).Draw(t, "nodes") {
		n := Node{Name: fmt.Sprint("n", i), Outputs: []Output{{Name: "output", Type: "int", Codec: "cbor/1"}}}
		if rapid.Bool().Draw(t, "waits") {
			n.Wait = &Wait{Question: "Go on?"}
		}
		for k := range rapid.IntRange(0, 2).Draw(t, "inputs") {
			n.Inputs = append(n.Inputs, Input{Name: fmt.Sprint("In", k), Type: "int", From: drawEdge(t, i, 2)})
		}
		if rapid.Bool().Draw(t, "conditional") {
			n.When = append(n.When, drawEdge(t, i, 1))
		}
		g.Nodes = append(g.Nodes, n)
	}
	g.Results = append(g.Results, Input{Name: "output", Type: "int", From: drawEdge(t, len(g.Nodes), 1)})
	return g
}

// sourcesOf lists what an edge leads to: names of nodes, and of artifacts.
func sourcesOf(e ref.Edge) (nodes, artifacts []string) {
	if e.Node != "" {
		nodes = append(nodes, e.Node)
	}
	if e.Use != "" {
		artifacts = append(artifacts, e.Use)
	}
	for _, f := range e.FirstOf {
		n, a := sourcesOf(f)
		nodes, artifacts = append(nodes, n...), append(artifacts, a...)
	}
	return nodes, artifacts
}

// Artifacts of earlier runs are found wherever they are used, nothing waits for them, and the form of the graph keeps them.
func TestGraphsWithUses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		var uses []string
		for i := range g.Nodes {
			var waits []string
			for e := range g.Nodes[i].Edges() {
				nodes, artifacts := sourcesOf(e)
				waits, uses = append(waits, nodes...), append(uses, artifacts...)
			}
			if got := g.Nodes[i].Upstream(); !slices.Equal(sorted(got), sorted(waits)) {
				t.Fatalf("node %s waits for %v, want %v", g.Nodes[i].Name, got, waits)
			}
		}
		_, artifacts := sourcesOf(g.Results[0].From)
		if got, want := g.Uses(), sorted(append(uses, artifacts...)); !slices.Equal(sorted(got), want) || len(got) != len(want) {
			t.Fatalf("the graph uses %v, want %v", got, want)
		}
		body, err := g.JSON()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := Parse(body)
		if err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		if diff := cmp.Diff(g, parsed); diff != "" {
			t.Fatal(diff)
		}
		if dot, mermaid := g.DOT(), g.Mermaid(); strings.Count(dot, "shape=cylinder") != strings.Count(mermaid, "[(") {
			t.Fatalf("DOT and Mermaid show other artifacts:\n%s\n%s", dot, mermaid)
		}
	})
}

// sorted returns names in order, each once.
func sorted(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
