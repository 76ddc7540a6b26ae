package preview

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// sample is how many elements of a mapped step are looked at for how long one takes.
const sample = 200

// durations finds how long steps took when they were computed.
type durations struct {
	store metadata.Store
	known map[runStep]time.Duration
}

type runStep struct{ run, step string }

func newDurations(store metadata.Store) *durations {
	return &durations{store: store, known: map[runStep]time.Duration{}}
}

// of returns how long a step took that a run recorded, or one element of it, on average. What came from the cache took as long as where it was
// computed. It is 0 if that is no longer recorded.
func (d *durations) of(ctx context.Context, key metadata.StepKey) (time.Duration, error) {
	at := runStep{key.Run, key.Step}
	if took, ok := d.known[at]; ok {
		return took, nil
	}
	d.known[at] = 0 // runs may have elements from each other
	rows, err := d.rows(ctx, key)
	if err != nil {
		return 0, err
	}
	sum, n := time.Duration(0), time.Duration(0)
	for _, row := range rows {
		took, err := d.row(ctx, row)
		if err != nil {
			return 0, err
		}
		if took > 0 {
			sum, n = sum+took, n+1
		}
	}
	d.known[at] = sum / max(n, 1)
	return d.known[at], nil
}

// rows returns the row of a step that is not mapped, or some of the elements of one that is.
func (d *durations) rows(ctx context.Context, key metadata.StepKey) ([]metadata.Step, error) {
	page, err := d.store.Steps(ctx, metadata.StepQuery{Run: key.Run, Step: key.Step, Cursor: metadata.Cursor{Limit: sample}})
	var rows []metadata.Step
	for _, row := range page.Items {
		if (row.Index >= 0) == (key.Index >= 0) {
			rows = append(rows, row)
		}
	}
	return rows, err
}

func (d *durations) row(ctx context.Context, row metadata.Step) (time.Duration, error) {
	switch {
	case row.State == metadata.StepSucceeded:
		return max(row.Finished.Sub(row.Started), 1), nil
	case row.Origin != nil:
		return d.of(ctx, *row.Origin)
	}
	return 0, nil
}

// timesOf is how many elements of a mapped step are expected to run.
func timesOf(s *pipeline.PlannedStep) int {
	return len(s.Elements.Run) + s.Elements.Depends
}

// atOnce is how many of n attempts run at once.
func (r Request) atOnce(n int) int {
	if r.Parallel == 0 {
		return n
	}
	return min(n, r.Parallel)
}

// duration is how long steps take together: as long as the longest chain, or as all of them on what may run at once, whichever is longer. Steps
// that may run count as if they did, unless it is open whether they do.
func (r Request) duration(steps []pipeline.PlannedStep) (took time.Duration, unmeasured []string) {
	ends := make(map[string]time.Duration, len(steps))
	var work time.Duration
	for i, s := range steps {
		start := time.Duration(0)
		for _, up := range r.Graph.Nodes[i].Upstream() {
			start = max(start, ends[up])
		}
		own := s.Took
		if s.Elements != nil {
			own /= time.Duration(max(1, r.atOnce(timesOf(&s))))
		}
		ends[s.Name] = start + own
		took, work = max(took, ends[s.Name]), work+s.Took
		if s.Action == pipeline.ActionRun && s.Took == 0 {
			unmeasured = append(unmeasured, s.Name)
		}
	}
	if r.Parallel > 0 {
		took = max(took, work/time.Duration(r.Parallel))
	}
	return took, unmeasured
}
