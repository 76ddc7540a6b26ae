package metadatatest

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func lifetimeTests() []test {
	return []test{
		{"CloseTwice", func(s *suite) {
			for range 2 {
				if err := s.Close(); err != nil {
					s.Errorf("Close: %v", err)
				}
			}
		}},
		{"Closed", lifetimeClosed},
		{"Canceled", lifetimeCanceled},
		{"DeadlineExceeded", lifetimeDeadline},
		{"Reopen", lifetimeReopen},
		{"Beside", lifetimeBeside},
	}
}

// calls makes every call of a store, with arguments that would succeed.
func (s *suite) calls(ctx context.Context, r metadata.Run, st metadata.Step) map[string]error {
	c := map[string]error{}
	d := []artifact.Digest{digest("content of no run")}
	c["Apply"] = s.Apply(ctx, metadata.Batch{ID: newID(), Create: []metadata.Run{newRun()}})
	_, c["Lookup"] = s.Lookup(ctx, []string{"key"})
	_, c["Run"] = s.Run(ctx, r.ID)
	_, c["Runs"] = s.Runs(ctx, metadata.RunQuery{})
	_, c["Steps"] = s.Steps(ctx, metadata.StepQuery{Run: r.ID})
	_, c["CountSteps"] = s.CountSteps(ctx, r.ID)
	_, c["Attempts"] = s.Attempts(ctx, metadata.AttemptQuery{Run: r.ID})
	_, c["Metrics"] = s.Metrics(ctx, metadata.MetricQuery{Run: r.ID})
	_, c["Checkpoints"] = s.Checkpoints(ctx, r.ID)
	_, c["Signals"] = s.Signals(ctx, metadata.SignalQuery{Run: r.ID})
	_, c["Names"] = s.Names(ctx, "", metadata.Cursor{})
	_, c["Results"] = s.Results(ctx, metadata.ResultQuery{})
	_, c["Forget"] = s.Forget(ctx, []string{"key"}, time.Time{})
	_, c["Document"] = s.Document(ctx, r.Graph)
	_, c["Artifact"] = s.Artifact(ctx, st.Outputs[0].ID)
	_, c["Artifacts"] = s.Artifacts(ctx, metadata.ArtifactQuery{})
	_, c["Version"] = s.Version(ctx, model, 0)
	_, c["Stack"] = s.Stack(ctx, "prod")
	_, c["Stacks"] = s.Stacks(ctx)
	_, c["ActiveStack"] = s.ActiveStack(ctx)
	_, c["PutStack"] = s.PutStack(ctx, metadata.Stack{Name: "new"}, 0)
	c["SetActiveStack"] = s.SetActiveStack(ctx, "prod")
	_, c["Unreferenced"] = s.Unreferenced(ctx, d)
	_, c["Condemn"] = s.Condemn(ctx, d)
	_, c["Revive"] = s.Revive(ctx, d, now)
	_, c["Deleting"] = s.Deleting(ctx)
	_, c["BeginDelete"] = s.BeginDelete(ctx, d)
	c["EndDelete"] = s.EndDelete(ctx, d)
	c["DeleteStack"] = s.DeleteStack(ctx, "other")
	c["DeleteRun"] = s.DeleteRun(ctx, r.ID)
	return c
}

// filled fills a store with what calls asks for.
func (s *suite) filled() (metadata.Run, metadata.Step) {
	s.Helper()
	r := s.run()
	st := made(r.ID, "train", "model")
	s.apply(metadata.Batch{
		Documents: []metadata.Document{{Digest: r.Graph, Kind: "graph"}}, Steps: []metadata.Step{st},
		Versions: []metadata.Version{{Name: model, Artifact: st.Outputs[0].ID}},
	})
	s.put("prod", "", 0)
	s.put("other", "", 0)
	s.end(r)
	return r, st
}

func lifetimeClosed(s *suite) {
	r, st := s.filled()
	if err := s.Close(); err != nil {
		s.Fatalf("Close: %v", err)
	}
	for call, err := range s.calls(s.Context(), r, st) {
		s.checkCode(call+" after Close", err, component.FailedPrecondition)
	}
}

func lifetimeCanceled(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.ended(ctx, component.Canceled)
}

func lifetimeDeadline(s *suite) {
	ctx, cancel := context.WithDeadline(s.Context(), time.Now().Add(-time.Second))
	defer cancel()
	s.ended(ctx, component.DeadlineExceeded)
}

// A call whose context has ended does nothing; afterwards the same calls succeed.
func (s *suite) ended(ctx context.Context, code component.Code) {
	s.Helper()
	r, st := s.filled()
	for call, err := range s.calls(ctx, r, st) {
		s.checkCode(call+" with a context that has ended", err, code)
	}
	s.equal("the runs afterwards", s.listRuns(10, metadata.RunQuery{}), []string{r.ID})
	for call, err := range s.calls(s.Context(), r, st) {
		if err != nil {
			s.Errorf("%s afterwards: %v", call, err)
		}
	}
}

func lifetimeReopen(s *suite) {
	if s.Reopen == nil {
		s.Skip("the harness has no Reopen")
	}
	r, st := s.filled()
	b := metadata.Batch{ID: newID(), Create: []metadata.Run{newRun()}}
	s.apply(b)
	s.checkCondemned([]artifact.Digest{digest("gone")}, digest("gone"))
	if err := s.Close(); err != nil {
		s.Fatalf("Close: %v", err)
	}
	s.Store = s.reopen()
	s.equal("steps", s.listSteps(10, metadata.StepQuery{Run: r.ID}), []metadata.Step{st})
	s.apply(b) // also the IDs of batches are remembered
	s.refuses("condemned content", referrers(b.Create[0], "gone")["an output"], component.FailedPrecondition)
	for call, err := range s.calls(s.Context(), r, st) {
		if err != nil {
			s.Errorf("%s: %v", call, err)
		}
	}
}

// Two stores on the same data see what the other wrote.
func lifetimeBeside(s *suite) {
	other := s.reopen()
	r := s.run()
	if got, err := other.Run(s.Context(), r.ID); err != nil || got.ID != r.ID {
		s.Errorf("what one store wrote the other reads as %+v, %v", got, err)
	}
	if err := other.Apply(s.Context(), steps(made(r.ID, "load", "rows"))); err != nil {
		s.Fatal(err)
	}
	if got := s.listSteps(10, metadata.StepQuery{Run: r.ID}); len(got) != 1 {
		s.Errorf("what the other store wrote reads as %+v", got)
	}
	if _, err := other.Condemn(s.Context(), []artifact.Digest{digest("gone")}); err != nil {
		s.Fatal(err)
	}
	s.refuses("content that the other store condemned", referrers(r, "gone")["an output"], component.FailedPrecondition)
}
