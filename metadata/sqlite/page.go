package sqlite

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// query is a SELECT of one column that holds JSON, and the key columns of its order.
type query struct {
	sql  string
	args []any
}

func (q *query) where(cond string, args ...any) {
	q.sql += " AND " + cond
	q.args = append(q.args, args...)
}

// limitOf checks the limit of a page.
func limitOf(c metadata.Cursor) (int, error) {
	switch {
	case c.Limit == 0:
		return defaultLimit, nil
	case c.Limit < 0 || c.Limit > maxLimit:
		return 0, component.Errorf(component.Invalid, "metadata: limit %d is not between 1 and %d", c.Limit, maxLimit)
	}
	return c.Limit, nil
}

// encodeCursor makes the opaque cursor behind the given key.
func encodeCursor(key any) string {
	b, err := json.Marshal(key)
	if err != nil {
		return "" // keys are strings and integers
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads a cursor that encodeCursor made. An empty one leaves key as it is.
func decodeCursor(after string, key any) error {
	if after == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(after)
	if err == nil && len(after) <= 8*nameLimit {
		err = json.Unmarshal(b, key)
	}
	if err != nil || len(after) > 8*nameLimit {
		return component.Errorf(component.Invalid, "metadata: cursor %.40q is not one that a page returned", after)
	}
	return nil
}

// page runs q for one row more than asked, to see whether there is a next page. Scan reads a row; key is its place in the
// order.
func page[T any](ctx context.Context, s *store, what string, q query, limit int, scan func(scanner) (T, error), key func(T) any) (metadata.Page[T], error) {
	p := metadata.Page[T]{Items: []T{}}
	rows, err := s.read.QueryContext(ctx, q.sql+" LIMIT ?", append(q.args, limit+1)...)
	if err != nil {
		return p, s.coded(what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if len(p.Items) == limit {
			p.Next = encodeCursor(key(p.Items[limit-1]))
			break
		}
		item, err := scan(rows)
		if err != nil {
			return p, s.coded(what, err)
		}
		p.Items = append(p.Items, item)
	}
	return p, s.coded(what, rows.Err())
}

// body reads a row whose only column is a record as JSON.
func body[T any](row scanner) (T, error) {
	var item T
	var data []byte
	if err := row.Scan(&data); err != nil {
		return item, err
	}
	if err := json.Unmarshal(data, &item); err != nil {
		return item, component.Errorf(component.Corrupt, "metadata: %w", err)
	}
	return item, nil
}
