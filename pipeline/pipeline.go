package pipeline

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/hookset"
	"github.com/tenon-ml/tenon/internal/part"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// Pipeline is a pipeline with parameters P and results Out. P is a struct of parameters, Out a struct of Refs, a single Ref, or
// struct{}. A Pipeline is immutable and safe for concurrent use.
type Pipeline[P, Out any] struct {
	name string
	fn   func(*Builder, P) Out
	opts options
}

// Definition is a pipeline without its type parameters. Only *[Pipeline] implements it.
type Definition interface {
	part.Part
	// Name returns the pipeline's name.
	Name() string
	// Doc returns the one-line description, or "".
	Doc() string
	// NewParams returns a pointer to new parameters that hold the defaults.
	NewParams() any
	// Build builds the graph for parameters that NewParams made.
	Build(params any) (*graph.Program, error)
}

// Option configures a pipeline; see [Codecs], [Defaults], [Doc], [StepDefaults] and [OnFailure].
type Option func(*options)

type options struct {
	codecs   []codec.Codec
	defaults any
	doc      string
	steps    step.Config
	hooks    hookset.Set
	errs     []error
}

// Codecs binds codecs to types for all values of the pipeline, before the built-in ones.
func Codecs(codecs ...artifact.AnyCodec) Option {
	return func(o *options) {
		for _, c := range codecs {
			bound, err := c.TenonAnyCodec(ref.Access{})
			if err != nil {
				o.errs = append(o.errs, err)
				continue
			}
			o.codecs = append(o.codecs, bound)
		}
	}
}

// Defaults gives the parameters' default values, of the pipeline's type P. Without it every default is the zero value.
func Defaults[P any](params P) Option {
	return func(o *options) { o.defaults = params }
}

// Doc describes the pipeline in one line, for --help.
func Doc(text string) Option {
	return func(o *options) { o.doc = text }
}

// StepDefaults is the configuration of every step of the pipeline, below what each step says itself.
func StepDefaults(c step.Config) Option {
	return func(o *options) { o.steps = c }
}

// Define makes a pipeline. Nothing runs yet: fn is called when the graph is first needed, and again in every process that
// works on a run of it, so it must depend on nothing but its parameters. Mistakes in name or options are reported then, too.
func Define[P, Out any](name string, fn func(*Builder, P) Out, opts ...Option) *Pipeline[P, Out] {
	p := &Pipeline[P, Out]{name: name, fn: fn}
	for _, o := range opts {
		o(&p.opts)
	}
	return p
}

// Name returns the pipeline's name.
func (p *Pipeline[P, Out]) Name() string { return p.name }

// Doc returns the one-line description, or "".
func (p *Pipeline[P, Out]) Doc() string { return p.opts.doc }

// Part makes a Pipeline acceptable to tenon.Main and tenon.Open.
func (p *Pipeline[P, Out]) Part(part.Seal) {}

// NewParams returns a *P that holds the defaults.
func (p *Pipeline[P, Out]) NewParams() any {
	params := p.Params()
	return &params
}

// Params returns the default parameters.
func (p *Pipeline[P, Out]) Params() P {
	d, ok := p.opts.defaults.(P)
	if !ok {
		var zero P
		return zero
	}
	return d
}

// Build builds the graph for a *P. The error is an [Error] with all mistakes.
func (p *Pipeline[P, Out]) Build(params any) (*graph.Program, error) {
	typed, ok := params.(*P)
	if !ok || typed == nil {
		return nil, component.Errorf(component.Invalid, "pipeline %s: parameters are of type %T, want *%v", p.name, params, reflect.TypeFor[P]())
	}
	b := newBuilder(p.name, p.opts.codecs)
	b.checkPipeline(p.name, p.fn == nil, reflect.TypeFor[P](), typed, p.opts)
	if len(b.problems) > 0 {
		return nil, b.err()
	}
	var out Out
	if b.guard(func() { out = p.fn(b, *typed) }) {
		b.finish(reflect.ValueOf(&out).Elem())
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	b.program.Defaults, b.program.Hooks = p.opts.steps, p.opts.hooks
	return b.program, nil
}

// Validator may be implemented by the parameters of a pipeline, on P or *P. Validate is called before the graph is built; its error
// begins with the name of the offending parameter: "lr: must be positive".
type Validator interface{ Validate() error }

// checkPipeline reports what is wrong with the pipeline itself rather than with a step.
func (b *Builder) checkPipeline(name string, nilFunc bool, t reflect.Type, params any, o options) {
	if err := checkName(name); err != nil {
		b.report("", "", "", fmt.Errorf("pipeline name %w", err))
	}
	if nilFunc {
		b.report("", "", "", errors.New("pipeline.Define was called with a nil function"))
	}
	for _, err := range o.errs {
		b.report("", "", "", err)
	}
	if err := o.steps.Validate(); err != nil {
		b.report("", "", "", fmt.Errorf("pipeline.StepDefaults: %w", err))
	}
	if o.defaults != nil && reflect.TypeOf(o.defaults) != t {
		b.report("", "", "", fmt.Errorf("pipeline.Defaults has values of type %T, but the parameters are of type %v", o.defaults, t))
	}
	if t.Kind() != reflect.Struct {
		b.report("", "", "", fmt.Errorf("the parameters are of type %v: use a struct, or struct{} for none", t))
		return
	}
	if err := codec.Check(t); err != nil {
		b.report("", "", "", fmt.Errorf("parameters: %w", err))
	}
	if v, ok := params.(Validator); ok {
		if err := v.Validate(); err != nil {
			b.report("", "", "", fmt.Errorf("parameter %w", err))
		}
	}
}
