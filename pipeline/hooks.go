package pipeline

import (
	"errors"
	"slices"

	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/hookset"
)

// OnSuccess calls hooks when a run of the pipeline has succeeded. Hooks of a pipeline that is a part of another, through [Sub], are not
// called; those of its steps are. For a step's own there are step.OnSuccess and its like; see package hook.
func OnSuccess(hooks ...hook.Hook) Option { return hooked(hookset.Set{Success: hooks}) }

// OnFailure calls hooks when a run of the pipeline has failed, for example by its timeout. A run that somebody cancelled has not failed:
// see [OnEnd].
func OnFailure(hooks ...hook.Hook) Option { return hooked(hookset.Set{Failure: hooks}) }

// OnEnd calls hooks when a run of the pipeline has ended in whatever way: succeeded, failed or cancelled.
func OnEnd(hooks ...hook.Hook) Option { return hooked(hookset.Set{End: hooks}) }

var errNilHook = errors.New("a hook is nil")

func hooked(s hookset.Set) Option {
	return func(o *options) {
		o.hooks = o.hooks.Join(s)
		if slices.Contains(s.All(), nil) {
			o.errs = append(o.errs, errNilHook)
		}
	}
}

// hooks gathers the hooks of a step's options into its binding.
func (b *Builder) hooks(w wiring, sets []any, bind *graph.Binding) {
	for _, s := range sets {
		set := s.(hookset.Set)
		if slices.Contains(set.All(), nil) {
			b.report(w.name, "", w.at, errNilHook)
		}
		bind.Hooks = bind.Hooks.Join(set)
	}
}
