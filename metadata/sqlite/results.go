package sqlite

import (
	"context"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// What stands for a result in listings is the row of the step that computed it. When that goes, the newest row that has a copy takes its place.
const (
	heirsOfRun = `UPDATE steps SET entry = 1 WHERE n IN (
		SELECT (SELECT c.n FROM steps c WHERE c.cache = d.cache AND c.computed = d.computed AND c.run <> d.run ORDER BY c.n DESC LIMIT 1)
		FROM steps d WHERE d.run = ? AND d.entry)`
	heirOfStep = `UPDATE steps SET entry = 1 WHERE n = (
		SELECT (SELECT c.n FROM steps c WHERE c.cache = d.cache AND c.computed = d.computed AND c.n <> d.n ORDER BY c.n DESC LIMIT 1)
		FROM steps d WHERE d.n = ? AND d.entry)`
)

// byComputed walks the results that may be found again, from the one that was computed first. The rows of other pipelines than the one that
// is asked for are not read: the index has their runs.
const byComputed = `SELECT s.n, s.run, s.computed, r.pipeline, s.body FROM steps s INDEXED BY steps_by_computed CROSS JOIN runs r ON r.n = s.run
	WHERE s.entry`

// resultPlace is the place of a result in the order of the listing.
type resultPlace struct{ Computed, Run, Step int64 }

// placedResult is a result and its place.
type placedResult struct {
	metadata.Result
	at resultPlace
}

// Results implements [metadata.Store].
func (s *store) Results(ctx context.Context, q metadata.ResultQuery) (metadata.Page[metadata.Result], error) {
	var after resultPlace
	err := q.Validate()
	if err == nil {
		err = begin(q.Cursor, &after)
	}
	if err != nil {
		return metadata.Page[metadata.Result]{}, err
	}
	sel := query{sql: byComputed}
	if q.After != "" {
		sel.add(" AND (s.computed, s.run, s.n) > (?, ?, ?)", after.Computed, after.Run, after.Step)
	}
	if !q.Before.IsZero() {
		sel.add(" AND s.computed < ?", nanos(q.Before))
	}
	if q.Pipeline != "" {
		sel.add(" AND r.pipeline = ?", q.Pipeline)
	}
	sel.add(" ORDER BY s.computed, s.run, s.n LIMIT ?", q.Size()+1)
	placed, err := page(ctx, s, "list results", sel, q.Size(), scanResult, func(r placedResult) any { return r.at })
	if err != nil {
		return metadata.Page[metadata.Result]{}, err
	}
	p := metadata.Page[metadata.Result]{Items: make([]metadata.Result, len(placed.Items)), Next: placed.Next}
	for i, r := range placed.Items {
		p.Items[i] = r.Result
	}
	return p, nil
}

func scanResult(row scanner) (r placedResult, err error) {
	var body []byte
	if err := row.Scan(&r.at.Step, &r.at.Run, &r.at.Computed, &r.Pipeline, &body); err != nil {
		return r, err
	}
	step, err := fromJSON[metadata.Step](body)
	r.CacheKey, r.StepKey, r.Computed = step.CacheKey, step.StepKey, step.Computed
	for _, o := range step.Outputs {
		r.Size += storedSize(o.Record)
	}
	return r, err
}

// storedSize is the number of bytes of a record in the artifact store.
func storedSize(r artifact.Record) (size int64) {
	for _, e := range r.Elements {
		size += storedSize(e)
	}
	if inStore(r) {
		size += r.Size
	}
	return size
}
