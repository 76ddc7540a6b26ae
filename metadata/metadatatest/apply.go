package metadatatest

import (
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func applyTests() []test {
	return []test{
		{"Empty", func(s *suite) { s.apply(metadata.Batch{}, metadata.Batch{ID: newID()}) }},
		{"Atomic", applyAtomic},
		{"Idempotent", applyIdempotent},
		{"RefusedIsNotRemembered", applyRefused},
		{"AlreadyExists", applyExists},
		{"NotFound", applyNotFound},
		{"Documents", applyDocuments},
		{"Update", applyUpdate},
		{"Plan", applyPlan},
	}
}

// Whatever row is refused, nothing of its batch is kept, and what was there stays.
func applyAtomic(s *suite) {
	old := s.run()
	before := made(old.ID, "load", "rows")
	s.apply(steps(before))
	bad := map[string]func(*metadata.Batch){
		"run":    func(b *metadata.Batch) { b.Create = append(b.Create, old) },
		"update": func(b *metadata.Batch) { b.Update = append(b.Update, newRun()) },
		"step":   func(b *metadata.Batch) { b.Steps = append(b.Steps, step(newID(), "lost", metadata.StepReady)) },
		"state":  func(b *metadata.Batch) { b.Steps = append(b.Steps, step(old.ID, "load", metadata.StepPending)) },
		"attempt": func(b *metadata.Batch) {
			b.Attempts = append(b.Attempts, attempt(metadata.StepKey{Run: newID(), Step: "lost"}, 1))
		},
		"metric": func(b *metadata.Batch) {
			b.Metrics = append(b.Metrics, metadata.Metric{StepKey: metadata.StepKey{Run: newID(), Step: "lost"}, Attempt: "a", Name: "m"})
		},
		"version": func(b *metadata.Batch) {
			b.Versions = append(b.Versions, metadata.Version{Name: "n", Artifact: newID()})
		},
		"checkpoint": func(b *metadata.Batch) {
			b.Checkpoints = append(b.Checkpoints, checkpoint(metadata.StepKey{Run: newID(), Step: "lost"}, "state"))
		},
		"signal": func(b *metadata.Batch) { b.Signals = append(b.Signals, signal(newID(), metadata.SignalCancel)) },
		"invalid": func(b *metadata.Batch) {
			b.Versions = append(b.Versions, metadata.Version{Name: "", Artifact: newID()})
		},
	}
	for what, spoil := range bad {
		r := newRun()
		document := metadata.Document{Digest: digest("document " + what), Kind: "graph", Body: []byte("{}")}
		done, replaced := made(r.ID, "train", "model"), made(old.ID, "load", "other rows")
		key := done.StepKey
		update := old
		update.Error = "changed"
		b := metadata.Batch{
			ID: newID(), Documents: []metadata.Document{document}, Create: []metadata.Run{r}, Update: []metadata.Run{update},
			Steps: []metadata.Step{done, replaced}, Attempts: []metadata.Attempt{attempt(key, 1)},
			Metrics:  []metadata.Metric{{StepKey: key, Attempt: "a", Name: "loss", Value: 1, Time: moment(2)}},
			Versions: []metadata.Version{{Name: "penguins/model", Artifact: done.Outputs[0].ID, Created: moment(3)}},
			Run:      old.ID, Epoch: 1, Holds: []artifact.Digest{digest("held")},
			Checkpoints: []metadata.Checkpoint{checkpoint(step(old.ID, "saving", "").StepKey, "saved")},
			Signals:     []metadata.Signal{signal(old.ID, metadata.SignalApprove)},
		}
		spoil(&b)
		if err := s.Apply(s.Context(), b); err == nil {
			s.Errorf("a batch with a bad %s succeeds", what)
			continue
		}
		s.nothingOf(b)
		kept, err := s.Steps(s.Context(), metadata.StepQuery{Run: old.ID})
		if err != nil {
			s.Fatal(err)
		}
		s.equal("the steps of the run that was there", kept.Items, []metadata.Step{before})
	}
}

// nothingOf checks that no row of a batch is there: it creates a run, with steps.
func (s *suite) nothingOf(b metadata.Batch) {
	s.Helper()
	ctx, r, made := s.Context(), b.Create[0], b.Steps[0]
	_, err := s.Run(ctx, r.ID)
	s.checkCode("Run of a refused batch", err, component.NotFound)
	_, err = s.Document(ctx, b.Documents[0].Digest)
	s.checkCode("Document of a refused batch", err, component.NotFound)
	_, err = s.Artifact(ctx, made.Outputs[0].ID)
	s.checkCode("Artifact of a refused batch", err, component.NotFound)
	_, err = s.Version(ctx, b.Versions[0].Name, 0)
	s.checkCode("Version of a refused batch", err, component.NotFound)
	stepRows, err1 := s.Steps(ctx, metadata.StepQuery{Run: r.ID})
	attempts, err2 := s.Attempts(ctx, metadata.AttemptQuery{Run: r.ID})
	metrics, err3 := s.Metrics(ctx, metadata.MetricQuery{Run: r.ID})
	if n := len(stepRows.Items) + len(attempts.Items) + len(metrics.Items); n != 0 || err1 != nil || err2 != nil || err3 != nil {
		s.Errorf("%d rows of a refused batch are there (%v, %v, %v)", n, err1, err2, err3)
	}
	old := b.Update[0].ID
	s.checkCheckpoints("of a refused batch", old)
	s.equal("the signals of a refused batch", s.signals(old, 10), []metadata.Signal(nil))
	s.checkReferenced(false, "held", "saved")
	if old, err := s.Run(ctx, old); err != nil || old.Error != "" {
		s.Errorf("a refused batch changed a run: %+v, %v", old, err)
	}
}

func applyIdempotent(s *suite) {
	r := newRun()
	b := metadata.Batch{ID: newID(), Create: []metadata.Run{r}, Steps: []metadata.Step{step(r.ID, "load", metadata.StepRunning)}}
	s.apply(b)
	s.apply(steps(step(r.ID, "load", metadata.StepSucceeded)))
	s.apply(b) // sent again: its run exists, its step has gone on, its content does not matter
	s.apply(metadata.Batch{ID: b.ID, Steps: []metadata.Step{step(r.ID, "other", metadata.StepRunning)}})
	got, err := s.Steps(s.Context(), metadata.StepQuery{Run: r.ID})
	if err != nil || len(got.Items) != 1 || got.Items[0].State != metadata.StepSucceeded {
		s.Errorf("a batch that was sent again changed something: %+v, %v", got.Items, err)
	}
	// Also when its run has got another driver since.
	next := r
	next.Epoch = 2
	fenced := metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1, Steps: []metadata.Step{step(r.ID, "late", metadata.StepRunning)}}
	s.apply(fenced, metadata.Batch{Update: []metadata.Run{next}}, fenced)
	b = metadata.Batch{Create: []metadata.Run{newRun()}}
	s.apply(b)
	s.refuses("a batch without ID, sent again", b, component.AlreadyExists)
}

