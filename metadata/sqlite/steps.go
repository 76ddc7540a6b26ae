package sqlite

import (
	"context"
	"strconv"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// place is the place of a row in the order of steps.
type place struct {
	Step  string
	Index int
}

// Steps implements [metadata.Store].
func (s *store) Steps(ctx context.Context, q metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	limit, err := limitOf(q.Cursor)
	if err != nil {
		return metadata.Page[metadata.Step]{}, err
	}
	var after place
	if err := decodeCursor(q.After, &after); err != nil {
		return metadata.Page[metadata.Step]{}, err
	}
	sel := query{sql: "SELECT body FROM steps WHERE run_id = ?", args: []any{q.Run}}
	if q.After != "" {
		sel.where("(step, idx) > (?, ?)", after.Step, after.Index)
	}
	if q.Step != "" {
		sel.where("step = ?", q.Step)
	}
	if len(q.States) > 0 {
		sel.where("state IN ("+marks(len(q.States))+")", anys(q.States)...)
	}
	if q.NoElements {
		sel.where("idx = -1")
	}
	sel.sql += " ORDER BY step, idx"
	return page(ctx, s, "list steps", sel, limit, body[metadata.Step], func(st metadata.Step) any { return place{st.Step, st.Index} })
}

// CountSteps implements [metadata.Store].
func (s *store) CountSteps(ctx context.Context, run string) (map[metadata.StepState]int, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT state, count(*) FROM steps WHERE run_id = ? AND elements = 0 GROUP BY state", run)
	if err != nil {
		return nil, s.coded("count steps", err)
	}
	defer rows.Close()
	counts := map[metadata.StepState]int{}
	for rows.Next() {
		var state metadata.StepState
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, s.coded("count steps", err)
		}
		counts[state] = n
	}
	return counts, s.coded("count steps", rows.Err())
}

// Lookup implements [metadata.Store].
func (s *store) Lookup(ctx context.Context, keys []string) (map[string]metadata.Step, error) {
	found := make(map[string]metadata.Step, len(keys))
	if len(keys) > maxLimit {
		return nil, component.Errorf(component.Invalid, "metadata: %d keys in one lookup, the limit is %d", len(keys), maxLimit)
	}
	st, err := s.lookupStmt(ctx)
	if err != nil {
		return nil, s.coded("look up results", err)
	}
	for _, key := range keys {
		rows, err := st.QueryContext(ctx, key)
		if err != nil {
			return nil, s.coded("look up results", err)
		}
		if rows.Next() {
			step, err := body[metadata.Step](rows)
			if err != nil {
				rows.Close()
				return nil, s.coded("look up results", err)
			}
			found[key] = step
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, s.coded("look up results", err)
		}
	}
	return found, nil
}

// Attempts implements [metadata.Store].
func (s *store) Attempts(ctx context.Context, q metadata.AttemptQuery) (metadata.Page[metadata.Attempt], error) {
	limit, err := limitOf(q.Cursor)
	if err != nil {
		return metadata.Page[metadata.Attempt]{}, err
	}
	after := ""
	if err := decodeCursor(q.After, &after); err != nil {
		return metadata.Page[metadata.Attempt]{}, err
	}
	sel := query{sql: "SELECT body FROM attempts WHERE run_id = ? AND id > ?", args: []any{q.Run, after}}
	if q.Step != "" {
		sel.where("step = ?", q.Step)
	}
	if q.Index != nil {
		sel.where("idx = ?", *q.Index)
	}
	sel.sql += " ORDER BY id"
	return page(ctx, s, "list attempts", sel, limit, body[metadata.Attempt], func(a metadata.Attempt) any { return a.ID })
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
	limit, err := limitOf(q.Cursor)
	if err != nil {
		return metadata.Page[metadata.Metric]{}, err
	}
	var after point
	if err := decodeCursor(q.After, &after); err != nil {
		return metadata.Page[metadata.Metric]{}, err
	}
	sel := query{sql: "SELECT step, idx, attempt, seq, name, value, time FROM metrics WHERE run_id = ?", args: []any{q.Run}}
	if q.After != "" {
		sel.where("(step, idx, attempt, seq) > (?, ?, ?, ?)", after.Step, after.Index, after.Attempt, after.Seq)
	}
	if q.Step != "" {
		sel.where("step = ?", q.Step)
	}
	if q.Name != "" {
		sel.where("name = ?", q.Name)
	}
	sel.sql += " ORDER BY step, idx, attempt, seq"
	return page(ctx, s, "list metrics", sel, limit, func(row scanner) (metadata.Metric, error) {
		m := metadata.Metric{StepKey: metadata.StepKey{Run: q.Run}}
		var value string
		var at int64
		if err := row.Scan(&m.Step, &m.Index, &m.Attempt, &m.Seq, &m.Name, &value, &at); err != nil {
			return m, err
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return m, component.Errorf(component.Corrupt, "metadata: metric %s: %w", m.Name, err)
		}
		m.Value, m.Time = v, time.Unix(0, at).UTC()
		return m, nil
	}, func(m metadata.Metric) any { return point{m.Step, m.Index, m.Attempt, m.Seq} })
}
