package metadatatest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func runTests() []test {
	return []test{
		{"Pages", runPages},
		{"Stable", runStable},
		{"Filters", runFilters},
		{"Lost", runLost},
		{"Before", runBefore},
		{"Cursor", runCursor},
		{"NoOutputs", runNoOutputs},
	}
}

func (s *suite) listRuns(limit int, q metadata.RunQuery) []string {
	s.Helper()
	return ids(all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Run], error) {
		q.Cursor = c
		return s.Runs(s.Context(), q)
	}))
}

func ids(runs []metadata.Run) []string {
	var out []string
	for _, r := range runs {
		out = append(out, r.ID)
	}
	return out
}

func runPages(s *suite) {
	if got := s.listRuns(1, metadata.RunQuery{}); len(got) != 0 {
		s.Errorf("an empty store lists %v", got)
	}
	const count = 120
	var want []string
	b := metadata.Batch{}
	for range count {
		r := newRun()
		b.Create, want = append(b.Create, r), append(want, r.ID)
	}
	slices.Reverse(b.Create) // the order is that of IDs, not that of writing
	s.apply(b)
	slices.Reverse(want)
	for _, limit := range []int{1, 7, count - 1, count, count + 1, 1000} {
		s.equal(fmt.Sprintf("runs in pages of %d", limit), s.listRuns(limit, metadata.RunQuery{}), want)
	}
	page, err := s.Runs(s.Context(), metadata.RunQuery{})
	if err != nil || len(page.Items) != 100 || page.Next == "" {
		s.Errorf("without a limit a page has %d runs, want 100 (%v)", len(page.Items), err)
	}
	if len(page.Items) > 0 {
		s.equal("the first run", page.Items[0], b.Create[0])
	}
}

// What is stored all the time appears exactly once, whatever comes and goes between pages.
func runStable(s *suite) {
	var stay, seen, goes []string
	for i := range 20 {
		r := s.run()
		if i%2 == 0 {
			stay = append(stay, r.ID)
		} else {
			s.end(r)
			goes = append(goes, r.ID)
		}
	}
	slices.Reverse(stay)
	for c := (metadata.Cursor{Limit: 3}); ; {
		page, err := s.Runs(s.Context(), metadata.RunQuery{Cursor: c})
		if err != nil {
			s.Fatal(err)
		}
		for _, r := range page.Items {
			if slices.Contains(stay, r.ID) {
				seen = append(seen, r.ID)
			}
		}
		if c.After = page.Next; c.After == "" {
			break
		}
		s.run()
		s.run()
		if len(goes) > 0 {
			if err := s.DeleteRun(s.Context(), goes[0]); err != nil {
				s.Fatal(err)
			}
			goes = goes[1:]
		}
	}
	s.equal("of what stays the pages list", seen, stay)
}

// Filters, alone and together, select what a plain loop selects.
func runFilters(s *suite) {
	var runs []metadata.Run
	states := metadata.RunStates()
	for i := range 48 {
		r := s.run(func(r *metadata.Run) {
			r.Pipeline, r.Name, r.State = []string{"penguins", "flights"}[i%2], []string{"nightly", "manual", ""}[i%3], states[i%len(states)]
			r.Tags = map[string]string{"team": []string{"a", "b"}[i/2%2]}
			if i%4 == 0 {
				r.Tags["gpu"] = ""
			}
			r.Lost = i%5 == 0
		})
		runs = append(runs, r)
	}
	slices.Reverse(runs)
	prefix := runs[5].ID[:len(runs[5].ID)-12]
	for _, q := range []metadata.RunQuery{
		{Pipeline: "penguins"}, {Pipeline: "absent"}, {Name: "nightly"}, {Name: "manual", Pipeline: "flights"}, {IDPrefix: runs[7].ID}, {IDPrefix: prefix},
		{IDPrefix: prefix, Pipeline: "flights"}, {IDPrefix: "zz"}, {States: states[:1]}, {States: states[1:3]}, {States: states},
		{States: []metadata.RunState{metadata.RunFailed, metadata.RunFailed}}, {Pipeline: "penguins", States: states[2:]},
		{Pipeline: "flights", States: states[3:4]}, {Tags: map[string]string{"team": "a"}}, {Tags: map[string]string{"gpu": ""}},
		{Tags: map[string]string{"team": "b", "gpu": ""}}, {Tags: map[string]string{"team": "c"}}, {Tags: map[string]string{"TEAM": "a"}},
		{Tags: map[string]string{"team": "a"}, Pipeline: "penguins", Name: "nightly", States: states[:4], IDPrefix: runs[0].ID[:2]},
		{Lost: true}, {Lost: true, Pipeline: "flights"}, {Lost: true, Name: "nightly"}, {Lost: true, States: states[3:5], IDPrefix: prefix},
		{Lost: true, Tags: map[string]string{"team": "a"}},
	} {
		var want []string
		for _, r := range runs {
			if matches(q, r) {
				want = append(want, r.ID)
			}
		}
		for _, limit := range []int{2, 1000} {
			s.equal(fmt.Sprintf("runs of %+v in pages of %d", q, limit), s.listRuns(limit, q), want)
		}
	}
}

