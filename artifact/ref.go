package artifact

import (
	"reflect"

	"github.com/tenon-ml/tenon/internal/ref"
)

// Ref refers to an artifact of type T: an edge of the graph while a pipeline is being built, a value inside a step. The
// zero Ref refers to nothing; a step input that is left zero is a build error. A Ref is immutable and safe for
// concurrent use; the value it holds is as safe as T is.
type Ref[T any] struct{ h *ref.Handle }

// New returns a Ref that holds v, as a step returns it and as a unit test passes it.
func New[T any](v T) Ref[T] {
	return Ref[T]{&ref.Handle{Value: v, Set: true}}
}

// Value returns the value. Inputs are decoded before a step is called, so there is no error to handle. Each attempt owns its
// inputs and may change them, unless its step.Config says ShareInputs.
//
// Value on a Ref without a value, which is every Ref while a pipeline is being built, is a programming mistake: it
// panics, and the builder and the engine turn the panic into an error that names the step.
func (r Ref[T]) Value() T {
	if r.h == nil {
		panic(ref.Unresolved{})
	}
	if !r.h.Set {
		panic(ref.Unresolved{Building: true, Edge: r.h.Edge})
	}
	v, _ := r.h.Value.(T) // a nil interface value of an interface type T is stored as nil
	return v
}

// TenonRef is for this module alone: its parameter's type cannot be named elsewhere.
func (r *Ref[T]) TenonRef(ref.Access) ref.Slot {
	return ref.Slot{Handle: &r.h, Type: reflect.TypeFor[T]()}
}
