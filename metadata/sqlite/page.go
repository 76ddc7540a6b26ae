package sqlite

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// begin reads the place that a cursor stands for into place, a pointer.
func begin(c metadata.Cursor, place any) error {
	if c.After == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c.After)
	if err != nil || json.Unmarshal(b, place) != nil {
		return badCursor(c)
	}
	return nil
}

func badCursor(c metadata.Cursor) error {
	return component.Errorf(component.Invalid, "metadata: cursor %.40q is not one that a page of this listing returned", c.After)
}

// cursor stands for a place in the order of a listing.
func cursor(place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		return "" // places hold strings and integers only
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// add adds an item to a page that is not full yet, and otherwise says where the next page begins.
func add[T any](p *metadata.Page[T], item T, limit int, place func(last T) any) (more bool) {
	if len(p.Items) == limit {
		p.Next = cursor(place(p.Items[limit-1]))
		return false
	}
	p.Items = append(p.Items, item)
	return true
}

// page runs q, which asks for one row more than limit. Scan reads a row; place is its place in the order.
func page[T any](ctx context.Context, s *store, what string, q query, limit int, scan func(scanner) (T, error), place func(T) any) (metadata.Page[T], error) {
	p := metadata.Page[T]{Items: []T{}}
	err := s.each(ctx, q, func(row scanner) (bool, error) {
		item, err := scan(row)
		return err == nil && add(&p, item, limit, place), err
	})
	if err != nil {
		return metadata.Page[T]{}, s.coded(what, err)
	}
	return p, nil
}