func matches(q metadata.RunQuery, r metadata.Run) bool {
	return (!q.Lost || r.Lost) && (q.Pipeline == "" || q.Pipeline == r.Pipeline) && (q.Name == "" || q.Name == r.Name) &&
		r.ID[:min(len(r.ID), len(q.IDPrefix))] == q.IDPrefix && (len(q.States) == 0 || slices.Contains(q.States, r.State)) &&
		!slices.ContainsFunc(slices.Collect(maps.Keys(q.Tags)), func(k string) bool { v, ok := r.Tags[k]; return !ok || v != q.Tags[k] })
}

// A run is found as lost from the moment that it is, until it is resumed.
func runLost(s *suite) {
	r := s.run()
	s.equal("lost runs", s.listRuns(10, metadata.RunQuery{Lost: true}), []string(nil))
	r.State, r.Lost, r.Epoch = metadata.RunFailed, true, r.Epoch+1
	s.apply(metadata.Batch{Run: r.ID, Epoch: r.Epoch, Update: []metadata.Run{r}})
	s.equal("lost runs, once there is one", s.listRuns(10, metadata.RunQuery{Lost: true}), []string{r.ID})
	r.State, r.Lost, r.Epoch = metadata.RunRunning, false, r.Epoch+1
	s.apply(metadata.Batch{Run: r.ID, Epoch: r.Epoch, Update: []metadata.Run{r}})
	s.equal("lost runs, once it is resumed", s.listRuns(10, metadata.RunQuery{Lost: true}), []string(nil))
}

// madeAt returns an ID that was made at a time.
func madeAt(t time.Time) string {
	id := uuid.Must(uuid.NewV7())
	ms := t.UnixMilli()
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	return id.String()
}

