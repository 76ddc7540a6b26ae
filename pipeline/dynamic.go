package pipeline

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Mapped is the output of a mapped step: one Out for each element. [Gather] makes lists of it, [Then] continues it. The zero
// value is invalid.
type Mapped[Out any] struct {
	out  Out
	node string
	p    *Builder
}

// Map wires a step that runs once for each element of a list, in any order and in parallel. In makes the step's input from the Ref
// of one element; it is called once, while the pipeline is built. An empty list runs nothing.
func Map[E, In, Out any](p *Builder, name string, fn func(context.Context, In) (Out, error), over artifact.Ref[[]E],
	in func(element artifact.Ref[E]) In, opts ...step.Option,
) Mapped[Out] {
	at := p.wired()
	full := p.admit(name, at, fn == nil)
	w := wiring{name: full, at: at, fn: fn, opts: opts}
	edge, ok := p.edge(full, "the list to map over", at, *over.TenonRef(ref.Access{}).Handle)
	w.over = &edge
	var element artifact.Ref[E]
	if ok {
		*element.TenonRef(ref.Access{}).Handle = &ref.Handle{Build: p.build, Owner: full, Edge: ref.Edge{Item: true}, Type: reflect.TypeFor[E]()}
	}
	out := mapped(p, w, fn, func() In { return in(element) }, in == nil)
	p.split(full, at, reflect.TypeFor[[]E]())
	return Mapped[Out]{out, full, p}
}

// Then wires a step that continues each element of a mapped step as soon as that element is done, without waiting for the
// others. In makes its input from the output of one element; it is called once, while the pipeline is built.
func Then[Prev, In, Out any](p *Builder, name string, fn func(context.Context, In) (Out, error), over Mapped[Prev],
	in func(prev Prev) In, opts ...step.Option,
) Mapped[Out] {
	at := p.wired()
	full := p.admit(name, at, fn == nil)
	w := wiring{name: full, at: at, fn: fn, opts: opts, over: &ref.Edge{Node: over.node, Each: true}}
	if err := over.check(p); err != nil {
		p.report(full, "", at, err)
		return Mapped[Out]{}
	}
	prev := over.out
	own(reflect.ValueOf(&prev).Elem(), full)
	return Mapped[Out]{mapped(p, w, fn, func() In { return in(prev) }, in == nil), full, p}
}

// Gather makes a list of one output of every element, in the order of the elements. Field picks the output. Elements whose failure was
// tolerated are left out.
func Gather[Out, T any](m Mapped[Out], field func(Out) artifact.Ref[T]) artifact.Ref[[]T] {
	var list artifact.Ref[[]T]
	p := m.p
	if p == nil || field == nil {
		return list // reported where m was wired, or as an input that is not set
	}
	picked := field(m.out)
	h := *picked.TenonRef(ref.Access{}).Handle
	if h == nil || h.Edge.Node != m.node {
		p.report(m.node, "", p.wired(), errors.New("pipeline.Gather must pick one of the mapped step's own outputs"))
		return list
	}
	*list.TenonRef(ref.Access{}).Handle = &ref.Handle{
		Build: p.build, Type: reflect.TypeFor[[]T](),
		Edge: ref.Edge{Node: h.Edge.Node, Output: h.Edge.Output, Gather: true},
	}
	return list
}

// FirstOf joins alternatives: it is the first of refs, in this order, whose step was not skipped. It waits for all of them, fails if
// one failed, and is skipped if all were.
func FirstOf[T any](p *Builder, refs ...artifact.Ref[T]) artifact.Ref[T] {
	at := p.wired()
	var first artifact.Ref[T]
	if len(refs) == 0 {
		p.report("", "", at, errors.New("pipeline.FirstOf needs at least one Ref"))
		return first
	}
	var edges []ref.Edge
	for i, r := range refs {
		edge, ok := p.edge("", fmt.Sprintf("argument %d of pipeline.FirstOf", i+1), at, *r.TenonRef(ref.Access{}).Handle)
		if !ok {
			return first
		}
		edges = append(edges, edge)
	}
	*first.TenonRef(ref.Access{}).Handle = &ref.Handle{Build: p.build, Type: reflect.TypeFor[T](), Edge: ref.Edge{FirstOf: edges}}
	return first
}

