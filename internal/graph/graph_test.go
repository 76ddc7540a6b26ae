package graph

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
)

// small is a graph with one of everything.
func small() *Graph {
	out := []Output{{Name: "output", Type: "[]int64", Codec: "numeric/1"}}
	return &Graph{
		Version: Version, Pipeline: "small",
		Nodes: []Node{
			{Name: "load", Params: []Param{{Name: "N", Type: "int64", Value: []byte("3")}}, Outputs: out},
			{
				Name: "each", Over: &ref.Edge{Node: "load", Output: "output"},
				Inputs: []Input{{Name: "Item", Type: "int64", From: ref.Edge{Item: true}}}, Outputs: out,
			},
			{
				Name: "pick", Inputs: []Input{
					{Name: "All", Type: "[][]int64", From: ref.Edge{Node: "each", Output: "output", Gather: true}},
					{Name: "First", Type: "[]int64", From: ref.Edge{FirstOf: []ref.Edge{{Node: "load", Output: "output"}}}},
				},
				Outputs: out, When: []ref.Edge{{Node: "load", Output: "output"}}, After: []string{"each"},
			},
			{
				Name: "ask", Wait: &Wait{Question: "Deploy?"}, Inputs: []Input{
					{Name: "Model", Type: "[]int64", From: ref.Edge{Use: "other/Model@3"}},
					{Name: "Old", Type: "[]int64", From: ref.Edge{FirstOf: []ref.Edge{{Node: "load", Output: "output"}, {Use: "other/Model@latest"}}}},
				},
				Outputs: []Output{{Name: "output", Type: "struct{By string}", Codec: "cbor/1"}}, When: []ref.Edge{{Use: "other/Good@latest"}},
			},
		},
		Results: []Input{{Name: "output", Type: "[]int64", From: ref.Edge{Node: "pick", Output: "output"}}},
	}
}

func TestParseRoundTrip(t *testing.T) {
	t.Parallel()
	body, err := small().JSON()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(small(), parsed); d != "" {
		t.Error(d)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	body, err := small().JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`{"version":1`, `{"version":2`, "version 2 is not supported"},
		{`"version":1,`, ``, "version 0 is not supported"},
		{`"pipeline"`, `"pipelines"`, `unknown field "pipelines"`},
		{`{"name":"each"`, `{"name":"load"`, `node name "load" is empty or not unique`},
		{`{"name":"each"`, `{"name":""`, `node name "" is empty or not unique`},
		{`"over":{"node":"load"`, `"over":{"node":"lode"`, `node each: edge from unknown node "lode"`},
		{`"over":{"node":"load","output":"output"`, `"over":{"node":"load","output":"put"`, `node each: edge from unknown output "put"`},
		{`"after":["each"]`, `"after":["eech"]`, `node pick: after unknown node "eech"`},
		{`"after":["each"]`, `"after":["pick"]`, "pick waits for pick"},
		{`{"item":true}`, `{"item":true,"node":"load"}`, "an edge that is an item names no node"},
		{`{"first_of":[`, `{"node":"load","first_of":[`, "an edge that is first_of is nothing else"},
		{`{"first_of":[`, `{"use":"other/Model@3","first_of":[`, "an edge that is first_of is nothing else"},
		{`{"item":true}`, `{"item":true,"use":"other/Model@3"}`, "an edge that is an item names no node"},
		{`{"use":"other/Model@3"}`, `{"use":"other/Model@3","node":"load"}`, "an edge that uses an artifact is nothing else"},
		{`{"use":"other/Model@3"}`, `{"use":"other/Model@3","gather":true}`, "an edge that uses an artifact is nothing else"},
		{`{"use":"other/Model@latest"}`, `{"use":"other/Model"}`, `node ask: edge from artifact "other/Model", which has no name and version`},
		{`{"use":"other/Model@latest"}`, `{"use":"other/Model@0"}`, "which has no name and version"},
		{`{"use":"other/Model@latest"}`, `{"use":"Model@latest"}`, "which has no name and version"},
		{`{"question":"Deploy?"}`, `{}`, "node ask: a node that waits asks a question"},
		{`{"question":"Deploy?"}`, `{"question":"Deploy?","answer":"yes"}`, `unknown field "answer"`},
		{`{"question":"Deploy?"}`, `{"question":"Deploy?"},"over":{"node":"load","output":"output"}`, "and is not mapped"},
		{`"results":[{"name":"output","type":"[]int64","from":{"node":"pick"`, `"results":[{"name":"output","type":"[]int64","from":{"node":"pack"`, "result output"},
		{string(body), string(body[:len(body)-1]), "unexpected end"},
		{string(body), string(body) + "{}", "after top-level value"},
		{string(body), "", "unexpected end"},
		{string(body), "null", "version 0 is not supported"},
	} {
		if !bytes.Contains(body, []byte(c.old)) {
			t.Errorf("the graph has no %s:\n%s", c.old, body)
			continue
		}
		_, err := Parse(bytes.Replace(body, []byte(c.old), []byte(c.new), 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: error %v does not say %q", c.new, err, c.want)
		}
		if !errors.Is(err, component.ErrInvalid) && !errors.Is(err, component.ErrUnsupported) {
			t.Errorf("%.60s: code %v", c.new, component.CodeOf(err))
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	g := small()
	g.Results = append(g.Results, Input{Name: "Again", From: ref.Edge{Use: "other/Model@3"}}, Input{Name: "More", From: ref.Edge{Use: "a/B@1"}})
	want := []string{"other/Model@3", "other/Model@latest", "other/Good@latest", "a/B@1"}
	if d := cmp.Diff(want, g.Uses()); d != "" {
		t.Error(d)
	}
	if up := g.Nodes[3].Upstream(); !slices.Equal(up, []string{"load"}) {
		t.Errorf("a node waits for %v", up)
	}
}

// FuzzParse holds that what is accepted is a graph that every other part can walk, and that its form is stable.
func FuzzParse(f *testing.F) {
	body, err := small().JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"version":1,"pipeline":"p","nodes":[{"name":"a","after":["b"]},{"name":"b","after":["a"]}]}`))
	f.Add([]byte(`{"version":1,"pipeline":"p","nodes":[],"results":[{"name":"R","type":"int","from":{"first_of":[{"use":"p/R@12"},{"use":"p/R@latest"}]}}]}`))
	f.Add([]byte(`{"version":1,"pipeline":"p","nodes":[{"name":"a@1","wait":{"question":"?"},"after":[]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Parse(data)
		if err != nil {
			return
		}
		order, err := g.Order()
		if err != nil || len(order) != len(g.Nodes) {
			t.Fatalf("order of %d nodes: %v, %v", len(g.Nodes), order, err)
		}
		first, err := g.JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("its own form is refused: %v\n%s", err, first)
		}
		second, err := again.JSON()
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("the form changes: %v\n%s\n%s", err, first, second)
		}
		_, _, _ = g.DOT(), g.Mermaid(), g.Text()
	})
}