// By the time in the ID, to the millisecond.
func runBefore(s *suite) {
	day := time.Date(2025, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
	var made []string
	at := []time.Time{day.AddDate(-50, 0, 0), day.AddDate(0, 0, -1), day.Add(-time.Millisecond), day, day.Add(time.Millisecond), day.Add(time.Hour)}
	for i, t := range at {
		r := s.run(func(r *metadata.Run) { r.ID, r.Pipeline = madeAt(t), []string{"penguins", "flights"}[i%2] })
		made = append(made, r.ID)
	}
	slices.Reverse(made)
	for i, t := range at {
		for _, q := range []metadata.RunQuery{{}, {Name: "nightly"}, {States: metadata.RunStates()[:3]}, {Pipeline: "penguins"}, {Tags: map[string]string{}}} {
			q.Before = t.Add(999 * time.Microsecond)
			want := slices.Clone(made[len(made)-i:])
			if q.Pipeline != "" {
				want = slices.DeleteFunc(want, func(id string) bool { return slices.Index(made, id)%2 == 0 })
			}
			s.equal(fmt.Sprintf("runs of %+v", q), s.listRuns(2, q), want)
		}
	}
	s.equal("runs before all", s.listRuns(10, metadata.RunQuery{Before: time.Unix(-1, 0)}), []string(nil))
	s.equal("runs before a time that no ID has", s.listRuns(10, metadata.RunQuery{Before: time.Unix(0, math.MaxInt64)}), made)
	_, err := s.Runs(s.Context(), metadata.RunQuery{Before: time.Time{}.Add(1)})
	s.checkCode("runs before the year 1678", err, component.Invalid)
}

func runCursor(s *suite) {
	r := s.run()
	s.run()
	s.apply(steps(made(r.ID, "load", "x")))
	page, err := s.Runs(s.Context(), metadata.RunQuery{Cursor: metadata.Cursor{Limit: 1}})
	if err != nil || page.Next == "" {
		s.Fatalf("want a cursor, got %+v, %v", page, err)
	}
	calls := map[string]func(metadata.Cursor) error{
		"Runs": func(c metadata.Cursor) error { _, err := s.Runs(s.Context(), metadata.RunQuery{Cursor: c}); return err },
		"Steps": func(c metadata.Cursor) error {
			_, err := s.Steps(s.Context(), metadata.StepQuery{Run: r.ID, Cursor: c})
			return err
		},
		"Attempts": func(c metadata.Cursor) error {
			_, err := s.Attempts(s.Context(), metadata.AttemptQuery{Run: r.ID, Cursor: c})
			return err
		},
		"Metrics": func(c metadata.Cursor) error {
			_, err := s.Metrics(s.Context(), metadata.MetricQuery{Run: r.ID, Cursor: c})
			return err
		},
		"Signals": func(c metadata.Cursor) error {
			_, err := s.Signals(s.Context(), metadata.SignalQuery{Run: r.ID, Cursor: c})
			return err
		},
		"Results": func(c metadata.Cursor) error {
			_, err := s.Results(s.Context(), metadata.ResultQuery{Cursor: c})
			return err
		},
		"Names": func(c metadata.Cursor) error { _, err := s.Names(s.Context(), "", c); return err },
		"Artifacts": func(c metadata.Cursor) error {
			_, err := s.Artifacts(s.Context(), metadata.ArtifactQuery{Cursor: c})
			return err
		},
		"Artifacts by name": func(c metadata.Cursor) error {
			_, err := s.Artifacts(s.Context(), metadata.ArtifactQuery{Name: "penguins/model", Cursor: c})
			return err
		},
		"Artifacts by ID": func(c metadata.Cursor) error {
			_, err := s.Artifacts(s.Context(), metadata.ArtifactQuery{IDPrefix: "0", Cursor: c})
			return err
		},
	}
	for name, call := range calls {
		for _, limit := range []int{-1, 1001, 1 << 30} {
			s.checkCode(fmt.Sprintf("%s with limit %d", name, limit), call(metadata.Cursor{Limit: limit}), component.Invalid)
		}
		for _, after := range []string{"x", page.Next + "!", r.ID, "\x00", "' OR 1=1 --", string(make([]byte, 1<<20))} {
			s.checkCode(fmt.Sprintf("%s after %.20q", name, after), call(metadata.Cursor{After: after}), component.Invalid)
		}
		for _, limit := range []int{0, 1, 1000} {
			if err := call(metadata.Cursor{Limit: limit}); err != nil {
				s.Errorf("%s with limit %d: %v", name, limit, err)
			}
		}
	}
}

func runNoOutputs(s *suite) {
	r := s.run()
	r.State, r.Outputs = metadata.RunSucceeded, map[string]artifact.Record{"Model": inline("model")}
	s.apply(metadata.Batch{Update: []metadata.Run{r}})
	s.checkRun(r)
	page, err := s.Runs(s.Context(), metadata.RunQuery{})
	if err != nil {
		s.Fatal(err)
	}
	r.Outputs = nil
	s.equal("the run in a listing", page.Items, []metadata.Run{r})
}
