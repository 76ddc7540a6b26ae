package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Run implements [metadata.Store].
func (s *store) Run(ctx context.Context, id string) (metadata.Run, error) {
	if err := metadata.ValidateKey("run.id", id); err != nil {
		return metadata.Run{}, err
	}
	r, err := scanRun(s.row(ctx, "SELECT body, outputs FROM runs WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return metadata.Run{}, noRun(id)
	}
	return r, s.coded("read a run", err)
}

func noRun(id string) error {
	return component.Errorf(component.NotFound, "run %.80q does not exist", id)
}

func scanRun(row scanner) (metadata.Run, error) {
	var body, outputs []byte
	if err := row.Scan(&body, &outputs); err != nil {
		return metadata.Run{}, err
	}
	r, err := fromJSON[metadata.Run](body)
	if err != nil || outputs == nil {
		return r, err
	}
	if err := json.Unmarshal(outputs, &r.Outputs); err != nil {
		return r, component.Errorf(component.Corrupt, "metadata: the stored outputs of run %s cannot be read: %w", r.ID, err)
	}
	return r, nil
}

// Runs implements [metadata.Store].
func (s *store) Runs(ctx context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	var after string
	err := q.Validate()
	if err == nil {
		err = begin(q.Cursor, &after)
	}
	if err != nil {
		return metadata.Page[metadata.Run]{}, err
	}
	return page(ctx, s, "list runs", runsQuery(q, after, q.Size()+1), q.Size(), scanBody[metadata.Run], func(r metadata.Run) any { return r.ID })
}

// runsQuery walks the index that fits best, from the newest run to the oldest, so that it reads little more than it returns. Runs
// in one of several states are one such walk for each state, merged.
func runsQuery(q metadata.RunQuery, after string, limit int) query {
	states := slices.Compact(slices.Sorted(slices.Values(q.States)))
	if len(states) < 2 || len(states) == len(metadata.RunStates()) || q.Lost || q.Name != "" || len(q.Tags) > 0 {
		if len(states) == len(metadata.RunStates()) {
			states = nil
		}
		one := runsWalk(q, states, after, limit)
		return query{sql: "SELECT body FROM (" + one.sql + ")", args: one.args}
	}
	all := query{sql: "SELECT body FROM ("}
	for i, state := range states {
		if i > 0 {
			all.sql += " UNION ALL "
		}
		one := runsWalk(q, []metadata.RunState{state}, after, limit)
		all.add("SELECT * FROM ("+one.sql+")", one.args...)
	}
	all.add(") ORDER BY id DESC LIMIT ?", limit)
	return all
}

func runsWalk(q metadata.RunQuery, states []metadata.RunState, after string, limit int) query {
	id, tags := "r.id", slices.Sorted(maps.Keys(q.Tags))
	var w query
	switch {
	case len(tags) > 0:
		id = "t.run_id"
		w.add("SELECT r.id, r.body FROM run_tags t CROSS JOIN runs r ON r.id = t.run_id WHERE t.key = ? AND t.value = ?", tags[0], q.Tags[tags[0]])
		tags = tags[1:]
	case q.Lost:
		w.sql = "SELECT r.id, r.body FROM runs r INDEXED BY runs_lost WHERE TRUE"
	case q.Name != "":
		w.sql = "SELECT r.id, r.body FROM runs r INDEXED BY runs_by_name WHERE TRUE"
	case q.Pipeline != "" && len(states) == 1:
		w.sql = "SELECT r.id, r.body FROM runs r INDEXED BY runs_by_pipeline_state WHERE TRUE"
	case q.Pipeline != "":
		w.sql = "SELECT r.id, r.body FROM runs r INDEXED BY runs_by_pipeline WHERE TRUE"
	case len(states) == 1:
		w.sql = "SELECT r.id, r.body FROM runs r INDEXED BY runs_by_state WHERE TRUE"
	default:
		w.sql = "SELECT r.id, r.body FROM runs r INDEXED BY runs_by_id WHERE TRUE"
	}
	if q.Lost {
		w.sql += " AND r.lost"
	}
	if q.Name != "" {
		w.add(" AND r.name = ?", q.Name)
	}
	if q.Pipeline != "" {
		w.add(" AND r.pipeline = ?", q.Pipeline)
	}
	if len(states) > 0 {
		w.add(" AND r.state IN ("+marks(len(states))+")", anys(states)...)
	}
	if after != "" {
		w.add(" AND "+id+" < ?", after)
	}
	if !q.Before.IsZero() {
		w.add(" AND "+id+" < ?", metadata.FirstID(q.Before))
	}
	if q.IDPrefix != "" {
		w.add(" AND "+id+" >= ? AND "+id+" < ?", q.IDPrefix, endOfPrefix(q.IDPrefix))
	}
	for _, k := range tags {
		w.add(" AND EXISTS (SELECT 1 FROM run_tags o WHERE o.key = ? AND o.value = ? AND o.run_id = r.id)", k, q.Tags[k])
	}
	w.add(" ORDER BY "+id+" DESC LIMIT ?", limit)
	return w
}

// endOfPrefix is greater than every string that has a prefix, and not greater than others behind them: no text holds this byte.
func endOfPrefix(prefix string) string { return prefix + "\xff" }

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func anys[T ~string](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
