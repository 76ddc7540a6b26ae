package sqlite

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// forgetLimit bounds the rows of one transaction, so that other writers wait but milliseconds.
const forgetLimit = 200

// Forget implements [metadata.Store].
func (s *store) Forget(ctx context.Context, keys []string, before time.Time) (int, error) {
	if err := metadata.ValidateForget(keys, before); err != nil {
		return 0, err
	}
	computed := int64(math.MaxInt64)
	if !before.IsZero() {
		computed = nanos(before)
	}
	total := 0
	for first := true; first || len(keys) > 0; first = false {
		var forgotten int
		var rest []string
		err := s.free(ctx, "forget results", false, func(t *tx) (err error) {
			forgotten, rest, err = t.forget(keys, computed)
			return err
		})
		if err != nil {
			return total, err
		}
		total, keys = total+forgotten, rest
	}
	return total, nil
}

// forgettable finds what is recorded under a cache key in runs that have ended.
const forgettable = `SELECT s.n, s.run, s.body FROM steps s CROSS JOIN runs r ON r.n = s.run
	WHERE s.cache = ? AND s.computed < ? AND s.body ->> 'cache_key' = ? AND r.state IN (?, ?, ?) LIMIT ?`

// forget forgets a limited number of rows, and returns how many, and the keys that it has not come to the end of.
func (t *tx) forget(keys []string, before int64) (n int, rest []string, err error) {
	for i, key := range keys {
		rows, err := t.forgettable(key, before, forgetLimit-n)
		if err != nil {
			return n, nil, err
		}
		for _, row := range rows {
			if err := t.forgetRow(row); err != nil {
				return n, nil, err
			}
		}
		if n += len(rows); n == forgetLimit {
			return n, keys[i:], nil
		}
	}
	return n, nil, nil
}

// stepRow is a row of steps.
type stepRow struct {
	n, run int64
	metadata.Step
}

func (t *tx) forgettable(key string, before int64, limit int) (found []stepRow, err error) {
	st, err := t.stmt(forgettable) //nolint:sqlclosecheck // kept
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(context.Background(), cacheHash(key), before, key,
		string(metadata.RunSucceeded), string(metadata.RunFailed), string(metadata.RunCancelled), limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row stepRow
		var body []byte
		if err := rows.Scan(&row.n, &row.run, &body); err != nil {
			return nil, err
		}
		if row.Step, err = fromJSON[metadata.Step](body); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// forgetRow hides a row from Lookup, and releases the content of its outputs.
func (t *tx) forgetRow(row stepRow) error {
	if err := t.release(row.run, row.n); err != nil {
		return err
	}
	for i := range row.Outputs {
		o := &row.Outputs[i]
		named, err := t.holds("SELECT EXISTS (SELECT 1 FROM versions WHERE artifact = ?)", o.ID)
		if err != nil {
			return err
		}
		if named {
			if err := t.referRecord(row.run, row.n, o.Record); err != nil {
				return err
			}
			continue
		}
		kept, err := t.keptByRun(row.run, o.Record)
		if err != nil {
			return err
		}
		o.Pruned = !kept
	}
	if _, err := t.exec(heirOfStep, row.n); err != nil {
		return err
	}
	body, err := toJSON(row.Step)
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE steps SET cache = NULL, entry = 0, body = ? WHERE n = ?", body, row.n)
	return err
}

// keptByRun reports whether a run keeps all content of a record as long as it is there. It does if there is none in the artifact store.
func (t *tx) keptByRun(run int64, r artifact.Record) (kept bool, err error) {
	kept = true
	contents(r, func(d artifact.Digest) {
		if kept && err == nil {
			kept, err = t.holds("SELECT EXISTS (SELECT 1 FROM content_refs WHERE digest = ? AND run = ? AND owner = ?)", sum(d), run, theRun)
		}
	})
	return kept, err
}