func applyRefused(s *suite) {
	r := newRun()
	b := metadata.Batch{ID: newID(), Steps: []metadata.Step{step(r.ID, "load", metadata.StepRunning)}}
	s.refuses("a step without its run", b, component.NotFound)
	s.apply(metadata.Batch{Create: []metadata.Run{r}}, b)
	if got, err := s.Steps(s.Context(), metadata.StepQuery{Run: r.ID}); err != nil || len(got.Items) != 1 {
		s.Errorf("a batch that was refused before was not applied: %+v, %v", got.Items, err)
	}
}

func applyExists(s *suite) {
	r := s.run()
	again := r
	again.Name = "other"
	s.refuses("creating a run twice", metadata.Batch{Create: []metadata.Run{again}}, component.AlreadyExists)
	twice := newRun()
	s.refuses("creating a run twice in one batch", metadata.Batch{Create: []metadata.Run{twice, twice}}, component.AlreadyExists)
	if got, err := s.Run(s.Context(), r.ID); err != nil || got.Name != r.Name {
		s.Errorf("the run that was there changed: %+v, %v", got, err)
	}
	first, second := made(r.ID, "first", "a"), made(r.ID, "second", "b")
	s.apply(steps(first))
	second.Outputs[0].ID = first.Outputs[0].ID
	s.refuses("an output with the ID of another", steps(second), component.AlreadyExists)
}

func applyNotFound(s *suite) {
	absent, key := newRun(), metadata.StepKey{Run: newID(), Step: "load", Index: -1}
	for what, b := range map[string]metadata.Batch{
		"a fence":    {Run: absent.ID, Epoch: 1},
		"an update":  {Update: []metadata.Run{absent}},
		"a step":     steps(step(absent.ID, "load", metadata.StepReady)),
		"an attempt": {Attempts: []metadata.Attempt{attempt(key, 1)}},
		"a metric":   {Metrics: []metadata.Metric{{StepKey: key, Attempt: "a", Name: "loss"}}},
		"a version":  {Versions: []metadata.Version{{Name: "penguins/model", Artifact: newID()}}},
	} {
		s.refuses(what+" of what does not exist", b, component.NotFound)
	}
	ctx := s.Context()
	_, err := s.Run(ctx, absent.ID)
	s.checkCode("Run", err, component.NotFound)
	_, err = s.Document(ctx, digest("absent"))
	s.checkCode("Document", err, component.NotFound)
	_, err = s.Artifact(ctx, newID())
	s.checkCode("Artifact", err, component.NotFound)
	for _, v := range []int{0, 1} {
		_, err = s.Version(ctx, "penguins/model", v)
		s.checkCode("Version", err, component.NotFound)
	}
	_, err = s.Stack(ctx, "absent")
	s.checkCode("Stack", err, component.NotFound)
	s.checkCode("DeleteStack", s.DeleteStack(ctx, "absent"), component.NotFound)
	s.checkCode("SetActiveStack", s.SetActiveStack(ctx, "absent"), component.NotFound)
	s.checkCode("DeleteRun", s.DeleteRun(ctx, absent.ID), component.NotFound)
}

