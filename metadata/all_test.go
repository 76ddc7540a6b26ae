package metadata_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/tenon-ml/tenon/metadata"
)

// counted lists the numbers below 25 as the IDs of runs.
func counted(calls *[]metadata.RunQuery) func(context.Context, metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	return func(_ context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
		*calls = append(*calls, q)
		first, _ := strconv.Atoi(q.After)
		var page metadata.Page[metadata.Run]
		for i := first; i < min(first+q.Limit, 25); i++ {
			page.Items = append(page.Items, metadata.Run{ID: strconv.Itoa(i)})
		}
		if next := first + q.Limit; next < 25 {
			page.Next = strconv.Itoa(next)
		}
		return page, nil
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		at           metadata.Cursor
		first, calls int
	}{
		{metadata.Cursor{}, 0, 1}, {metadata.Cursor{Limit: 10}, 0, 3}, {metadata.Cursor{Limit: 25}, 0, 1}, {metadata.Cursor{After: "7", Limit: 9}, 7, 2},
	} {
		var calls []metadata.RunQuery
		want := test.first
		for r, err := range metadata.All(t.Context(), counted(&calls), metadata.RunQuery{Pipeline: "p", Cursor: test.at}) {
			if err != nil || r.ID != strconv.Itoa(want) {
				t.Fatalf("from %+v: got %q, want %d (%v)", test.at, r.ID, want, err)
			}
			want++
		}
		if want != 25 || len(calls) != test.calls {
			t.Errorf("from %+v: ended at %d after %d calls, want 25 after %d", test.at, want, len(calls), test.calls)
		}
		if slices.ContainsFunc(calls, func(q metadata.RunQuery) bool { return q.Pipeline != "p" || q.Limit == 0 }) {
			t.Errorf("asked %+v", calls)
		}
	}
}

func TestAllEnds(t *testing.T) {
	t.Parallel()
	var calls []metadata.RunQuery
	for range metadata.All(t.Context(), counted(&calls), metadata.RunQuery{Cursor: metadata.Cursor{Limit: 2}}) {
		break
	}
	if len(calls) != 1 {
		t.Errorf("who leaves the loop was given %d pages", len(calls))
	}
	broken := errors.New("no disk")
	seen := 0
	for r, err := range metadata.All(t.Context(), func(_ context.Context, q metadata.SignalQuery) (metadata.Page[metadata.Signal], error) {
		if q.After != "" {
			return metadata.Page[metadata.Signal]{}, broken
		}
		return metadata.Page[metadata.Signal]{Items: []metadata.Signal{{ID: "1"}}, Next: "1"}, nil
	}, metadata.SignalQuery{Run: "r"}) {
		if seen++; seen == 2 && (!errors.Is(err, broken) || r.ID != "") {
			t.Errorf("the second is %q, %v", r.ID, err)
		}
	}
	if seen != 2 {
		t.Errorf("got %d items", seen)
	}
}
