package metadatatest

import (
	"fmt"
	"math"
	"slices"

	"github.com/tenon-ml/tenon/metadata"
)

func stepTests() []test {
	return []test{
		{"Order", stepOrder},
		{"Filters", stepFilters},
		{"Count", stepCount},
		{"Replaced", stepReplaced},
	}
}

func (s *suite) listSteps(limit int, q metadata.StepQuery) []metadata.Step {
	s.Helper()
	return all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Step], error) {
		q.Cursor = c
		return s.Steps(s.Context(), q)
	})
}

// mapped creates a run of two steps and a mapped one with 12 elements, and returns its rows in order.
func (s *suite) mapped() (metadata.Run, []metadata.Step) {
	s.Helper()
	r, other := s.run(), s.run()
	var rows []metadata.Step
	all := metadata.StepStates()
	for i, name := range []string{"Load", "a/b", "load", "score"} { // in order of bytes
		rows = append(rows, step(r.ID, name, all[i]))
	}
	rows[3].Elements = 12
	for i := range 12 {
		rows = append(rows, element(step(r.ID, "score", all[i%len(all)]), i))
	}
	rows = append(rows, step(r.ID, "scores", metadata.StepSucceeded))
	b := steps(rows...)
	b.Steps = append(slices.Clone(rows), step(other.ID, "load", metadata.StepFailed))
	slices.Reverse(b.Steps)
	s.apply(b)
	return r, rows
}

func stepOrder(s *suite) {
	r, rows := s.mapped()
	for _, limit := range []int{1, 5, len(rows), 1000} {
		s.equal(fmt.Sprintf("steps in pages of %d", limit), s.listSteps(limit, metadata.StepQuery{Run: r.ID}), rows)
	}
	if got := s.listSteps(10, metadata.StepQuery{Run: newID()}); len(got) != 0 {
		s.Errorf("a run that does not exist has steps: %+v", got)
	}
}

func stepFilters(s *suite) {
	r, rows := s.mapped()
	own, second := -1, 1
	for _, q := range []metadata.StepQuery{
		{Step: "score", Index: &second}, {Step: "score", Index: &own}, {Step: "load", Index: &second}, {Index: &own}, {Step: "score", Index: &second, NoElements: true},
		{Step: "score"}, {Step: "load"}, {Step: "absent"}, {NoElements: true}, {States: []metadata.StepState{metadata.StepPending}},
		{States: metadata.StepStates()}, {States: []metadata.StepState{metadata.StepReady, metadata.StepFailed}, Step: "score"},
		{NoElements: true, Step: "score"}, {NoElements: true, States: []metadata.StepState{metadata.StepRunning}},
	} {
		q.Run = r.ID
		var want []metadata.Step
		for _, row := range rows {
			if (q.Step == "" || q.Step == row.Step) && (len(q.States) == 0 || slices.Contains(q.States, row.State)) && (!q.NoElements || row.Index < 0) &&
				(q.Index == nil || *q.Index == row.Index) {
				want = append(want, row)
			}
		}
		for _, limit := range []int{2, 1000} {
			s.equal(fmt.Sprintf("steps of %+v", q), s.listSteps(limit, q), want)
		}
	}
}

func stepCount(s *suite) {
	r, rows := s.mapped()
	want := map[metadata.StepState]int{}
	for _, row := range rows {
		if row.Elements == 0 {
			want[row.State]++
		}
	}
	got, err := s.CountSteps(s.Context(), r.ID)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("CountSteps", got, want)
	none, err := s.CountSteps(s.Context(), newID())
	if err != nil || len(none) != 0 {
		s.Errorf("CountSteps of a run that does not exist: %v, %v", none, err)
	}
}

// A row is written whole: nothing of what was there shows through.
func stepReplaced(s *suite) {
	r := s.run()
	first := made(r.ID, "load", "rows")
	first.State, first.CacheKey, first.Error, first.Attempts = metadata.StepRunning, "key", "so far", 1
	kept := first.Outputs[0]
	s.apply(steps(first))
	second := step(r.ID, "load", metadata.StepSucceeded)
	second.Outputs = []metadata.Output{{ID: newID(), Name: "extra", Record: inline("extra")}, kept}
	s.apply(steps(second))
	s.equal("the step", s.listSteps(10, metadata.StepQuery{Run: r.ID}), []metadata.Step{second})
	for _, o := range second.Outputs {
		if a, err := s.Artifact(s.Context(), o.ID); err != nil || a.Name != o.Name {
			s.Errorf("output %s: %+v, %v", o.Name, a, err)
		}
	}
}

func attemptTests() []test {
	return []test{
		{"Order", attemptOrder},
		{"Replaced", attemptReplaced},
		{"Metrics", attemptMetrics},
		{"MetricValues", metricValues},
		{"MetricsOnce", metricsOnce},
	}
}

