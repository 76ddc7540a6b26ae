package why

import (
	"context"
	"errors"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Nearest finds the earlier result that facts differ from least: of the newest n runs of a pipeline, made before the run of the facts, or of all if
// that is empty, it looks at the results of the same step and index; of several that differ alike the newest counts. Results that were forgotten
// count too. It reads a few records of each run.
func Nearest(ctx context.Context, store metadata.Store, pipeline string, of Facts, n int) (old Facts, diffs []Difference, found bool, err error) {
	var best *Run
	var row metadata.Step
	least := 0
	for run, err := range metadata.All(ctx, store.Runs, metadata.RunQuery{Pipeline: pipeline, Before: before(of.Run), Cursor: metadata.Cursor{Limit: min(n+1, metadata.PageLimit)}}) {
		if err != nil {
			return old, nil, false, err
		}
		if of.Run != "" && run.ID >= of.Run { // made in the same millisecond
			continue
		}
		if n--; n < 0 {
			break
		}
		result, ok, err := resultOf(ctx, store, run.ID, of.StepKey)
		if err != nil {
			return old, nil, false, err
		}
		if !ok {
			continue
		}
		r, err := Read(ctx, store, run)
		if errors.Is(err, component.ErrUnsupported) || errors.Is(err, component.ErrNotFound) { // of another version, or deleted meanwhile
			continue
		}
		if err != nil {
			return old, nil, false, err
		}
		facts, err := r.facts(result)
		if err != nil {
			return old, nil, false, err
		}
		if d := distance(Compare(facts, of)); best == nil || d < least {
			best, row, least = r, result, d
		}
		if least == 0 {
			break
		}
	}
	if best == nil {
		return old, nil, false, nil
	}
	if old, err = best.Facts(ctx, row); err != nil {
		return old, nil, false, err
	}
	if err := resolve(ctx, store, of.Inputs); err != nil {
		return old, nil, false, err
	}
	return old, Compare(old, of), true, nil
}

// before is the end of the millisecond in which a run was made; zero for none.
func before(run string) time.Time {
	ms, ok := madeAt(run)
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(ms + 1)
}

// resultOf returns the result that a run has for a step, or an element of it.
func resultOf(ctx context.Context, store metadata.Store, run string, key metadata.StepKey) (metadata.Step, bool, error) {
	row, err := Row(ctx, store, metadata.StepKey{Run: run, Step: key.Step, Index: key.Index})
	if errors.Is(err, component.ErrNotFound) {
		return row, false, nil
	}
	return row, err == nil && (row.State == metadata.StepSucceeded || row.State == metadata.StepCached) && row.Elements == 0, err
}

// distance says how much differences are: first how many things differ, then how many declarations.
func distance(diffs []Difference) int {
	d := 0
	for i := range diffs {
		d += 1<<16 + min(len(diffs[i].Decls), 1<<10)
	}
	return d
}
