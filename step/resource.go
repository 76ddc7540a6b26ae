package step

import (
	"context"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/scope"
)

// Resource is a dependency that steps share, such as a pool of database connections: a package variable that holds how it is opened,
// and never what was opened. Make one with [NewResource]. Safe for concurrent use.
//
// A resource is opened when a step first asks for it, once for each tenon.Client and once in each worker process, and closed with the client
// or the process. It is no input of a step: it is not part of the cache key.
type Resource[T any] struct {
	name  string
	open  func(ctx context.Context) (T, error)
	close func(v T) error
}

// NewResource returns a resource. Name is for errors. Open may ask for other resources; its context lives until the resource is
// closed, and belongs to no attempt. Closing is called in the reverse order of opening; nil means that there is nothing to do.
//
//	var DB = step.NewResource("db", openDB, (*sql.DB).Close)
func NewResource[T any](name string, open func(ctx context.Context) (T, error), closing func(v T) error) *Resource[T] {
	return &Resource[T]{name, open, closing}
}

// Get returns what was opened, and opens it if nobody has yet; who asks meanwhile waits, no longer than its own ctx. A failed opening is not
// remembered: the next call tries again. A panic of the opener is an error.
//
// Outside a run, in a unit test of a step, the error has the code FailedPrecondition unless ctx came from [Resource.With].
func (r *Resource[T]) Get(ctx context.Context) (T, error) {
	var none T
	if v, ok := ctx.Value(r).(replaced[T]); ok {
		return v.value, nil
	}
	if r.open == nil {
		return none, component.Errorf(component.Invalid, "resource %s has no function that opens it", r.name)
	}
	all := scope.ResourcesFrom(ctx)
	if all == nil {
		return none, component.Errorf(component.FailedPrecondition,
			"resource %s is opened only within a run: give a test its own with the resource's method With", r.name)
	}
	got, err := all.Get(ctx, scope.Opener{
		Key: r, Name: r.name,
		Open:  func(ctx context.Context) (any, error) { return r.open(ctx) },
		Close: r.closer(),
	})
	if err != nil {
		return none, err
	}
	v, _ := got.(T) // nil if T is an interface
	return v, nil
}

func (r *Resource[T]) closer() func(any) error {
	if r.close == nil {
		return nil
	}
	return func(got any) error {
		v, _ := got.(T)
		return r.close(v)
	}
}

// With returns a context in which r is value: for tests, of a step or of a whole pipeline that runs in this process, and for a program that
// has opened what its steps need. The caller closes value. Other resources that use r are opened for the whole process, without it.
func (r *Resource[T]) With(ctx context.Context, value T) context.Context {
	return context.WithValue(ctx, r, replaced[T]{value})
}

type replaced[T any] struct{ value T }
