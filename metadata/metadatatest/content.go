package metadatatest

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func contentTests() []test {
	return []test{
		{"References", contentReferences},
		{"Unreferenced", contentUnreferenced},
		{"NoReferences", contentNoReferences},
		{"Refused", contentRefused},
		{"Revive", contentRevive},
		{"Delete", contentDelete},
		{"Deleted", contentDeleted},
		{"Generation", contentGeneration},
		{"Many", contentMany},
		{"Holds", contentHolds},
		{"HandedOver", contentHandedOver},
		{"Invalid", contentInvalid},
		{"Race", contentRace},
	}
}

// checkCondemned condemns digests and checks which of them are.
func (s *suite) checkCondemned(digests []artifact.Digest, want ...artifact.Digest) {
	s.Helper()
	got, err := s.Condemn(s.Context(), digests)
	if err != nil {
		s.Fatalf("Condemn: %v", err)
	}
	s.equalDigests("Condemn", got, want)
}

func (s *suite) equalDigests(what string, got, want []artifact.Digest) {
	s.Helper()
	s.equal(what, slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

// gathered returns the record of a list of contents.
func gathered(contents ...string) artifact.Record {
	r := artifact.Record{Digest: digest(fmt.Sprint("list of ", contents)), Codec: artifact.GatherCodec, Type: "[]string"}
	for _, c := range contents {
		r.Elements = append(r.Elements, stored(c))
	}
	return r
}

// referrers are all ways to refer to content.
func referrers(r metadata.Run, content string) map[string]metadata.Batch {
	st := step(r.ID, "of "+content, metadata.StepSucceeded)
	a := attempt(st.StepKey, 1)
	a.Logs = []metadata.LogChunk{{Lines: 1, Inline: []byte("inline")}, {Lines: 2, Digest: digest(content)}}
	printing := attempt(st.StepKey, 2)
	printing.Printed = a.Logs
	withInput, update, create, nested := st, r, newRun(), gathered()
	nested.Elements = append(nested.Elements, gathered("in list "+content, content), inline("inline"))
	withInput.Inputs = []metadata.Input{{Name: "CSV", Digest: digest(content), URI: "file:///x.csv"}}
	update.Outputs, create.Outputs = map[string]artifact.Record{"Model": stored(content)}, map[string]artifact.Record{"Model": stored(content)}
	return map[string]metadata.Batch{
		"an output":                steps(withOutput(st, stored(content))),
		"an element of an output":  steps(withOutput(st, gathered("first "+content, content))),
		"an element of a list":     steps(withOutput(st, nested)),
		"outside data":             steps(withInput),
		"a checkpoint":             checkpoints(checkpoint(step(r.ID, "saving "+content, "").StepKey, content)),
		"a hold":                   {Run: r.ID, Epoch: r.Epoch, Holds: []artifact.Digest{digest(content)}},
		"a log":                    {Attempts: []metadata.Attempt{a}},
		"what a process printed":   {Attempts: []metadata.Attempt{printing}},
		"an output of a run":       {Update: []metadata.Run{update}},
		"an output of a new run":   {Create: []metadata.Run{create}},
		"a cached step's output":   steps(withOutput(step(r.ID, "cached "+content, metadata.StepCached), stored(content))),
		"an output of a step anew": steps(withOutput(step(r.ID, "again", metadata.StepRunning), stored(content))),
	}
}

func contentReferences(s *suite) {
	r := s.run()
	for _, what := range slices.Sorted(keys(referrers(r, ""))) {
		d := digest(what)
		s.apply(referrers(r, what)[what])
		s.checkCondemned([]artifact.Digest{d, digest("nobody's " + what)}, digest("nobody's "+what))
	}
	s.checkCondemned(nil)
}

// Asking for content that nothing references changes nothing, whatever a collector does with it.
func contentUnreferenced(s *suite) {
	r := s.run()
	check := func(digests []artifact.Digest, want ...artifact.Digest) {
		s.Helper()
		got, err := s.Unreferenced(s.Context(), digests)
		if err != nil {
			s.Fatalf("Unreferenced: %v", err)
		}
		s.equalDigests("Unreferenced", got, want)
	}
	check(nil)
	for _, what := range slices.Sorted(keys(referrers(r, ""))) {
		d := []artifact.Digest{digest(what)}
		check(d, d...)
		s.apply(referrers(r, what)[what]) // nothing was condemned
		check(append(d, digest("nobody's")), digest("nobody's"))
	}
	d := []artifact.Digest{digest("nobody's")}
	s.checkCondemned(d, d...)
	check(d, d...)
	s.beginDelete(d, d...)
	check(d, d...)
	s.endDelete(d...)
	check(d, d...)
}

// What is in the record, or is an artifact that another row keeps, has no bytes of its own.
func contentNoReferences(s *suite) {
	r := s.run()
	st := withOutput(step(r.ID, "a", metadata.StepSucceeded), inline("inline"))
	list := gathered("element")
	st.Outputs = append(st.Outputs, metadata.Output{ID: newID(), Name: "list", Record: list})
	empty := withOutput(step(r.ID, "b", metadata.StepSucceeded), inline(""))
	empty.Inputs = []metadata.Input{{Name: "In", Artifact: newID(), Digest: digest("input")}}
	s.apply(steps(st, empty))
	digests := []artifact.Digest{digest("inline"), digest(""), digest("input"), list.Digest}
	s.checkCondemned(digests, digests...)
}

func contentRefused(s *suite) {
	r := s.run()
	d := digest("gone")
	s.checkCondemned([]artifact.Digest{d, digest("too")}, d, digest("too"))
	check := func(what string, b metadata.Batch) {
		s.Helper()
		err := s.Apply(s.Context(), b)
		var condemned *metadata.CondemnedError
		if !errors.Is(err, metadata.ErrCondemned) || !errors.Is(err, component.ErrFailedPrecondition) || !errors.As(err, &condemned) {
			s.Errorf("%s with condemned content: %v, want a CondemnedError", what, err)
			return
		}
		s.equalDigests(what, condemned.Digests, []artifact.Digest{d})
	}
	for what, b := range referrers(r, "gone") {
		check(what, b)
		b.ID = newID()
		check(what+", with ID", b)
	}
	if _, err := s.BeginDelete(s.Context(), []artifact.Digest{d}); err != nil {
		s.Fatal(err)
	}
	check("an output of content being deleted", referrers(r, "gone")["an output"])
	s.apply(steps(withOutput(step(r.ID, "other", metadata.StepSucceeded), stored("other"))))
	if got := s.listSteps(10, metadata.StepQuery{Run: r.ID}); len(got) != 1 {
		s.Errorf("refused batches left rows: %+v", got)
	}
	b := referrers(r, "gone")["an output"]
	b.Steps = append(b.Steps, withOutput(step(r.ID, "second", metadata.StepSucceeded), stored("too")))
	var condemned *metadata.CondemnedError
	if err := s.Apply(s.Context(), b); !errors.As(err, &condemned) {
		s.Fatalf("want a CondemnedError, got %v", err)
	}
	s.equalDigests("all condemned content of a batch", condemned.Digests, []artifact.Digest{d, digest("too")})
}

// now is a generation after all: that of a caller that knows the bytes to be there.
const now = math.MaxInt64

// revive takes the mark from contents whose bytes are there, and checks which keep it.
func (s *suite) revive(generation int64, digests []artifact.Digest, again ...artifact.Digest) {
	s.Helper()
	got, err := s.Revive(s.Context(), digests, generation)
	if err != nil {
		s.Fatalf("Revive: %v", err)
	}
	s.equalDigests("Revive", got, again)
}

// refusal applies a batch that is refused since content is condemned, and returns the generation of the refusal.
func (s *suite) refusal(b metadata.Batch) int64 {
	s.Helper()
	err := s.Apply(s.Context(), b)
	var condemned *metadata.CondemnedError
	if !errors.As(err, &condemned) {
		s.Fatalf("want a CondemnedError, got %v", err)
	}
	return condemned.Generation
}

func (s *suite) beginDelete(digests []artifact.Digest, want ...artifact.Digest) {
	s.Helper()
	got, err := s.BeginDelete(s.Context(), digests)
	if err != nil {
		s.Fatalf("BeginDelete: %v", err)
	}
	s.equalDigests("BeginDelete", got, want)
}

func (s *suite) endDelete(digests ...artifact.Digest) {
	s.Helper()
	if err := s.EndDelete(s.Context(), digests); err != nil {
		s.Fatalf("EndDelete: %v", err)
	}
}

func contentRevive(s *suite) {
	r := s.run()
	b := referrers(r, "back")["an output"]
	b.ID = newID()
	d := []artifact.Digest{digest("back")}
	s.checkCondemned(d, d...)
	s.checkCondemned(d, d...) // a collector may ask again
	generation := s.refusal(b)
	for range 2 {
		s.revive(generation, append(d, digest("never condemned")))
	}
	s.apply(b)
	s.checkCondemned(d)
	s.beginDelete(d)
}

func contentDelete(s *suite) {
	r := s.run()
	a, b := digest("a"), digest("b")
	digests := []artifact.Digest{a, b}
	s.checkCondemned(digests, digests...)
	for range 2 { // a collector that died begins again
		s.beginDelete([]artifact.Digest{a, digest("never condemned")}, a)
		s.checkCondemned(digests, digests...)
		deleting, err := s.Deleting(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		s.equalDigests("Deleting", deleting, []artifact.Digest{a})
	}
	s.revive(now, digests, a)
	s.apply(referrers(r, "b")["an output"])
	for range 2 {
		s.endDelete(digests...)
	}
	deleting, err := s.Deleting(s.Context())
	if err != nil || len(deleting) != 0 {
		s.Errorf("Deleting after the deletion: %v, %v", deleting, err)
	}
	s.revive(now, digests)
	s.apply(referrers(r, "a")["an output"])
	s.checkCondemned(digests)
	s.checkCondemned([]artifact.Digest{digest("c")}, digest("c"))
	s.endDelete(digest("c"))
	s.refuses("content whose deletion has not begun", referrers(r, "c")["an output"], component.FailedPrecondition)
}

// Content that was deleted is refused until its writer has looked: it may have seen the bytes before.
func contentDeleted(s *suite) {
	r := s.run()
	d := []artifact.Digest{digest("gone")}
	s.checkCondemned(d, d...)
	for range 2 {
		s.beginDelete(d, d...)
		s.endDelete(d...)
		for what, b := range referrers(r, "gone") {
			if err := s.Apply(s.Context(), b); !errors.Is(err, metadata.ErrCondemned) {
				s.Errorf("%s of content that was deleted: %v, want %v", what, err, metadata.ErrCondemned)
			}
		}
		s.checkCondemned(d, d...) // its bytes are there again, and a collector finds them
	}
	b := referrers(r, "gone")["an output"]
	s.revive(s.refusal(b), d)
	s.apply(b)
	s.checkCondemned(d)
}

// Who looked for bytes before a deletion of them began, or before it ended, looks again.
func contentGeneration(s *suite) {
	r := s.run()
	d, other := []artifact.Digest{digest("a")}, []artifact.Digest{digest("other")}
	b, others := referrers(r, "a")["an output"], referrers(r, "other")["an output"]
	s.checkCondemned(append(other, d...), append(other, d...)...)
	before := s.refusal(b)
	s.beginDelete(d, d...)
	s.revive(before, d, d...)
	during := s.refusal(b)
	s.revive(during, d, d...)
	s.endDelete(d...)
	for _, generation := range []int64{before, during, -1} {
		s.revive(generation, d, d...)
		s.refusal(b)
	}
	s.revive(before, other) // of which no deletion has begun
	s.apply(others)
	s.checkCondemned(d, d...)
	s.revive(during, d, d...)
	after := s.refusal(b)
	s.revive(after, d)
	s.apply(b)
}

func contentInvalid(s *suite) {
	for _, d := range []artifact.Digest{"", "sha256:", "x", digest("a") + "0", "SHA256:" + digest("a")[7:]} {
		bad := []artifact.Digest{digest("good"), d}
		_, err := s.Unreferenced(s.Context(), bad)
		s.checkCode(fmt.Sprintf("Unreferenced %q", d), err, component.Invalid)
		_, err = s.Condemn(s.Context(), bad)
		s.checkCode(fmt.Sprintf("Condemn %q", d), err, component.Invalid)
		_, err = s.Revive(s.Context(), bad, now)
		s.checkCode(fmt.Sprintf("Revive %q", d), err, component.Invalid)
		_, err = s.BeginDelete(s.Context(), bad)
		s.checkCode(fmt.Sprintf("BeginDelete %q", d), err, component.Invalid)
		s.checkCode(fmt.Sprintf("EndDelete %q", d), s.EndDelete(s.Context(), bad), component.Invalid)
		_, err = s.Document(s.Context(), d)
		s.checkCode(fmt.Sprintf("Document %q", d), err, component.Invalid)
	}
	s.apply(referrers(s.run(), "good")["an output"]) // nothing was condemned
}

// More contents than one would delete at once.
func contentMany(s *suite) {
	const count = 2500
	var digests, free []artifact.Digest
	b := metadata.Batch{}
	r := s.run()
	for i, name := range names(count) {
		d := digest(name)
		digests = append(digests, d)
		if i%3 == 0 {
			b.Steps = append(b.Steps, withOutput(step(r.ID, name, metadata.StepSucceeded), stored(name)))
		} else {
			free = append(free, d)
		}
	}
	s.apply(b)
	unreferenced, err := s.Unreferenced(s.Context(), digests)
	if err != nil {
		s.Fatalf("Unreferenced: %v", err)
	}
	s.equalDigests("Unreferenced", unreferenced, free)
	s.checkCondemned(digests, free...)
	s.beginDelete(digests, free...)
	s.revive(now, digests, free...)
	s.endDelete(digests...)
	s.revive(now, digests)
}

// What a run holds it keeps until it is deleted, and only with its fence.
func contentHolds(s *suite) {
	r, other := s.run(), s.run()
	hold := func(r metadata.Run, contents ...string) metadata.Batch {
		b := metadata.Batch{Run: r.ID, Epoch: 1}
		for _, c := range contents {
			b.Holds = append(b.Holds, digest(c))
		}
		return b
	}
	s.apply(hold(r, "own", "shared", "own"), hold(other, "shared"), hold(r, "own"))
	s.refuses("holds of no run", metadata.Batch{Holds: []artifact.Digest{digest("x")}}, component.Invalid)
	s.refuses("holds of a run that does not exist", hold(newRun(), "x"), component.NotFound)
	bad := hold(r)
	bad.Holds = []artifact.Digest{"md5:1"}
	s.refuses("a hold that is no digest", bad, component.Invalid)
	created := newRun()
	b := hold(created, "at once")
	b.Create = []metadata.Run{created}
	s.apply(b)
	s.end(r)
	s.checkReferenced(true, "own", "shared", "at once")
	s.delete(r)
	s.checkReferenced(false, "own", "x")
	s.checkReferenced(true, "shared", "at once")
}

// A hold on what a step records as its output ends with that, whichever comes first: what Forget takes from the step nothing else keeps.
func contentHandedOver(s *suite) {
	for _, order := range []string{"hold first", "step first", "together"} {
		r := s.run()
		content, other := "output, "+order, "other, "+order
		st := keyed(r.ID, "train", order, moment(1), content)
		hold := metadata.Batch{Run: r.ID, Epoch: 1, Holds: []artifact.Digest{digest(content), digest(other)}}
		switch order {
		case "hold first":
			s.apply(hold, steps(st))
		case "step first":
			s.apply(steps(st), hold)
		default:
			hold.Steps = []metadata.Step{st}
			s.apply(hold)
		}
		s.end(r)
		s.checkReferenced(true, content, other)
		s.forget(1, order)
		s.checkReferenced(false, content)
		s.checkReferenced(true, other)
	}
}

// Whoever comes first wins: a batch is applied and its content is not condemned, or the other way round.
func contentRace(s *suite) {
	r := s.run()
	for i := range 25 {
		content := fmt.Sprint("content ", i)
		d := []artifact.Digest{digest(content)}
		condemned := make(chan []artifact.Digest)
		go func() {
			got, err := s.Condemn(s.Context(), d)
			if err != nil {
				s.Errorf("Condemn: %v", err)
			}
			condemned <- got
		}()
		err := s.Apply(s.Context(), referrers(r, content)["an output"])
		won := len(<-condemned) > 0
		if won != errors.Is(err, metadata.ErrCondemned) || err != nil && !won {
			s.Fatalf("condemned: %v, and the batch that refers to it: %v", won, err)
		}
	}
}