func applyDocuments(s *suite) {
	d := metadata.Document{Digest: digest("{}"), Kind: "graph", Body: []byte("{}")}
	empty := metadata.Document{Digest: digest(""), Kind: "params"}
	s.apply(metadata.Batch{Documents: []metadata.Document{d, empty, d}})
	s.apply(metadata.Batch{Documents: []metadata.Document{{Digest: d.Digest, Kind: "plan", Body: []byte("other")}}})
	for _, want := range []metadata.Document{d, empty} {
		got, err := s.Document(s.Context(), want.Digest)
		if err != nil {
			s.Fatal(err)
		}
		s.equal("a document, which is kept as it was first", got, want)
	}
}

// Only the mutable part of a run is replaced, and all of it.
func applyUpdate(s *suite) {
	r := s.run(func(r *metadata.Run) { r.Tags = map[string]string{"team": "a"} })
	u := metadata.Run{
		ID: r.ID, Name: "other", Pipeline: "other", Stack: "other", Tags: map[string]string{"team": "b"}, Graph: digest("other"), Plan: digest("other"), Code: digest("other code"),
		Created: moment(50), State: metadata.RunFailed, Epoch: 2, Driver: metadata.Driver{Host: "h", PID: 1, Session: "s"}, Started: moment(5), Finished: moment(6),
		Error: "step load: no such file", Lost: true, Cost: metadata.Cost{CPU: 1, Read: 2}, Replays: newID(), Counts: map[metadata.StepState]int{metadata.StepFailed: 1},
		Outputs: map[string]artifact.Record{"Model": inline("model")},
	}
	s.apply(metadata.Batch{Update: []metadata.Run{u}})
	want := r
	want.State, want.Driver, want.Started, want.Finished, want.Error, want.Counts, want.Outputs = u.State, u.Driver, u.Started, u.Finished, u.Error, u.Counts, u.Outputs
	want.Lost, want.Cost, want.Plan, want.Code, want.Epoch = u.Lost, u.Cost, u.Plan, u.Code, u.Epoch
	s.checkRun(want)
	u.State, u.Error, u.Counts, u.Outputs, u.Driver, u.Finished = metadata.RunRunning, "", nil, nil, metadata.Driver{}, moment(0)
	u.Lost, u.Cost, u.Plan, u.Code, u.Epoch = false, metadata.Cost{}, "", digest("code without a plan"), 3
	s.apply(metadata.Batch{Update: []metadata.Run{u}})
	want.State, want.Error, want.Counts, want.Outputs, want.Driver, want.Finished = u.State, "", nil, nil, u.Driver, u.Finished
	want.Lost, want.Cost, want.Epoch = false, metadata.Cost{}, 3
	s.checkRun(want)
}

// A plan is replaced together with its document, and so is what its code is made of; the document before goes if no other run names it, as whatever.
func applyPlan(s *suite) {
	var documents []metadata.Document
	for _, content := range []string{"graph", "first", "second", "third"} {
		documents = append(documents, metadata.Document{Digest: digest(content), Kind: "plan", Body: []byte(content)})
	}
	first := func(r *metadata.Run) { r.Plan = digest("first") }
	r, other, as := s.run(first), s.run(first), s.run(func(r *metadata.Run) { r.Graph, r.Plan = digest("second"), "" })
	s.apply(metadata.Batch{Documents: documents[:2]})
	change := func(r *metadata.Run, plan string, documents ...metadata.Document) {
		s.Helper()
		r.Plan = digest(plan)
		s.apply(metadata.Batch{Documents: documents, Update: []metadata.Run{*r}})
		s.checkRun(*r)
	}
	check := func(there bool, content string) {
		s.Helper()
		_, err := s.Document(s.Context(), digest(content))
		if there && err != nil {
			s.Errorf("document %q: %v", content, err)
		} else if !there {
			s.checkCode("document "+content, err, component.NotFound)
		}
	}
	change(&r, "second", documents[2])
	check(true, "first")
	check(true, "second")
	change(&r, "third", documents[3])
	check(true, "second") // the graph of a run
	change(&other, "third")
	check(false, "first")
	change(&other, "third")
	change(&other, "graph")
	change(&r, "graph")
	check(false, "third")
	check(true, "graph")
	change(&as, "graph")
	r.Code = digest("code")
	change(&r, "graph", metadata.Document{Digest: r.Code, Kind: "code", Body: []byte("code")})
	check(true, "code")
	r.Code = digest("other code")
	change(&r, "graph", metadata.Document{Digest: r.Code, Kind: "code", Body: []byte("other code")})
	check(false, "code")
	r.Code = ""
	change(&r, "graph")
	check(false, "other code")
	for _, r := range []metadata.Run{r, other, as} {
		s.end(r)
		s.delete(r)
	}
	check(false, "graph")
	check(false, "second")
}

func (s *suite) checkRun(want metadata.Run) {
	s.Helper()
	got, err := s.Run(s.Context(), want.ID)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("the run", got, want)
}
