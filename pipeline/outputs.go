package pipeline

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
)

// outputs plans a step's output type: its Refs, and what is wrong with it.
func (b *Builder) outputs(name, at string, t reflect.Type) (fields []int, names []string, ports []port) {
	if ref.IsRef(t) {
		p := b.port(ref.ValueType(t))
		if p.err != nil {
			b.report(name, "output", at, p.err)
		}
		return nil, []string{"output"}, []port{p}
	}
	if t.Kind() != reflect.Struct {
		b.report(name, "", at, fmt.Errorf("the output is of type %v: return a struct of artifact.Ref fields, a single artifact.Ref, or struct{}", t))
		return nil, nil, nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Anonymous || !ref.IsRef(f.Type) {
			b.report(name, f.Name, at, fmt.Errorf("the output field is of type %v: every field of an output struct must be an exported, named artifact.Ref", f.Type))
			continue
		}
		p := b.port(ref.ValueType(f.Type))
		if p.err != nil {
			b.report(name, f.Name, at, p.err)
		}
		fields, names, ports = append(fields, i), append(names, f.Name), append(ports, p)
	}
	return fields, names, ports
}

// resultPorts returns the names of the results that Out has, and how each is read.
func (p *Pipeline[P, Out]) resultPorts() (names []string, ports []graph.Port, err error) {
	b := newBuilder(p.name, p.opts.codecs)
	for _, err := range p.opts.errs {
		b.report("", "", "", err)
	}
	_, names, checked := b.outputs("", "", reflect.TypeFor[Out]())
	for _, c := range checked {
		ports = append(ports, c.Port)
	}
	return names, ports, b.err()
}

// handleAt returns the place of the handle of the i-th Ref in an output value.
func handleAt(out reflect.Value, fields []int, i int) **ref.Handle {
	if fields != nil {
		out = out.Field(fields[i])
	}
	return out.Addr().Interface().(ref.Holder).TenonRef(ref.Access{}).Handle
}

// finish checks what only the whole graph shows, and records the results.
func (b *Builder) finish(out reflect.Value) {
	g := b.program.Graph
	unknown := false
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, a := range n.After {
			if _, ok := b.index[a]; !ok {
				unknown = true
				b.report(n.Name, "", b.program.Bindings[i].Wired, fmt.Errorf("pipeline.After names %q, which is not a step of this pipeline; its steps are %s", a, b.stepNames()))
			}
		}
	}
	b.results(out)
	if unknown || len(b.problems) > 0 {
		return
	}
	if _, err := g.Order(); err != nil {
		b.report("", "", "", fmt.Errorf("%w: remove one pipeline.After", err))
	}
}

func (b *Builder) results(out reflect.Value) {
	if out.Type().Kind() == reflect.Struct && out.NumField() == 0 && !ref.IsRef(out.Type()) {
		return
	}
	fields, names, ports := b.outputs("", "", out.Type())
	for i, name := range names {
		edge, ok := b.edge("", "result "+name, "", *handleAt(out, fields, i))
		if !ok {
			continue
		}
		b.program.Graph.Results = append(b.program.Graph.Results, graph.Input{Name: name, Type: ports[i].Text, From: edge})
		b.program.Results = append(b.program.Results, ports[i].Port)
	}
}

func (b *Builder) stepNames() string {
	const limit = 20
	names := make([]string, 0, limit)
	for i, n := range b.program.Graph.Nodes {
		if i == limit {
			names = append(names, "...")
			break
		}
		names = append(names, n.Name)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