// TestOrder draws graphs whose edges go from earlier to later nodes, and shuffles the nodes.
func TestOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "nodes")
		g := &Graph{Version: Version, Pipeline: "p"}
		for i := range n {
			node := Node{Name: fmt.Sprint("n", i)}
			for j := range i {
				if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
					node.After = append(node.After, fmt.Sprint("n", j))
				}
			}
			g.Nodes = append(g.Nodes, node)
		}
		cyclic := n > 1 && rapid.Bool().Draw(t, "cyclic")
		if cyclic { // the first waits for the last, and the last for the first
			g.Nodes[0].After = append(g.Nodes[0].After, g.Nodes[n-1].Name)
			g.Nodes[n-1].After = append(g.Nodes[n-1].After, g.Nodes[0].Name)
		}
		g.Nodes = rapid.Permutation(g.Nodes).Draw(t, "nodes")
		order, err := g.Order()
		if cyclic {
			if err == nil || !strings.Contains(err.Error(), " waits for ") {
				t.Fatalf("a cycle gives the order %v, %v", order, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, i := range order {
			for _, up := range g.Nodes[i].Upstream() {
				if !slices.Contains(seen, up) {
					t.Fatalf("%s comes before %s", g.Nodes[i].Name, up)
				}
			}
			seen = append(seen, g.Nodes[i].Name)
		}
		if len(seen) != n {
			t.Fatalf("%d of %d nodes", len(seen), n)
		}
	})
}

// A name may hold anything when a graph comes from elsewhere; it stays inside its quotes.
func TestRenderedNamesAreQuoted(t *testing.T) {
	t.Parallel()
	g := &Graph{Version: Version, Pipeline: `p"; }`, Nodes: []Node{{Name: "a\"]; x -> y [\n"}, {Name: "b", After: []string{"a\"]; x -> y [\n"}}}}
	if dot := g.DOT(); strings.Count(dot, "\n") != 8 || strings.Contains(dot, `"]; x`) && !strings.Contains(dot, `\"]; x`) {
		t.Errorf("DOT:\n%s", dot)
	}
	if mermaid := g.Mermaid(); strings.Contains(mermaid, `a"`) || strings.Count(mermaid, "\n") != 4 {
		t.Errorf("Mermaid:\n%s", mermaid)
	}
}
