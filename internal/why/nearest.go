package why

import (
	"context"
	"errors"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Past are runs of a pipeline that results may be compared with. What was read of a run is kept, so that many steps can be compared with
// it. It is not safe for concurrent use.
type Past struct {
	store metadata.Store
	runs  []metadata.Run
	read  map[string]*Run // nil for one that cannot be understood
}

// NewPast finds the newest n runs of a pipeline: those that were made before a run, or all if its ID is empty.
func NewPast(ctx context.Context, store metadata.Store, pipeline, before string, n int) (*Past, error) {
	p := &Past{store: store, read: map[string]*Run{}}
	q := metadata.RunQuery{Pipeline: pipeline, Before: madeBefore(before), Cursor: metadata.Cursor{Limit: min(n+1, metadata.PageLimit)}}
	for run, err := range metadata.All(ctx, store.Runs, q) {
		if err != nil {
			return nil, err
		}
		if before == "" || run.ID < before { // others were made in the same millisecond
			p.runs = append(p.runs, run)
		}
		if len(p.runs) >= n {
			break
		}
	}
	return p, nil
}

// Nearest finds the result of the same step and index that facts differ from least; of several that differ alike the newest counts. Results
// that were forgotten count too. It reads one row of each run.
func (p *Past) Nearest(ctx context.Context, of Facts) (old Facts, diffs []Difference, found bool, err error) {
	var best *Run
	var row metadata.Step
	least := 0
	for _, run := range p.runs {
		result, ok, err := resultOf(ctx, p.store, run.ID, of.StepKey)
		if err != nil {
			return old, nil, false, err
		}
		if !ok {
			continue
		}
		r, err := p.run(ctx, run)
		if err != nil {
			return old, nil, false, err
		}
		if r == nil {
			continue
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
	if err := resolve(ctx, p.store, of.Inputs); err != nil {
		return old, nil, false, err
	}
	return old, Compare(old, of), true, nil
}

// run reads a run; nil if it is of another version, or was deleted meanwhile.
func (p *Past) run(ctx context.Context, run metadata.Run) (*Run, error) {
	r, known := p.read[run.ID]
	if known {
		return r, nil
	}
	r, err := Read(ctx, p.store, run)
	if errors.Is(err, component.ErrUnsupported) || errors.Is(err, component.ErrNotFound) {
		r, err = nil, nil
	}
	if err == nil {
		p.read[run.ID] = r
	}
	return r, err
}

// Nearest is [Past.Nearest] for one step: of the newest n runs of a pipeline that were made before the run of the facts.
func Nearest(ctx context.Context, store metadata.Store, pipeline string, of Facts, n int) (old Facts, diffs []Difference, found bool, err error) {
	past, err := NewPast(ctx, store, pipeline, of.Run, n)
	if err != nil {
		return old, nil, false, err
	}
	return past.Nearest(ctx, of)
}

// madeBefore is the end of the millisecond in which a run was made; zero for none.
func madeBefore(run string) time.Time {
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