// Sub builds another pipeline as a part of this one. The names of its steps get the prefix name + "/". What its steps default to
// still holds for them; a codec that it needs must be given to this pipeline as well.
func Sub[P, Out any](p *Builder, name string, sub *Pipeline[P, Out], in P) Out {
	at := p.wired()
	var out Out
	if err := checkName(name); err != nil {
		p.report(p.prefix+name, "", at, fmt.Errorf("name %w", err))
		return out
	}
	if sub == nil || sub.fn == nil {
		p.report(p.prefix+name, "", at, errors.New("the sub-pipeline is nil"))
		return out
	}
	if len(p.layers) > 100 {
		p.report(p.prefix+name, "", at, errors.New("more than 100 pipelines inside each other: does one use itself?"))
		return out
	}
	before := len(p.problems)
	p.checkPipeline(sub.name, false, reflect.TypeFor[P](), &in, sub.opts)
	p.checkCodecs(name, at, sub.name, sub.opts)
	if len(p.problems) > before {
		return out
	}
	prefix := p.prefix
	p.prefix, p.layers = prefix+name+"/", append(p.layers, sub.opts.steps)
	out = sub.fn(p, in)
	p.prefix, p.layers = prefix, p.layers[:len(p.layers)-1]
	return out
}

// checkCodecs reports codecs of a sub-pipeline that this one lacks: its values would be coded in two ways.
func (b *Builder) checkCodecs(name, at, sub string, o options) {
	for _, c := range o.codecs {
		if p := b.port(c.Type); p.err != nil || p.Codec.ID() != c.ID() {
			b.report(b.prefix+name, "", at, fmt.Errorf("pipeline %s codes %v as %s: give this pipeline the same codec with pipeline.Codecs", sub, c.Type, c.ID()))
		}
	}
}

func mapped[In, Out any](p *Builder, w wiring, fn func(context.Context, In) (Out, error), in func() In, nilIn bool) Out {
	var out Out
	if nilIn {
		p.report(w.name, "", w.at, errors.New("the input function is nil"))
		return out
	}
	p.inMap = w.name
	input := in()
	p.inMap = ""
	return wire(p, w, fn, input, true)
}

// split completes the binding of the node just wired, which maps over a list of the given type.
func (b *Builder) split(name, at string, list reflect.Type) {
	p, elem := b.port(list), b.port(list.Elem())
	for _, err := range []error{p.err, elem.err} {
		if err != nil {
			b.report(name, "the list to map over", at, err)
			return
		}
	}
	bind := &b.program.Bindings[len(b.program.Bindings)-1]
	bind.Over, bind.ElemType = p.Port, elem.Text
}

// own makes the Refs of a mapped step's output elements of the step that continues it.
func own(out reflect.Value, owner string) {
	claim := func(h **ref.Handle) {
		if *h != nil {
			c := **h
			c.Owner = owner
			*h = &c
		}
	}
	if ref.IsRef(out.Type()) {
		claim(handleAt(out, nil, 0))
		return
	}
	if out.Kind() != reflect.Struct {
		return
	}
	for i := range out.NumField() {
		if ref.IsRef(out.Field(i).Type()) && out.Field(i).CanSet() {
			claim(handleAt(out, []int{i}, 0))
		}
	}
}

func (m Mapped[Out]) check(p *Builder) error {
	switch {
	case m.p == nil:
		return errors.New("the mapped step to continue is the zero Mapped: pass what pipeline.Map or pipeline.Then returned")
	case m.p != p:
		return fmt.Errorf("the mapped step to continue is of another build, of pipeline %s", m.p.build.Pipeline)
	}
	return nil
}
