package engine_test

import (
	"context"

	"github.com/tenon-ml/tenon/artifact"
)

// in is the input of most steps of these tests. Name is part of the cache key.
type in struct {
	Name string
	From []artifact.Ref[int]
}

// act makes a step of a function from the values of its inputs.
func act(fn func(ctx context.Context, name string, from []int) (int, error)) func(context.Context, in) (artifact.Ref[int], error) {
	return func(ctx context.Context, i in) (artifact.Ref[int], error) {
		from := make([]int, len(i.From))
		for k := range from {
			from[k] = i.From[k].Value()
		}
		n, err := fn(ctx, i.Name, from)
		return artifact.New(n), err
	}
}

// sum is a step that adds its inputs and one.
var sum = act(func(_ context.Context, _ string, from []int) (int, error) {
	n := 1
	for _, f := range from {
		n += f
	}
	return n, nil
})

// numbers is a step that makes a list.
func numbers(_ context.Context, in struct{ N int }) (artifact.Ref[[]int], error) {
	list := make([]int, in.N)
	for i := range list {
		list[i] = i
	}
	return artifact.New(list), nil
}

// item is the input of an element.
type item struct{ Item artifact.Ref[int] }

func itemOf(e artifact.Ref[int]) item { return item{e} }

func same(out artifact.Ref[int]) artifact.Ref[int] { return out }

// none are the parameters of most pipelines of these tests.
type none = struct{}
