package step

import (
	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/internal/hookset"
	"github.com/tenon-ml/tenon/internal/ref"
)

// OnSuccess calls hooks when the step succeeded or was cached; the event's State says which. A mapped step ends once, with its last
// element. See package hook.
func OnSuccess(hooks ...hook.Hook) Option { return hooked{hookset.Set{Success: hooks}} }

// OnFailure calls hooks when the step failed and has no attempts left.
func OnFailure(hooks ...hook.Hook) Option { return hooked{hookset.Set{Failure: hooks}} }

// OnEnd calls hooks when the step ended in whatever way, also when it was skipped or cancelled.
func OnEnd(hooks ...hook.Hook) Option { return hooked{hookset.Set{End: hooks}} }

type hooked struct{ hookset.Set }

// StepOption makes hooks an [Option].
func (h hooked) StepOption(o *ref.Options) { o.Hooks = append(o.Hooks, h.Set) }
