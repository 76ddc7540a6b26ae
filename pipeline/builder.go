package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/stacktrace"
	"github.com/tenon-ml/tenon/step"
)

// Builder collects the steps of a pipeline while its function runs. It is valid only during that call, and not safe for concurrent
// use.
type Builder struct {
	build   *ref.Build
	program *graph.Program
	shapes  shapes
	ports   map[reflect.Type]port

	index    map[string]int // node name to position
	problems []Problem

	prefix string        // of the sub-pipeline being built: "again/"
	layers []step.Config // of the sub-pipelines being built
	inMap  string        // the mapped step whose input function runs
}

type port struct {
	graph.Port
	err error
}

func newBuilder(name string, codecs []codec.Codec) *Builder {
	return &Builder{
		build:   &ref.Build{Pipeline: name},
		program: &graph.Program{Graph: &graph.Graph{Version: graph.Version, Pipeline: name, Nodes: []graph.Node{}}, Codecs: codecs},
		shapes:  shapes{codecs: codecs, known: map[reflect.Type]*shape{}, flaws: map[reflect.Type][]flaw{}},
		ports:   map[reflect.Type]port{},
		index:   map[string]int{},
	}
}

func (b *Builder) report(step, field, at string, err error) {
	b.problems = append(b.problems, Problem{Step: step, Field: field, At: at, Err: err})
}

func (b *Builder) err() error {
	if len(b.problems) == 0 {
		return nil
	}
	return &Error{Pipeline: b.build.Pipeline, Problems: b.problems}
}

// guard calls the pipeline function, with all that it calls. It turns a panic into a problem, and then reports false: what was not
// wired for that reason is no mistake of its own.
func (b *Builder) guard(fn func()) (ok bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case ref.Unresolved:
			b.report("", "", userFrame(), r)
		default:
			b.report("", "", userFrame(), fmt.Errorf("the pipeline function panicked: %v\n%s", r, stacktrace.Recovered()))
		}
	}()
	fn()
	return true
}

// port returns how values of type t are coded, chosen once per type.
func (b *Builder) port(t reflect.Type) port {
	if p, ok := b.ports[t]; ok {
		return p
	}
	p := port{Port: graph.Port{Type: t}}
	p.Codec, p.err = codec.For(t, b.shapes.codecs)
	p.Text = codec.TypeString(t, b.shapes.codecs)
	if t.Kind() == reflect.Slice {
		// Used only for gathered lists, whose elements were checked. A list of files can be gathered, and not be coded otherwise.
		p.Elem, _ = codec.For(t.Elem(), b.shapes.codecs)
		p.ElemText = codec.TypeString(t.Elem(), b.shapes.codecs)
	}
	b.ports[t] = p
	return p
}

// wiring is one step while it is being wired.
type wiring struct {
	name string // with its prefix
	at   string // file:line
	fn   any
	opts []step.Option
	over *ref.Edge
	wait *graph.Wait
}

// admit checks what can be checked of a step before its input is looked at.
func (b *Builder) admit(name, at string, nilFunc bool) (full string) {
	full = b.prefix + name
	if err := checkName(name); err != nil {
		b.report(full, "", at, fmt.Errorf("name %w", err))
	}
	if first, dup := b.index[full]; dup {
		b.report(full, "", at, fmt.Errorf("the name is already used by the step wired at %s: give each step a name of its own", relative(b.program.Bindings[first].Wired)))
	}
	if nilFunc {
		b.report(full, "", at, errors.New("the step function is nil"))
	}
	if b.inMap != "" {
		b.report(full, "", at, fmt.Errorf("wired inside the input function of mapped step %s: that function only makes an input; wire the step outside, with pipeline.Then if it continues the elements", b.inMap))
	}
	return full
}