func attemptOrder(s *suite) {
	r, rows := s.mapped()
	var want []metadata.Attempt
	b := metadata.Batch{}
	for i := range 30 {
		a := attempt(rows[(i*7)%len(rows)].StepKey, i%3+1)
		want = append(want, a)
	}
	b.Attempts = slices.Clone(want)
	slices.Reverse(b.Attempts)
	s.apply(b)
	zero, own := 0, -1
	for _, q := range []metadata.AttemptQuery{{}, {Step: "score"}, {Step: "absent"}, {Step: "score", Index: &zero}, {Index: &own}} {
		q.Run = r.ID
		var selected []metadata.Attempt
		for _, a := range want {
			if (q.Step == "" || q.Step == a.Step) && (q.Index == nil || *q.Index == a.Index) {
				selected = append(selected, a)
			}
		}
		for _, limit := range []int{1, 4, 1000} {
			got := all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Attempt], error) {
				q.Cursor = c
				return s.Attempts(s.Context(), q)
			})
			s.equal(fmt.Sprintf("attempts of %+v", q), got, selected)
		}
	}
}

func attemptReplaced(s *suite) {
	r := s.run()
	a := attempt(metadata.StepKey{Run: r.ID, Step: "load", Index: -1}, 1)
	a.State, a.Host = metadata.StepRunning, "h"
	s.apply(metadata.Batch{Attempts: []metadata.Attempt{a}})
	a.State, a.Host, a.Error = metadata.StepFailed, "", "no such file"
	s.apply(metadata.Batch{Attempts: []metadata.Attempt{a}})
	got, err := s.Attempts(s.Context(), metadata.AttemptQuery{Run: r.ID})
	if err != nil {
		s.Fatal(err)
	}
	s.equal("the attempt", got.Items, []metadata.Attempt{a})
}

func (s *suite) listMetrics(limit int, q metadata.MetricQuery) []metadata.Metric {
	s.Helper()
	return all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Metric], error) {
		q.Cursor = c
		return s.Metrics(s.Context(), q)
	})
}

func attemptMetrics(s *suite) {
	r := s.run()
	var want []metadata.Metric
	for _, name := range []string{"score", "train"} {
		for index := -1; index < 11; index += 6 { // 10 would come before 5 as text
			for _, attempt := range []string{"a", "b"} {
				for seq := range 12 {
					want = append(want, metadata.Metric{
						StepKey: metadata.StepKey{Run: r.ID, Step: name, Index: index}, Attempt: attempt, Name: []string{"loss", "accuracy"}[seq%2],
						Value: float64(seq) / 3, Time: moment(seq), Seq: seq,
					})
				}
			}
		}
	}
	b := metadata.Batch{Metrics: slices.Clone(want)}
	slices.Reverse(b.Metrics)
	s.apply(b)
	for _, q := range []metadata.MetricQuery{{}, {Step: "train"}, {Name: "loss"}, {Step: "score", Name: "accuracy"}, {Name: "absent"}} {
		q.Run = r.ID
		var selected []metadata.Metric
		for _, m := range want {
			if (q.Step == "" || q.Step == m.Step) && (q.Name == "" || q.Name == m.Name) {
				selected = append(selected, m)
			}
		}
		for _, limit := range []int{5, 1000} {
			s.equal(fmt.Sprintf("metrics of %+v", q), s.listMetrics(limit, q), selected)
		}
	}
}

func metricValues(s *suite) {
	r := s.run()
	key := metadata.StepKey{Run: r.ID, Step: "train", Index: -1}
	b := metadata.Batch{}
	for seq, v := range []float64{
		0, -1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, 1 << 53, 1<<60 + 1, math.Pi,
	} {
		b.Metrics = append(b.Metrics, metadata.Metric{StepKey: key, Attempt: "a", Name: "loss", Value: v, Time: moment(seq), Seq: seq})
	}
	s.apply(b)
	s.equal("metrics", s.listMetrics(100, metadata.MetricQuery{Run: r.ID}), b.Metrics)
}

func metricsOnce(s *suite) {
	r := s.run()
	m := metadata.Metric{StepKey: metadata.StepKey{Run: r.ID, Step: "train", Index: -1}, Attempt: "a", Name: "loss", Value: 1, Time: moment(0), Seq: 4}
	again := m
	again.Value, again.Name = 2, "other"
	s.apply(metadata.Batch{Metrics: []metadata.Metric{m}}, metadata.Batch{Metrics: []metadata.Metric{again}})
	s.equal("metrics", s.listMetrics(100, metadata.MetricQuery{Run: r.ID}), []metadata.Metric{m})
}
