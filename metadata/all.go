package metadata

import (
	"context"
	"iter"
)

// paged is a query that can ask for another page: Q itself.
type paged[Q any] interface {
	cursor() Cursor
	at(c Cursor) Q
}

// All returns everything that a query selects, page by page, from its cursor on; its Limit is the size of the pages, 0 meaning the largest. An
// error comes last, with a zero value.
//
//	for run, err := range metadata.All(ctx, store.Runs, metadata.RunQuery{Pipeline: "penguins"}) {
//
// What comes or goes meanwhile may or may not be among it; what is there all the time is there once.
func All[Q paged[Q], T any](ctx context.Context, list func(context.Context, Q) (Page[T], error), q Q) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		c := q.cursor()
		if c.Limit == 0 {
			c.Limit = PageLimit
		}
		for {
			page, err := list(ctx, q.at(c))
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			c.After = page.Next
		}
	}
}

func (c Cursor) cursor() Cursor     { return c }
func (c Cursor) at(o Cursor) Cursor { return o }

func (q RunQuery) at(c Cursor) RunQuery           { q.Cursor = c; return q }
func (q StepQuery) at(c Cursor) StepQuery         { q.Cursor = c; return q }
func (q AttemptQuery) at(c Cursor) AttemptQuery   { q.Cursor = c; return q }
func (q MetricQuery) at(c Cursor) MetricQuery     { q.Cursor = c; return q }
func (q ArtifactQuery) at(c Cursor) ArtifactQuery { q.Cursor = c; return q }
func (q SignalQuery) at(c Cursor) SignalQuery     { q.Cursor = c; return q }
func (q ResultQuery) at(c Cursor) ResultQuery     { q.Cursor = c; return q }
