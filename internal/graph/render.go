package graph

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/internal/ref"
)

// link is one drawn arrow.
type link struct {
	from, to, label string
	used            bool // from is an artifact of an earlier run, not a node
	control         bool // a condition or an order, not data
}

func (g *Graph) links() []link {
	var links []link
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Over != nil {
			links = appendEdge(links, *n.Over, n.Name, "over", false)
		}
		for _, in := range n.Inputs {
			links = appendEdge(links, in.From, n.Name, in.Name, false)
		}
		for _, w := range n.When {
			links = appendEdge(links, w, n.Name, "when", true)
		}
		for _, a := range n.After {
			links = append(links, link{from: a, to: n.Name, label: "after", control: true})
		}
	}
	return links
}

func appendEdge(links []link, e ref.Edge, to, label string, control bool) []link {
	e.Nodes(func(from string) { links = append(links, link{from, to, label, false, control}) })
	e.Uses(func(from string) { links = append(links, link{from, to, label, true, control}) })
	return links
}

// used returns the artifacts of earlier runs at the beginning of links, each once.
func used(links []link) []string {
	var names []string
	seen := map[string]bool{}
	for _, l := range links {
		if l.used && !seen[l.from] {
			seen[l.from] = true
			names = append(names, l.from)
		}
	}
	return names
}

func (n *Node) title() string {
	switch {
	case n.Over != nil:
		return n.Name + " [map]"
	case n.Wait != nil:
		return n.Name + " [wait]"
	}
	return n.Name
}

// DOT returns the graph in the language of Graphviz.
func (g *Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  rankdir=TB;\n  node [shape=box, style=rounded, fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\", fontsize=10];\n", strconv.Quote(g.Pipeline))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		attr := ""
		switch {
		case n.Over != nil:
			attr = ", peripheries=2"
		case n.Wait != nil:
			attr = ", shape=hexagon, style=solid"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", strconv.Quote(n.Name), strconv.Quote(n.Name), attr)
	}
	links := g.links()
	for _, name := range used(links) {
		fmt.Fprintf(&b, "  %s [label=%s, shape=cylinder, style=solid];\n", strconv.Quote(name), strconv.Quote(name))
	}
	for _, l := range links {
		style := ""
		if l.control {
			style = ", style=dashed"
		}
		fmt.Fprintf(&b, "  %s -> %s [label=%s%s];\n", strconv.Quote(l.from), strconv.Quote(l.to), strconv.Quote(l.label), style)
	}
	b.WriteString("}\n")
	return b.String()
}

// Mermaid returns the graph as a Mermaid flowchart, as Markdown viewers draw it.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	id := make(map[string]string, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		id[n.Name] = "n" + strconv.Itoa(i)
		open, end := "[", "]"
		switch {
		case n.Over != nil:
			open, end = "[[", "]]"
		case n.Wait != nil:
			open, end = "{{", "}}"
		}
		fmt.Fprintf(&b, "  %s%s\"%s\"%s\n", id[n.Name], open, mermaidText(n.Name), end)
	}
	links := g.links()
	artifact := map[string]string{}
	for i, name := range used(links) {
		artifact[name] = "a" + strconv.Itoa(i)
		fmt.Fprintf(&b, "  %s[(\"%s\")]\n", artifact[name], mermaidText(name))
	}
	for _, l := range links {
		arrow, from := "-->", id[l.from]
		if l.control {
			arrow = "-.->"
		}
		if l.used {
			from = artifact[l.from]
		}
		fmt.Fprintf(&b, "  %s %s|\"%s\"| %s\n", from, arrow, mermaidText(l.label), id[l.to])
	}
	return b.String()
}

func mermaidText(s string) string {
	return strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ", "\r", " ").Replace(s)
}

// Text returns the graph for people: each step with its parameters, inputs and outputs.
func (g *Graph) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pipeline %s, %d %s\n", g.Pipeline, len(g.Nodes), plural(len(g.Nodes), "step"))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		fmt.Fprintf(&b, "\n%s\n", n.title())
		rows := n.rows()
		width := 0
		for _, r := range rows {
			width = max(width, len(r[1]))
		}
		for _, r := range rows {
			fmt.Fprintf(&b, "  %-6s %-*s  %s\n", r[0], width, r[1], r[2])
		}
	}
	if len(g.Results) > 0 {
		b.WriteString("\nresults\n")
		for _, r := range g.Results {
			fmt.Fprintf(&b, "  %s = %s  %s\n", r.Name, r.From, r.Type)
		}
	}
	return b.String()
}

func (n *Node) rows() [][3]string {
	var rows [][3]string
	add := func(what, name, text string) { rows = append(rows, [3]string{what, name, text}) }
	if n.Over != nil {
		add("over", "", n.Over.String())
	}
	if n.Wait != nil {
		add("ask", "", clip(n.Wait.Question, 90))
	}
	for _, w := range n.When {
		add("when", "", w.String())
	}
	if len(n.After) > 0 {
		add("after", "", strings.Join(n.After, ", "))
	}
	for _, p := range n.Params {
		add("param", p.Name, clip(string(p.Value), 60))
	}
	for _, in := range n.Inputs {
		add("in", in.Name, "from "+in.From.String())
	}
	for _, o := range n.Outputs {
		add("out", o.Name, clip(o.Type, 90))
	}
	return rows
}

func clip(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
