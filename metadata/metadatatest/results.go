package metadatatest

import (
	"fmt"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/metadata"
)

func resultTests() []test {
	return []test{
		{"Order", resultOrder},
		{"Stable", resultStable},
		{"Which", resultWhich},
		{"Heirs", resultHeirs},
		{"Size", resultSize},
	}
}

func (s *suite) results(limit int, q metadata.ResultQuery) []metadata.Result {
	s.Helper()
	return all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Result], error) {
		q.Cursor = c
		return s.Results(s.Context(), q)
	})
}

// keyed returns a row of a step that computed stored content under a cache key.
func keyed(run, name, key string, computed time.Time, content ...string) metadata.Step {
	st := step(run, name, metadata.StepSucceeded)
	st.CacheKey, st.Computed = key, computed
	for _, c := range content {
		st.Outputs = append(st.Outputs, metadata.Output{ID: newID(), Name: "output " + c, Record: stored(c)})
	}
	return st
}

func resultOf(r metadata.Run, st metadata.Step) metadata.Result {
	result := metadata.Result{CacheKey: st.CacheKey, StepKey: st.StepKey, Pipeline: r.Pipeline, Computed: st.Computed}
	for _, o := range st.Outputs {
		result.Size += o.Record.Size
	}
	return result
}

// By the time of computing, whatever the order of runs; filters select what a plain loop selects.
func resultOrder(s *suite) {
	var want []metadata.Result
	for i := range 6 {
		r := s.run(func(r *metadata.Run) { r.Pipeline = []string{"penguins", "flights"}[i%2] })
		var b metadata.Batch
		for j := range 5 {
			st := keyed(r.ID, names(5)[j], fmt.Sprintf("key %d of run %d", j, i), moment(100*j-i), fmt.Sprint(i, j))
			if j == 3 {
				st.Index = 7
			}
			b.Steps, want = append(b.Steps, st), append(want, resultOf(r, st))
		}
		s.apply(b)
	}
	slices.SortFunc(want, func(a, b metadata.Result) int { return a.Computed.Compare(b.Computed) })
	for _, q := range []metadata.ResultQuery{
		{}, {Pipeline: "flights"}, {Pipeline: "absent"}, {Before: moment(200)}, {Before: moment(-3), Pipeline: "penguins"}, {Before: moment(-100)}, {Before: moment(1000)},
	} {
		selected := slices.DeleteFunc(slices.Clone(want), func(r metadata.Result) bool {
			return q.Pipeline != "" && q.Pipeline != r.Pipeline || !q.Before.IsZero() && !r.Computed.Before(q.Before)
		})
		for _, limit := range []int{1, 4, 1000} {
			s.equal(fmt.Sprintf("results of %+v in pages of %d", q, limit), s.results(limit, q), selected)
		}
	}
}

// Results that were computed at the same moment appear exactly once, while others are forgotten.
func resultStable(s *suite) {
	var want, goes []string
	for i := range 4 {
		r := s.run()
		var b metadata.Batch
		for j := range 5 {
			key := fmt.Sprintf("%d/%d", i, j)
			b.Steps = append(b.Steps, keyed(r.ID, names(5)[j], key, moment(0), key))
			if (i+j)%3 == 0 {
				goes = append(goes, key)
			} else {
				want = append(want, key)
			}
		}
		s.apply(b)
		s.end(r)
	}
	var seen []string
	for c := (metadata.Cursor{Limit: 3}); ; {
		page, err := s.Results(s.Context(), metadata.ResultQuery{Cursor: c})
		if err != nil {
			s.Fatal(err)
		}
		for _, r := range page.Items {
			if slices.Contains(want, r.CacheKey) {
				seen = append(seen, r.CacheKey)
			}
		}
		if c.After = page.Next; c.After == "" {
			break
		}
		if len(goes) > 0 {
			s.forget(1, goes[len(goes)-1])
			goes = goes[:len(goes)-1]
		}
	}
	slices.Sort(seen)
	s.equal("of what stays the pages list", seen, want)
}

// Only what was computed by the step itself and may be found again is a result.
func resultWhich(s *suite) {
	r := s.run()
	var want []metadata.Result
	for _, state := range metadata.StepStates() {
		st := keyed(r.ID, string(state), "key of "+string(state), moment(1), "content")
		st.State = state
		s.apply(steps(st))
		if state == metadata.StepSucceeded {
			want = append(want, resultOf(r, st))
		}
	}
	s.apply(steps(keyed(r.ID, "without key", "", moment(2), "content")))
	s.equal("results", s.results(10, metadata.ResultQuery{}), want)
	s.end(r)
	s.delete(r)
	s.equal("results of a deleted run", s.results(10, metadata.ResultQuery{}), []metadata.Result(nil))
}

// Inline content takes no place in the artifact store, and neither does a list but for its elements.
func resultSize(s *suite) {
	r := s.run()
	st := keyed(r.ID, "a", "key", moment(0), "four", "seven..")
	list := gathered("123456", "12345")
	list.Size = 11
	nested := gathered()
	nested.Size, nested.Elements = 11, append(nested.Elements, list, inline("inline"))
	st.Outputs = append(st.Outputs, metadata.Output{ID: newID(), Name: "list", Record: nested}, metadata.Output{ID: newID(), Name: "small", Record: inline("inline")})
	s.apply(steps(st))
	want := resultOf(r, st)
	want.Size = 4 + 7 + 6 + 5
	s.equal("results", s.results(10, metadata.ResultQuery{}), []metadata.Result{want})
}

// A result whose step is gone is listed as long as copies of it may be found, once.
func resultHeirs(s *suite) {
	first, running := s.run(), s.run()
	st := keyed(first.ID, "train", "key", moment(1), "model")
	other := keyed(first.ID, "other", "other", moment(2), "other")
	s.apply(steps(st, other))
	s.end(first)
	copies := map[string]metadata.Run{}
	copied := func(r metadata.Run) metadata.Step {
		c := keyed(r.ID, "train", "key", moment(1), "model")
		c.State, c.Origin = metadata.StepCached, &st.StepKey
		s.apply(steps(c))
		return c
	}
	for range 3 {
		r := s.run()
		copies[r.ID] = r
		copied(r)
		s.end(r)
	}
	s.equal("results", s.results(10, metadata.ResultQuery{}), []metadata.Result{resultOf(first, st), resultOf(first, other)})
	s.delete(first)
	for len(copies) > 1 {
		got := s.results(10, metadata.ResultQuery{})
		if len(got) != 1 || copies[got[0].Run].ID == "" || got[0].CacheKey != "key" || !got[0].Computed.Equal(moment(1)) {
			s.Fatalf("results are %+v, want a copy of %+v", got, st)
		}
		s.equal("results of another pipeline", s.results(10, metadata.ResultQuery{Pipeline: "nothing"}), []metadata.Result(nil))
		s.delete(copies[got[0].Run])
		delete(copies, got[0].Run)
	}
	// One in a run that goes on is left alone by Forget, and found.
	last := copied(running)
	s.forget(1, "key")
	s.equal("results after Forget", s.results(10, metadata.ResultQuery{}), []metadata.Result{resultOf(running, last)})
	s.equal("Lookup", s.lookup("key"), map[string]metadata.Step{"key": last})
	s.end(running)
	s.forget(1, "key")
	s.equal("results at last", s.results(10, metadata.ResultQuery{}), []metadata.Result(nil))
}
