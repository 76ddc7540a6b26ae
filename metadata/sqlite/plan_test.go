package sqlite

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/metadatatest"
)

// Every query that the conformance suite makes finds its rows by an index: none scans a table that grows, and none sorts what grows.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var stores []*store
	h := harness()
	keep := func(s metadata.Store) metadata.Store {
		mu.Lock()
		defer mu.Unlock()
		stores = append(stores, s.(*store))
		return s
	}
	metadatatest.Run(t, metadatatest.Harness{
		Open: func(t *testing.T) metadata.Store {
			t.Helper()
			return keep(h.Open(t))
		},
		Reopen: func(t *testing.T, s metadata.Store) metadata.Store {
			t.Helper()
			return keep(h.Reopen(t, s))
		},
	})
	queries := map[string]bool{}
	for _, s := range stores {
		for q := range s.stmts {
			queries[q] = true
		}
		for q := range s.prepared {
			queries[q] = true
		}
	}
	queries[newestFirst] = true // the suite has no two keys of the same hash
	if len(queries) < 110 {
		t.Fatalf("the suite made only %d queries: are they still collected?", len(queries))
	}
	s := h.Open(t).(*store)
	defer s.Close()
	for q := range queries {
		if verb, _, _ := strings.Cut(q, " "); !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}, verb) {
			continue
		}
		for _, step := range explain(t, s, q) {
			if bad := badPlan(step, q); bad != "" {
				t.Errorf("%s: %s\n%s", bad, step, q)
			}
		}
	}
}

// badPlan says what is wrong with one line of a plan.
func badPlan(step, q string) string {
	switch {
	case strings.Contains(step, "TEMP B-TREE"):
		// A merge sorts as many rows for each state as one page has; counts group by a handful of states.
		if !strings.Contains(q, "UNION ALL SELECT") && !strings.Contains(q, "GROUP BY state") {
			return "sorts"
		}
	case !strings.HasPrefix(step, "SCAN "):
	case strings.Contains(step, "SCAN CONSTANT ROW"), strings.Contains(step, "VIRTUAL TABLE"): // json_each of one row
	case strings.Contains(step, "SCAN condemned"), strings.Contains(step, "SCAN stacks"), strings.Contains(step, "SCAN walk"): // small
	case strings.Contains(step, "SCAN checkpoints") && strings.Contains(q, "EXISTS (SELECT 1 FROM checkpoints)"): // its first row
	case strings.Contains(step, "SCAN (subquery"): // of one page
	case strings.Contains(step, "SCAN r USING INDEX runs_by_id"): // the listing of all runs, in order and only as far as it is read
	case strings.Contains(step, "SCAN r USING INDEX runs_lost"): // which holds the few runs whose programs died
	case strings.Contains(step, "SCAN s USING INDEX steps_by_computed"): // the listing of all results, in order and only as far as it is read
	default:
		return "scans"
	}
	return ""
}

func explain(t *testing.T, s *store, q string) []string {
	t.Helper()
	rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q, make([]any, parameters(q))...)
	if err != nil {
		t.Fatalf("%v\n%s", err, q)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

var parameter = regexp.MustCompile(`\?\d*`)

// parameters is the number of arguments that a statement takes.
func parameters(q string) int {
	n := 0
	for _, p := range parameter.FindAllString(q, -1) {
		if k, err := strconv.Atoi(p[1:]); err == nil {
			n = max(n, k)
			continue
		}
		n++
	}
	return n
}
