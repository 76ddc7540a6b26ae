package metadatatest

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func artifactTests() []test {
	return []test{
		{"One", artifactOne},
		{"Order", artifactOrder},
		{"ByID", artifactByID},
		{"Stable", artifactStable},
		{"OtherRunsCursor", artifactOtherCursor},
	}
}

func (s *suite) listArtifacts(limit int, q metadata.ArtifactQuery) []metadata.Artifact {
	s.Helper()
	return all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Artifact], error) {
		q.Cursor = c
		return s.Artifacts(s.Context(), q)
	})
}

func artifactOf(r metadata.Run, st metadata.Step, output int) metadata.Artifact {
	return metadata.Artifact{Output: st.Outputs[output], StepKey: st.StepKey, Pipeline: r.Pipeline, Created: st.Finished}
}

func artifactOne(s *suite) {
	r := s.run()
	st := element(made(r.ID, "score", "0.9"), 3)
	s.apply(steps(st))
	got, err := s.Artifact(s.Context(), st.Outputs[0].ID)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("the artifact", got, artifactOf(r, st, 0))
}

// artifacts creates runs of two pipelines whose steps have up to two outputs, and returns their artifacts in the order of the listing.
func (s *suite) artifacts() []metadata.Artifact {
	s.Helper()
	var want []metadata.Artifact
	for i := range 5 {
		r := s.run(func(r *metadata.Run) { r.Pipeline = []string{"penguins", "flights"}[i%2] })
		rows := []metadata.Step{made(r.ID, "load", "rows"), step(r.ID, "no output", metadata.StepSucceeded)}
		for e := range 11 {
			rows = append(rows, element(made(r.ID, "score", strconv.Itoa(e)), e))
		}
		split := made(r.ID, "split", "train")
		split.Outputs = append([]metadata.Output{{ID: newID(), Name: "Zebra", Record: stored("test")}}, split.Outputs...)
		rows = append(rows, split)
		var of []metadata.Artifact
		for _, row := range rows {
			for o := range row.Outputs {
				of = append(of, artifactOf(r, row, o))
			}
		}
		want = append(of, want...)
		slices.Reverse(rows)
		s.apply(steps(rows...))
	}
	return want
}

func artifactOrder(s *suite) {
	want := s.artifacts()
	run := want[len(want)/2].Run
	for _, q := range []metadata.ArtifactQuery{
		{}, {Run: run}, {Step: "score"}, {Pipeline: "flights"}, {Run: run, Step: "split"}, {Pipeline: "penguins", Step: "load"}, {Step: "absent"}, {Run: newID()},
		{Run: run, Pipeline: "absent"},
	} {
		selected := selectArtifacts(want, q)
		for _, limit := range []int{1, 2, 7, 1000} {
			s.equal(fmt.Sprintf("artifacts of %+v in pages of %d", q, limit), s.listArtifacts(limit, q), selected)
		}
	}
}

func selectArtifacts(from []metadata.Artifact, q metadata.ArtifactQuery) []metadata.Artifact {
	var selected []metadata.Artifact
	for _, a := range from {
		if (q.Run == "" || q.Run == a.Run) && (q.Step == "" || q.Step == a.Step) && (q.Pipeline == "" || q.Pipeline == a.Pipeline) &&
			a.ID[:min(len(a.ID), len(q.IDPrefix))] == q.IDPrefix {
			selected = append(selected, a)
		}
	}
	return selected
}

func artifactByID(s *suite) {
	want := s.artifacts()
	slices.SortFunc(want, func(a, b metadata.Artifact) int {
		if a.ID < b.ID {
			return 1
		}
		return -1
	})
	id := want[3].ID
	for _, q := range []metadata.ArtifactQuery{
		{IDPrefix: id}, {IDPrefix: id[:8]}, {IDPrefix: id[:1]}, {IDPrefix: id[:1], Pipeline: "flights", Step: "score"}, {IDPrefix: id, Run: newID()},
		{IDPrefix: "zz"}, {IDPrefix: id + "0"},
	} {
		selected := selectArtifacts(want, q)
		for _, limit := range []int{3, 1000} {
			s.equal(fmt.Sprintf("artifacts of %+v in pages of %d", q, limit), s.listArtifacts(limit, q), selected)
		}
	}
}

// Artifacts that are there all the time appear exactly once, while a run goes on and another begins.
func artifactStable(s *suite) {
	want := s.artifacts()
	old, newest := want[len(want)-1].Run, want[0].Run
	var seen []metadata.Artifact
	for c := (metadata.Cursor{Limit: 4}); ; {
		page, err := s.Artifacts(s.Context(), metadata.ArtifactQuery{Cursor: c})
		if err != nil {
			s.Fatal(err)
		}
		for _, a := range page.Items {
			if slices.ContainsFunc(want, func(w metadata.Artifact) bool { return w.ID == a.ID }) {
				seen = append(seen, a)
			}
		}
		if c.After = page.Next; c.After == "" {
			break
		}
		r := s.run()
		name := "new " + newID()
		s.apply(steps(made(r.ID, name, "x"), made(old, name, "x"), made(newest, name, "x")))
	}
	s.equal("of what stays the pages list", seen, want)
}

// The cursor of one run's artifacts shows nothing of another run.
func artifactOtherCursor(s *suite) {
	want := s.artifacts()
	page, err := s.Artifacts(s.Context(), metadata.ArtifactQuery{Run: want[0].Run, Cursor: metadata.Cursor{Limit: 1}})
	if err != nil {
		s.Fatal(err)
	}
	other, err := s.Artifacts(s.Context(), metadata.ArtifactQuery{Run: want[len(want)-1].Run, Cursor: metadata.Cursor{After: page.Next}})
	if err == nil && slices.ContainsFunc(other.Items, func(a metadata.Artifact) bool { return a.Run == want[0].Run }) {
		s.Error("a cursor of another run's listing shows that run's artifacts")
	}
	if err != nil {
		s.checkCode("the cursor of another run", err, component.Invalid)
	}
}
