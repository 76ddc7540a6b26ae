package component

import (
	"context"
	"log/slog"

	"github.com/tenon-ml/tenon/internal/part"
)

// Kind names a component interface: the type parameter is the interface, the name is its key in a stack file.
type Kind[I any] struct{ name string }

// NewKind returns the kind with the given name, such as "artifact_store".
func NewKind[I any](name string) Kind[I] { return Kind[I]{name} }

// String returns the kind's name.
func (k Kind[I]) String() string { return k.name }

// Env is what an opener gets beside its configuration.
type Env struct {
	// Home is the state directory of this installation, usually ~/.tenon. Relative paths in a configuration are
	// relative to it.
	Home string
	// Logger is never nil.
	Logger *slog.Logger
}

// Validator is what a Config type may implement. Validate is called on a pointer to the decoded configuration before
// anything is opened; it performs no I/O. Its error begins with the YAML name of the offending field: "path: must be absolute".
type Validator interface{ Validate() error }

// Flavor is one implementation of a kind. The zero value is invalid; [New] makes one. A Flavor is immutable and safe for
// concurrent use.
type Flavor struct {
	name, kind, doc string
	config          func() any
	open            func(ctx context.Context, config any, env Env) (any, error)
}

// New makes a flavor. Defaults is the configuration of a component whose file says nothing; New and [Flavor.Config] copy it with
// its maps, slices and pointers. Open receives the decoded, validated configuration. Resources that open acquires are released
// by the component's Close method, if its kind has one.
func New[C, I any](name string, kind Kind[I], defaults C, open func(context.Context, C, Env) (I, error)) Flavor {
	defaults = clone(defaults)
	f := Flavor{
		name:   name,
		kind:   kind.name,
		config: func() any { c := clone(defaults); return &c },
	}
	if open == nil {
		return f
	}
	f.open = func(ctx context.Context, config any, env Env) (any, error) {
		c, ok := config.(*C)
		if !ok || c == nil {
			return nil, Errorf(Invalid, "the configuration is a %T: want one that Flavor.Config made", config)
		}
		return open(ctx, *c, env)
	}
	return f
}

// WithDoc returns a copy of f with a one-line description, shown by "tenon flavor list".
func (f Flavor) WithDoc(doc string) Flavor {
	f.doc = doc
	return f
}

// Name returns the flavor's name, such as "s3".
func (f Flavor) Name() string { return f.name }

// Kind returns the name of the kind that the flavor implements.
func (f Flavor) Kind() string { return f.kind }

// Doc returns the one-line description.
func (f Flavor) Doc() string { return f.doc }

// Config returns a pointer to a new configuration that holds the defaults, to decode over. It shares nothing with other
// configurations, as far as reflection can copy: exported fields and what they refer to. It is nil for the zero Flavor.
func (f Flavor) Config() any {
	if f.config == nil {
		return nil
	}
	return f.config()
}

// Part makes a Flavor acceptable to tenon.Main and tenon.Open.
func (f Flavor) Part(part.Seal) {}

// Validate checks a configuration made by [Flavor.Config]. The error's code is Invalid.
func (f Flavor) Validate(config any) error {
	v, ok := config.(Validator)
	if !ok {
		return nil
	}
	if err := v.Validate(); err != nil {
		return Errorf(Invalid, "%s %q: %w", f.kind, f.name, err)
	}
	return nil
}

// Open opens a flavor of a kind with a validated configuration that [Flavor.Config] made. It is the only place where a
// kind's interface is asserted. An error keeps its code; a nil env.Logger becomes one that discards.
func Open[I any](ctx context.Context, f Flavor, kind Kind[I], config any, env Env) (I, error) {
	var zero I
	if f.kind != kind.name {
		return zero, Errorf(Invalid, "flavor %q is a %s, not a %s", f.name, f.kind, kind.name)
	}
	if f.open == nil {
		return zero, Errorf(Invalid, "flavor %q of kind %q cannot be opened: make it with component.New and an open function", f.name, f.kind)
	}
	if env.Logger == nil {
		env.Logger = slog.New(slog.DiscardHandler)
	}
	opened, err := f.open(ctx, config, env)
	if err != nil {
		return zero, Errorf(CodeOf(err), "open %s %q: %w", f.kind, f.name, err)
	}
	c, ok := opened.(I)
	if !ok {
		return zero, Errorf(Unknown, "open %s %q: the flavor returned %T and no error, which is not a %s", f.kind, f.name, opened, f.kind)
	}
	return c, nil
}