// options gathers the step's options into the node and binding.
func (b *Builder) options(w wiring, n *graph.Node, bind *graph.Binding) {
	var o ref.Options
	for i, opt := range w.opts {
		if opt == nil {
			b.report(w.name, "", w.at, fmt.Errorf("option %d is nil", i+1))
			continue
		}
		opt.StepOption(&o)
	}
	layers := slices.Clone(b.layers)
	for _, own := range o.Configs {
		c := own.(step.Config)
		if n.Wait != nil && !reflect.DeepEqual(c, step.Config{Timeout: c.Timeout}) {
			b.report(w.name, "", w.at, errors.New("a step that waits runs no code: of step.Config only Timeout means something"))
		}
		layers = append(layers, c)
	}
	for _, c := range layers {
		if err := c.Validate(); err != nil {
			b.report(w.name, "", w.at, err)
		}
		bind.Config = c.Merge(bind.Config)
	}
	if bind.Config.Tolerate != (step.Tolerance{}) && n.Over == nil {
		b.report(w.name, "", w.at, errors.New("tolerate: only a mapped step has elements that may fail"))
	}
	for _, h := range o.When {
		if edge, ok := b.edge(w.name, "When", w.at, h); ok {
			n.When = append(n.When, edge)
			b.program.Condition = b.port(reflect.TypeFor[bool]()).Port
		}
	}
	n.After = append(n.After, prefixed(b.prefix, o.After)...)
	b.hooks(w, o.Hooks, bind)
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// edge checks a handle that is used as an input or condition of a step.
func (b *Builder) edge(step, field, at string, h *ref.Handle) (ref.Edge, bool) {
	fail := func(format string, args ...any) (ref.Edge, bool) {
		b.report(step, field, at, fmt.Errorf(format, args...))
		return ref.Edge{}, false
	}
	switch {
	case h == nil:
		return fail("the Ref is not set: pass the Ref that an earlier step returned")
	case h.Set:
		return fail("the Ref holds a value made with artifact.New: inside a pipeline pass the Ref that a step returned, or make the value a parameter")
	case h.Build == nil:
		return ref.Edge{}, false // output of a step that was itself reported
	case h.Build != b.build:
		return fail("the Ref is of another build, of pipeline %s: use a Ref that this pipeline's own steps returned, or pipeline.Sub", h.Build.Pipeline)
	case h.Owner != "" && h.Owner != step:
		return fail("the Ref is an element of mapped step %s, which has a value only in that step: use pipeline.Gather or pipeline.Then", h.Owner)
	}
	return h.Edge, true
}

// add wires a step whose input value is in, and returns its binding to be completed.
func (b *Builder) add(w wiring, in reflect.Value) (*graph.Binding, *shape, []param) {
	sh, flaws := b.shapes.of(in.Type())
	for _, f := range flaws {
		b.report(w.name, f.path, w.at, f.err)
	}
	var l leaves
	if len(flaws) == 0 {
		l.walk(sh, in, "")
	}
	for _, f := range l.flaws {
		b.report(w.name, f.path, w.at, f.err)
	}
	n := graph.Node{Name: w.name, Over: w.over, Wait: w.wait}
	bind := graph.Binding{Func: w.fn, Wired: w.at, Sources: l.sources}
	for _, p := range l.params {
		b.param(w, &n, &bind, p)
	}
	for _, i := range l.inputs {
		edge, ok := b.edge(w.name, i.path, w.at, *i.slot.Handle)
		if !ok {
			continue
		}
		p := b.port(i.slot.Type)
		n.Inputs = append(n.Inputs, graph.Input{Name: i.path, Type: p.Text, From: edge})
		bind.Inputs = append(bind.Inputs, p.Port)
	}
	b.options(w, &n, &bind)
	b.index[w.name] = len(b.program.Graph.Nodes)
	b.program.Graph.Nodes = append(b.program.Graph.Nodes, n)
	b.program.Bindings = append(b.program.Bindings, bind)
	return &b.program.Bindings[len(b.program.Bindings)-1], sh, l.params
}

func (b *Builder) param(w wiring, n *graph.Node, bind *graph.Binding, p param) {
	if p.encoded == nil {
		return // reported
	}
	value, err := codec.CanonicalJSON(p.encoded)
	if err != nil {
		b.report(w.name, p.path, w.at, err)
		return
	}
	n.Params = append(n.Params, graph.Param{Name: p.path, Type: p.text, Value: value})
	for _, part := range [...]string{p.path, p.text, string(p.encoded)} {
		bind.Params = append(strconv.AppendInt(bind.Params, int64(len(part)), 10), ':')
		bind.Params = append(bind.Params, part...)
	}
}
