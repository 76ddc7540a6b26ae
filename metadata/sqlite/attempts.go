package sqlite

import (
	"context"
	"database/sql"
	"math"

	"github.com/tenon-ml/tenon/metadata"
)

// Attempts implements [metadata.Store].
func (s *store) Attempts(ctx context.Context, q metadata.AttemptQuery) (metadata.Page[metadata.Attempt], error) {
	var after string
	err := q.Validate()
	if err == nil {
		err = begin(q.Cursor, &after)
	}
	if err != nil {
		return metadata.Page[metadata.Attempt]{}, err
	}
	sel := query{sql: "SELECT body FROM attempts WHERE " + ofRun + " AND id > ?", args: []any{q.Run, after}}
	if q.Step != "" {
		sel.add(" AND step = ?", q.Step)
	}
	if q.Index != nil {
		sel.add(" AND idx = ?", *q.Index)
	}
	sel.add(" ORDER BY id LIMIT ?", q.Size()+1)
	return page(ctx, s, "list attempts", sel, q.Size(), scanBody[metadata.Attempt], func(a metadata.Attempt) any { return a.ID })
}

// point is the place of a metric in the order of metrics.
type point struct {
	Step    string
	Index   int
	Attempt string
	Seq     int
}

// Metrics implements [metadata.Store].
func (s *store) Metrics(ctx context.Context, q metadata.MetricQuery) (metadata.Page[metadata.Metric], error) {
	var after point
	err := q.Validate()
	if err == nil {
		err = begin(q.Cursor, &after)
	}
	if err != nil {
		return metadata.Page[metadata.Metric]{}, err
	}
	sel := query{sql: "SELECT step, idx, attempt, seq, name, value, time FROM metrics WHERE " + ofRun, args: []any{q.Run}}
	if q.After != "" {
		sel.add(" AND (step, idx, attempt, seq) > (?, ?, ?, ?)", after.Step, after.Index, after.Attempt, after.Seq)
	}
	if q.Step != "" {
		sel.add(" AND step = ?", q.Step)
	}
	if q.Name != "" {
		sel.add(" AND name = ?", q.Name)
	}
	sel.add(" ORDER BY step, idx, attempt, seq LIMIT ?", q.Size()+1)
	return page(ctx, s, "list metrics", sel, q.Size(), func(row scanner) (metadata.Metric, error) {
		m := metadata.Metric{StepKey: metadata.StepKey{Run: q.Run}}
		var value sql.NullFloat64
		var at int64
		if err := row.Scan(&m.Step, &m.Index, &m.Attempt, &m.Seq, &m.Name, &value, &at); err != nil {
			return m, err
		}
		m.Value, m.Time = value.Float64, fromNanos(at)
		if !value.Valid {
			m.Value = math.NaN()
		}
		return m, nil
	}, func(m metadata.Metric) any { return point{m.Step, m.Index, m.Attempt, m.Seq} })
}
