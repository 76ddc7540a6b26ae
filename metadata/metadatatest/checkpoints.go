package metadatatest

import (
	"fmt"
	"slices"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func checkpointTests() []test {
	return []test{
		{"Replaced", checkpointReplaced},
		{"Forgotten", checkpointForgotten},
		{"Late", checkpointLate},
		{"Content", checkpointContent},
		{"Fenced", checkpointFenced},
	}
}

func checkpoint(k metadata.StepKey, content string) metadata.Checkpoint {
	return metadata.Checkpoint{StepKey: k, Attempt: newID(), Record: stored(content), Saved: moment(9)}
}

func checkpoints(list ...metadata.Checkpoint) metadata.Batch {
	return metadata.Batch{Checkpoints: list}
}

func (s *suite) checkCheckpoints(what, run string, want ...metadata.Checkpoint) {
	s.Helper()
	got, err := s.Checkpoints(s.Context(), run)
	if err != nil {
		s.Fatalf("Checkpoints: %v", err)
	}
	s.equal("the checkpoints "+what, got, want)
}

// The one that was written last is there, for each step and element, whatever its clock said.
func checkpointReplaced(s *suite) {
	r, other := s.run(), s.run()
	var want []metadata.Checkpoint
	for _, name := range []string{"score", "train"} {
		for _, index := range []int{-1, 2, 10} {
			k := metadata.StepKey{Run: r.ID, Step: name, Index: index}
			old, last := checkpoint(k, fmt.Sprint("old ", k)), checkpoint(k, fmt.Sprint("last ", k))
			last.Saved = moment(1)
			last.Record = inline("small")
			s.apply(checkpoints(old), checkpoints(last))
			want = append(want, last)
		}
	}
	k := metadata.StepKey{Run: other.ID, Step: "score", Index: -1}
	first, second := checkpoint(k, "first"), checkpoint(k, "second")
	s.apply(checkpoints(first, second))
	s.checkCheckpoints("of one run", r.ID, want...)
	s.checkCheckpoints("of a run that saved twice in one batch", other.ID, second)
	s.checkCheckpoints("of a run that does not exist", newID())
	s.refuses("a checkpoint of a run that does not exist", checkpoints(checkpoint(metadata.StepKey{Run: newID(), Step: "a"}, "x")), component.NotFound)
}

// A checkpoint goes when its step or element is done, and no other does.
func checkpointForgotten(s *suite) {
	done := []metadata.StepState{metadata.StepSucceeded, metadata.StepCached, metadata.StepSkipped}
	for _, state := range metadata.StepStates() {
		r := s.run()
		own, first, second := step(r.ID, "train", state), element(step(r.ID, "train", state), 0), element(step(r.ID, "train", state), 1)
		of := []metadata.Checkpoint{checkpoint(own.StepKey, "own"), checkpoint(first.StepKey, "first"), checkpoint(second.StepKey, "second")}
		s.apply(checkpoints(of...), steps(first))
		if slices.Contains(done, state) {
			of = slices.Delete(of, 1, 2)
		}
		s.checkCheckpoints(fmt.Sprintf("when an element is %s", state), r.ID, of...)
		of[0].Record = stored("at once")
		s.apply(metadata.Batch{Steps: []metadata.Step{own}, Checkpoints: of[:1]})
		if slices.Contains(done, state) {
			of = of[1:]
		}
		s.checkCheckpoints(fmt.Sprintf("when the step becomes %s", state), r.ID, of...)
	}
}

// A checkpoint that comes after its step was done is not kept: nothing would forget it.
func checkpointLate(s *suite) {
	r := s.run()
	st := made(r.ID, "train", "model")
	s.apply(steps(st), checkpoints(checkpoint(st.StepKey, "late")))
	s.checkCheckpoints("after the step", r.ID)
	s.checkReferenced(false, "late")
}

// The content of a checkpoint is referenced as long as it is there, and not longer.
func checkpointContent(s *suite) {
	r := s.run()
	train, other := metadata.StepKey{Run: r.ID, Step: "train", Index: -1}, metadata.StepKey{Run: r.ID, Step: "other", Index: -1}
	list := checkpoint(other, "")
	list.Record = gathered("a", "shared")
	s.apply(checkpoints(checkpoint(train, "shared"), list))
	s.checkReferenced(true, "shared", "a")
	s.apply(checkpoints(checkpoint(train, "newer")))
	s.checkReferenced(true, "shared", "a", "newer")
	s.apply(steps(step(r.ID, "other", metadata.StepSucceeded)))
	s.checkReferenced(false, "shared", "a")
	s.checkReferenced(true, "newer")
	s.apply(steps(withOutput(step(r.ID, "train", metadata.StepSucceeded), stored("newer"))))
	s.checkReferenced(true, "newer") // by the step that returned it
	last := step(r.ID, "last", metadata.StepRunning)
	s.apply(steps(last), checkpoints(checkpoint(last.StepKey, "last")))
	s.end(r)
	s.checkReferenced(true, "last")
	s.delete(r)
	s.checkReferenced(false, "last", "newer")
}

func checkpointFenced(s *suite) {
	r := s.run()
	k := metadata.StepKey{Run: r.ID, Step: "train", Index: -1}
	next := r
	next.Epoch = 2
	kept := checkpoint(k, "kept")
	s.apply(metadata.Batch{Run: r.ID, Epoch: 1, Checkpoints: []metadata.Checkpoint{kept}}, metadata.Batch{Update: []metadata.Run{next}})
	s.refuses("a checkpoint of the driver before", metadata.Batch{Run: r.ID, Epoch: 1, Checkpoints: []metadata.Checkpoint{checkpoint(k, "late")}}, component.FailedPrecondition)
	s.checkCheckpoints("after a takeover", r.ID, kept)
}
