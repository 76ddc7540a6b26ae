// Package hookset sorts hooks by the outcomes that they are told of.
package hookset

import (
	"slices"

	"github.com/tenon-ml/tenon/hook"
)

// Set is the hooks of a run, or of a step. The zero value is empty.
type Set struct {
	Success []hook.Hook // told when it succeeded, or was cached
	Failure []hook.Hook // told when it failed
	End     []hook.Hook // told however it ended
}

// Join returns the hooks of s and then those of other.
func (s Set) Join(other Set) Set {
	return Set{
		Success: slices.Concat(s.Success, other.Success),
		Failure: slices.Concat(s.Failure, other.Failure),
		End:     slices.Concat(s.End, other.End),
	}
}

// For returns the hooks that are told of an end in a state.
func (s Set) For(state string) []hook.Hook {
	switch state {
	case "succeeded", "cached":
		return slices.Concat(s.Success, s.End)
	case "failed":
		return slices.Concat(s.Failure, s.End)
	}
	return s.End
}

// All returns all hooks.
func (s Set) All() []hook.Hook { return slices.Concat(s.Success, s.Failure, s.End) }
