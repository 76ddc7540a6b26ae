package pipeline

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Step wires a step into the graph: fn will be called with in, its Refs filled with the values of the steps they came from. It
// returns the step's output, whose Refs are edges for further steps. Name is unique in the pipeline.
func Step[In, Out any](p *Builder, name string, fn func(context.Context, In) (Out, error), in In, opts ...step.Option) Out {
	at := p.wired()
	full := p.admit(name, at, fn == nil)
	return wire(p, wiring{name: full, at: at, fn: fn, opts: opts}, fn, in, false)
}

// wire adds a node that calls fn, and returns the value that stands for its output.
func wire[In, Out any](p *Builder, w wiring, fn func(context.Context, In) (Out, error), in In, each bool) Out {
	value := reflect.ValueOf(&in).Elem()
	bind, sh, params := p.add(w, value)
	p.check(w, in, reflect.TypeFor[Out]())
	var out Out
	fields, names := p.connect(w, bind, reflect.ValueOf(&out).Elem(), each)
	bind.Invoke = func(ctx context.Context, call graph.Call) ([]any, error) {
		var own In
		c := cloner{call: call, params: params}
		if err := c.clone(sh, reflect.ValueOf(&own).Elem(), value); err != nil {
			return nil, fmt.Errorf("step %s: copy its input: %w", w.name, err)
		}
		out, err := fn(ctx, own)
		if err != nil {
			return nil, err
		}
		return values(reflect.ValueOf(&out).Elem(), fields, names)
	}
	return out
}

// connect gives the node just wired its outputs, and makes edges of the Refs in out: to the node's outputs, to those of each element if each
// is set.
func (b *Builder) connect(w wiring, bind *graph.Binding, out reflect.Value, each bool) (fields []int, names []string) {
	fields, names, ports := b.outputs(w.name, w.at, out.Type())
	n := &b.program.Graph.Nodes[len(b.program.Graph.Nodes)-1]
	owner := "" // an element's output has a value only in a step that continues the element
	if each {
		owner = w.name
	}
	for i, name := range names {
		n.Outputs = append(n.Outputs, graph.Output{Name: name, Type: ports[i].Text, Codec: ports[i].Codec.ID()})
		bind.Outputs = append(bind.Outputs, ports[i].Port)
		*handleAt(out, fields, i) = &ref.Handle{
			Build: b.build, Owner: owner, Type: ports[i].Type,
			Edge: ref.Edge{Node: w.name, Output: name, Each: each},
		}
	}
	return fields, names
}

// values reads the values that a step returned.
func values(out reflect.Value, fields []int, names []string) ([]any, error) {
	vals := make([]any, len(names))
	for i, name := range names {
		h := *handleAt(out, fields, i)
		if h == nil || !h.Set {
			return nil, step.Permanent(unset(name, fields))
		}
		vals[i] = h.Value
	}
	return vals, nil
}

func unset(name string, fields []int) error {
	if fields == nil {
		return errors.New("the step returned a Ref without a value and no error: return artifact.New(value)")
	}
	return fmt.Errorf("output %s was not set: return artifact.New(value) in every field of the output", name)
}

type option func(*ref.Options)

func (o option) StepOption(r *ref.Options) { o(r) }

// When makes a step conditional: it runs only if cond is true, and is skipped otherwise, as is everything that takes
// input from it. Several conditions must all hold.
func When(cond artifact.Ref[bool]) step.Option {
	return option(func(o *ref.Options) { o.When = append(o.When, *cond.TenonRef(ref.Access{}).Handle) })
}

// After makes a step wait for others without taking input from them. A skipped step does not hold it up.
func After(steps ...string) step.Option {
	return option(func(o *ref.Options) { o.After = append(o.After, steps...) })
}
