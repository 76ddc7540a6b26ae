package step

import (
	"context"

	"github.com/tenon-ml/tenon/internal/scope"
)

// Checkpoint saves state from which the step can go on if this attempt does not end: a later attempt of the same step, or element, in the same
// run gets it from [Restore], on a retry as after a resume. Each checkpoint replaces the one before. V is data of any type that an artifact
// may have, or a pointer to it, and may be changed once Checkpoint has returned.
//
// When Checkpoint returns nil the state is recorded and survives the end of the process. That costs what storing an output costs, a
// few milliseconds for small state: save every minute or so, rather than in a tight loop. A step that is asked to stop, or whose
// timeout passed, can still save before it returns; that ctx has ended for this reason does not matter. Outside a run it does nothing.
func Checkpoint(ctx context.Context, v any) error {
	if s := scope.From(ctx); s != nil {
		return s.Save(ctx, v)
	}
	return nil
}

// Restore sets the variable that target points to to the newest checkpoint of this step, or element, in this run, by whichever attempt. It
// reports false, and leaves the variable alone, if there is none, as in the first attempt and outside a run.
//
// The variable has the type that was saved, up to the names of types. If it has another, the error has the code Invalid and says what was saved
// and what is wanted: the program was changed in between, or another variable was saved.
func Restore(ctx context.Context, target any) (bool, error) {
	if s := scope.From(ctx); s != nil {
		return s.Restore(ctx, target)
	}
	return false, nil
}
