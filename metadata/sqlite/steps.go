package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/tenon-ml/tenon/metadata"
)

// ofRun begins the WHERE clause of what belongs to a run.
const ofRun = "run = (SELECT n FROM runs WHERE id = ?)"

// place is the place of a row in the order of steps.
type place struct {
	Step  string
	Index int
}

// Steps implements [metadata.Store].
func (s *store) Steps(ctx context.Context, q metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	var after place
	err := q.Validate()
	if err == nil {
		err = begin(q.Cursor, &after)
	}
	if err != nil {
		return metadata.Page[metadata.Step]{}, err
	}
	sel := query{sql: "SELECT body FROM steps WHERE " + ofRun, args: []any{q.Run}}
	if q.After != "" {
		sel.add(" AND (step, idx) > (?, ?)", after.Step, after.Index)
	}
	if q.Step != "" {
		sel.add(" AND step = ?", q.Step)
	}
	if q.Index != nil {
		sel.add(" AND idx = ?", *q.Index)
	}
	if states := slices.Compact(slices.Sorted(slices.Values(q.States))); len(states) > 0 {
		sel.add(" AND state IN ("+marks(len(states))+")", anys(states)...)
	}
	if q.NoElements {
		sel.add(" AND idx = -1")
	}
	sel.add(" ORDER BY step, idx LIMIT ?", q.Size()+1)
	return page(ctx, s, "list steps", sel, q.Size(), scanBody[metadata.Step], func(st metadata.Step) any { return place{st.Step, st.Index} })
}

// CountSteps implements [metadata.Store].
func (s *store) CountSteps(ctx context.Context, run string) (map[metadata.StepState]int, error) {
	if err := metadata.ValidateKey("run", run); err != nil {
		return nil, err
	}
	counts := map[metadata.StepState]int{}
	q := query{sql: "SELECT state, count(*) FROM steps WHERE " + ofRun + " AND elements = 0 GROUP BY state", args: []any{run}}
	err := s.each(ctx, q, func(row scanner) (bool, error) {
		var state metadata.StepState
		var n int
		err := row.Scan(&state, &n)
		counts[state] = n
		return true, err
	})
	if err != nil {
		return nil, s.coded("count steps", err)
	}
	return counts, nil
}

const (
	// newestOfKeys finds the newest result of each of many keys, in one round trip.
	newestOfKeys = `SELECT k.key, s.body FROM json_each(?) k
		CROSS JOIN steps s ON s.n = (SELECT n FROM steps WHERE cache = k.value ORDER BY computed DESC LIMIT 1)`
	newestFirst = "SELECT body FROM steps WHERE cache = ? ORDER BY computed DESC"
)

// Lookup implements [metadata.Store].
func (s *store) Lookup(ctx context.Context, keys []string) (map[string]metadata.Step, error) {
	if err := metadata.ValidateCacheKeys(keys); err != nil {
		return nil, err
	}
	if len(keys) == 1 {
		return s.lookupOne(ctx, keys[0])
	}
	hashes := make([]int64, len(keys))
	for i, key := range keys {
		hashes[i] = cacheHash(key)
	}
	list, err := toJSON(hashes)
	if err != nil {
		return nil, err
	}
	found := make(map[string]metadata.Step, len(keys))
	var hidden []string // behind results of another key with the same hash
	err = s.each(ctx, query{sql: newestOfKeys, args: []any{list}}, func(row scanner) (bool, error) {
		var i int
		var body []byte
		if err := row.Scan(&i, &body); err != nil {
			return false, err
		}
		step, err := fromJSON[metadata.Step](body)
		if step.CacheKey == keys[i] {
			found[keys[i]] = step
		} else {
			hidden = append(hidden, keys[i])
		}
		return true, err
	})
	for _, key := range hidden {
		if err == nil {
			err = s.lookupHidden(ctx, key, found)
		}
	}
	if err != nil {
		return nil, s.coded("look up results", err)
	}
	return found, nil
}

// lookupOne is what the links of a chain of steps do, one after the other.
func (s *store) lookupOne(ctx context.Context, key string) (map[string]metadata.Step, error) {
	found := map[string]metadata.Step{}
	step, err := scanBody[metadata.Step](s.row(ctx, newestFirst+" LIMIT 1", cacheHash(key)))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return found, nil
	case err == nil && step.CacheKey == key:
		found[key] = step
	case err == nil:
		err = s.lookupHidden(ctx, key, found)
	}
	if err != nil {
		return nil, s.coded("look up a result", err)
	}
	return found, nil
}

func (s *store) lookupHidden(ctx context.Context, key string, found map[string]metadata.Step) error {
	return s.each(ctx, query{sql: newestFirst, args: []any{cacheHash(key)}}, func(row scanner) (bool, error) {
		step, err := scanBody[metadata.Step](row)
		if err != nil || step.CacheKey != key {
			return true, err
		}
		found[key] = step
		return false, nil
	})
}
