package metadatatest

import (
	"fmt"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func deleteTests() []test {
	return []test{
		{"States", deleteStates},
		{"All", deleteAll},
		{"Documents", deleteDocuments},
		{"KeepsContent", deleteKeepsContent},
	}
}

func deleteStates(s *suite) {
	for _, state := range metadata.RunStates() {
		r := s.run(func(r *metadata.Run) { r.State = state })
		err := s.DeleteRun(s.Context(), r.ID)
		if !state.Ended() {
			s.checkCode(fmt.Sprintf("deleting a run that is %s", state), err, component.FailedPrecondition)
			s.checkRun(r)
			continue
		}
		if err != nil {
			s.Errorf("deleting a run that is %s: %v", state, err)
		}
		s.checkCode("deleting it again", s.DeleteRun(s.Context(), r.ID), component.NotFound)
	}
}

// Nothing of the run is left, and another run with the same names keeps all of its own.
func deleteAll(s *suite) {
	var batches []metadata.Batch
	for range 2 {
		r := newRun()
		r.Tags = map[string]string{"team": "a"}
		r.Graph, r.Plan, r.Code = digest("graph of "+r.ID), digest("plan of "+r.ID), digest("code of "+r.ID)
		st := made(r.ID, "train", "model of "+r.ID)
		st.CacheKey = "key of " + r.ID
		b := metadata.Batch{
			Create:    []metadata.Run{r},
			Documents: []metadata.Document{{Digest: r.Graph, Kind: "graph"}, {Digest: r.Plan, Kind: "plan"}, {Digest: r.Code, Kind: "code"}},
			Steps:     []metadata.Step{st, element(made(r.ID, "train", "element of "+r.ID), 0)}, Attempts: []metadata.Attempt{attempt(st.StepKey, 1)},
			Metrics:  []metadata.Metric{{StepKey: st.StepKey, Attempt: "a", Name: "loss", Time: moment(0)}},
			Versions: []metadata.Version{{Name: model + " of " + r.ID, Artifact: st.Outputs[0].ID}},

			Checkpoints: []metadata.Checkpoint{checkpoint(step(r.ID, "saving", "").StepKey, "state")},
			Signals:     []metadata.Signal{signal(r.ID, metadata.SignalCancel)},
		}
		s.apply(b)
		s.end(r)
		batches = append(batches, b)
	}
	gone, kept := batches[0], batches[1]
	s.delete(gone.Create[0])
	if n := s.rowsOf(gone); n != 0 {
		s.Errorf("%d kinds of rows of a deleted run are left", n)
	}
	if n := s.rowsOf(kept); n != 16 {
		s.Errorf("of another run %d kinds of rows are left, want 16", n)
	}
	s.refuses("a late step of a deleted run", steps(gone.Steps[0]), component.NotFound)
	s.refuses("a late, fenced batch", metadata.Batch{Run: gone.Create[0].ID, Epoch: 1}, component.NotFound)
	s.apply(metadata.Batch{Create: gone.Create})
	if n := s.rowsOf(gone); n != 2 {
		s.Errorf("%d kinds of rows of a run that was created again, want 2: itself and its tag", n)
	}
}

// rowsOf counts the kinds of rows that are there of what a batch wrote.
func (s *suite) rowsOf(b metadata.Batch) int {
	s.Helper()
	ctx, r, st, n := s.Context(), b.Create[0], b.Steps[0], 0
	count := func(found bool, err error) {
		s.Helper()
		if err != nil && component.CodeOf(err) != component.NotFound {
			s.Fatal(err)
		}
		if found && err == nil {
			n++
		}
	}
	_, err := s.Run(ctx, r.ID)
	count(true, err)
	tagged, err := s.Runs(ctx, metadata.RunQuery{Tags: r.Tags, IDPrefix: r.ID})
	count(len(tagged.Items) > 0, err)
	rows, err := s.Steps(ctx, metadata.StepQuery{Run: r.ID})
	count(len(rows.Items) > 0, err)
	attempts, err := s.Attempts(ctx, metadata.AttemptQuery{Run: r.ID})
	count(len(attempts.Items) > 0, err)
	metrics, err := s.Metrics(ctx, metadata.MetricQuery{Run: r.ID})
	count(len(metrics.Items) > 0, err)
	_, err = s.Artifact(ctx, st.Outputs[0].ID)
	count(true, err)
	artifacts, err := s.Artifacts(ctx, metadata.ArtifactQuery{Run: r.ID})
	count(len(artifacts.Items) > 0, err)
	_, err = s.Version(ctx, b.Versions[0].Name, 0)
	count(true, err)
	found, err := s.Lookup(ctx, []string{st.CacheKey})
	count(len(found) > 0, err)
	saved, err := s.Checkpoints(ctx, r.ID)
	count(len(saved) > 0, err)
	count(len(s.signals(r.ID, 10)) > 0, nil)
	count(len(s.names(10, b.Versions[0].Name)) > 0, nil)
	results, err := s.Results(ctx, metadata.ResultQuery{})
	count(slices.ContainsFunc(results.Items, func(found metadata.Result) bool { return found.Run == r.ID }), err)
	for _, d := range []artifact.Digest{r.Graph, r.Plan, r.Code} {
		_, err = s.Document(ctx, d)
		count(true, err)
	}
	return n
}

// A document goes with the last run that names it.
func deleteDocuments(s *suite) {
	shared := digest("shared")
	first := s.run(func(r *metadata.Run) { r.Graph, r.Plan = shared, digest("first plan") })
	second := s.run(func(r *metadata.Run) { r.Graph, r.Plan = digest("second graph"), shared })
	third := s.run(func(r *metadata.Run) { r.Graph, r.Plan, r.Code = "", "", shared })
	s.apply(metadata.Batch{Documents: []metadata.Document{{Digest: shared, Kind: "graph", Body: []byte("{}")}}})
	s.end(first)
	s.end(second)
	s.end(third)
	for _, r := range []metadata.Run{first, second} {
		s.delete(r)
		if _, err := s.Document(s.Context(), shared); err != nil {
			s.Errorf("a document that another run names: %v", err)
		}
	}
	s.delete(third)
	_, err := s.Document(s.Context(), shared)
	s.checkCode("a document that no run names", err, component.NotFound)
}

// Content stays referenced while any row uses it, whoever computed it, and not longer.
func deleteKeepsContent(s *suite) {
	d := digest("model")
	computed, cached := s.run(), s.run()
	origin := withOutput(step(computed.ID, "train", metadata.StepSucceeded), stored("model"))
	origin.CacheKey = "key"
	copied := withOutput(step(cached.ID, "train", metadata.StepCached), stored("model"))
	copied.CacheKey, copied.Origin = "key", &origin.StepKey
	s.apply(steps(origin, copied))
	s.end(computed)
	s.end(cached)
	s.delete(computed)
	s.checkCondemned([]artifact.Digest{d})
	s.equal("Lookup", s.lookup("key"), map[string]metadata.Step{"key": copied})
	s.delete(cached)
	s.checkCondemned([]artifact.Digest{d}, d)
}
