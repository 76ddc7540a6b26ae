package metadatatest

import (
	"errors"
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func forgetTests() []test {
	return []test{
		{"Hides", forgetHides},
		{"Running", forgetRunning},
		{"Before", forgetBefore},
		{"Releases", forgetReleases},
		{"Keeps", forgetKeeps},
		{"Again", forgetAgain},
		{"Pruned", forgetPruned},
		{"Many", forgetMany},
		{"Race", forgetRace},
	}
}

// forget forgets results, and checks how many.
func (s *suite) forget(want int, keys ...string) {
	s.Helper()
	got, err := s.Forget(s.Context(), keys, time.Time{})
	if err != nil || got != want {
		s.Fatalf("Forget %.80q: %d, want %d (%v)", keys, got, want, err)
	}
}

// checkReferenced checks that contents are referenced, all of them or none. It leaves them as they are.
func (s *suite) checkReferenced(want bool, contents ...string) {
	s.Helper()
	for _, content := range contents {
		d := []artifact.Digest{digest(content)}
		condemned, err := s.Condemn(s.Context(), d)
		if err != nil {
			s.Fatal(err)
		}
		if referenced := len(condemned) == 0; referenced != want {
			s.Errorf("%q is referenced: %v, want %v", content, referenced, want)
		}
		if _, err := s.Revive(s.Context(), d, now); err != nil {
			s.Fatal(err)
		}
	}
}

// stepRow reads one row.
func (s *suite) stepRow(k metadata.StepKey) metadata.Step {
	s.Helper()
	for _, st := range s.listSteps(1000, metadata.StepQuery{Run: k.Run, Step: k.Step}) {
		if st.Index == k.Index {
			return st
		}
	}
	s.Fatalf("step %+v does not exist", k)
	return metadata.Step{}
}

// What is forgotten is found no more, and stays as history: all of it but its content.
func forgetHides(s *suite) {
	r, later := s.run(), s.run()
	st := keyed(r.ID, "train", "key", moment(1), "model")
	copied := keyed(later.ID, "train", "key", moment(1), "model")
	copied.State, copied.Origin = metadata.StepCached, &st.StepKey
	small, other := keyed(r.ID, "small", "key", moment(1)), keyed(r.ID, "other", "Key", moment(1), "other")
	small.Outputs = []metadata.Output{{ID: newID(), Name: "output", Record: inline("small")}}
	s.apply(steps(st, copied, small, other))
	s.end(r)
	s.end(later)
	s.forget(3, "key", "absent", "key")
	s.equal("Lookup", s.lookup("key", "Key"), map[string]metadata.Step{"Key": other})
	s.equal("results", s.results(10, metadata.ResultQuery{}), []metadata.Result{resultOf(r, other)})
	for _, row := range []*metadata.Step{&st, &copied} {
		row.Outputs[0].Pruned = true
		s.equal("a forgotten row", s.stepRow(row.StepKey), *row)
		a, err := s.Artifact(s.Context(), row.Outputs[0].ID)
		if err != nil {
			s.Fatal(err)
		}
		s.equal("its artifact", a, artifactOf(r, *row, 0))
	}
	s.equal("a forgotten row whose content is in it", s.stepRow(small.StepKey), small)
	s.forget(0, "key")
	s.forget(0)
}

// Rows of a run that has not ended are left alone, until it has.
func forgetRunning(s *suite) {
	for _, state := range metadata.RunStates() {
		r := s.run(func(r *metadata.Run) { r.State = state })
		st := keyed(r.ID, "train", "key of "+string(state), moment(1), string(state))
		s.apply(steps(st))
		if !state.Ended() {
			s.forget(0, st.CacheKey)
			s.checkReferenced(true, string(state))
			s.equal("Lookup of what runs", s.lookup(st.CacheKey), map[string]metadata.Step{st.CacheKey: st})
			continue
		}
		s.forget(1, st.CacheKey)
		s.checkReferenced(false, string(state))
	}
}

// What was computed later, under the same key, is found as before, and so are copies of it.
func forgetBefore(s *suite) {
	r, later := s.run(), s.run()
	first, second := keyed(r.ID, "train", "key", moment(1), "first"), keyed(later.ID, "train", "key", moment(2), "second")
	copied := keyed(later.ID, "copied", "key", moment(1), "first")
	copied.State, copied.Origin = metadata.StepCached, &first.StepKey
	s.apply(steps(first, second, copied))
	s.end(r)
	s.end(later)
	for _, test := range []struct {
		before time.Time
		want   int
	}{{moment(0), 0}, {moment(1), 0}, {moment(2), 2}, {moment(2), 0}} {
		got, err := s.Forget(s.Context(), []string{"key"}, test.before)
		if err != nil || got != test.want {
			s.Fatalf("Forget before %v: %d, want %d (%v)", test.before, got, test.want, err)
		}
		s.equal("Lookup", s.lookup("key"), map[string]metadata.Step{"key": second})
	}
	s.equal("results", s.results(10, metadata.ResultQuery{}), []metadata.Result{resultOf(later, second)})
	s.checkReferenced(false, "first")
	s.checkReferenced(true, "second")
	s.forget(1, "key")
	_, err := s.Forget(s.Context(), []string{"key"}, time.Time{}.Add(1))
	s.checkCode("Forget before the year 1678", err, component.Invalid)
}

// Content goes with the last row that uses it, however many lists it is in.
func forgetReleases(s *suite) {
	r := s.run()
	first, second := keyed(r.ID, "first", "first", moment(1), "shared", "own"), keyed(r.ID, "second", "second", moment(1))
	nested := gathered("in list", "shared")
	nested.Elements = append(nested.Elements, gathered("deep"))
	second.Outputs = []metadata.Output{{ID: newID(), Name: "output", Record: nested}}
	s.apply(steps(first, second))
	s.end(r)
	s.forget(1, "first")
	s.checkReferenced(false, "own")
	s.checkReferenced(true, "shared", "in list", "deep")
	s.forget(1, "second")
	s.checkReferenced(false, "own", "shared", "in list", "deep")
	if !s.stepRow(second.StepKey).Outputs[0].Pruned {
		s.Error("a list whose elements were released is not pruned")
	}
}

// A named version, and what the run itself needs, keeps content of rows that are forgotten.
func forgetKeeps(s *suite) {
	r := s.run()
	st := keyed(r.ID, "train", "key", moment(1), "named", "result", "logged", "read", "gone")
	st.Inputs = []metadata.Input{{Name: "CSV", Digest: digest("read"), URI: "file:///x.csv"}}
	a := attempt(st.StepKey, 1)
	a.Logs = []metadata.LogChunk{{Digest: digest("logged")}}
	update := r
	update.Outputs = map[string]artifact.Record{"Model": stored("result")}
	s.apply(metadata.Batch{
		Update: []metadata.Run{update}, Steps: []metadata.Step{st}, Attempts: []metadata.Attempt{a},
		Versions: []metadata.Version{{Name: model, Artifact: st.Outputs[0].ID}},
	})
	s.end(update)
	s.forget(1, "key")
	kept := []string{"named", "result", "logged", "read"}
	s.checkReferenced(true, kept...)
	s.checkReferenced(false, "gone")
	st.Outputs[4].Pruned = true
	s.equal("the row", s.stepRow(st.StepKey), st)
	s.delete(r)
	s.checkReferenced(false, append(kept, "gone")...)
}

// Recorded again, under the same key, it is found again, and keeps its content again.
func forgetAgain(s *suite) {
	r := s.run()
	st := keyed(r.ID, "train", "key", moment(9), "model")
	s.apply(steps(st))
	s.end(r)
	s.forget(1, "key")
	again := s.run()
	older := keyed(again.ID, "train", "key", moment(1), "model")
	s.apply(steps(older))
	s.equal("Lookup", s.lookup("key"), map[string]metadata.Step{"key": older})
	s.checkReferenced(true, "model")
}

// What was pruned stays so when its row is written as it was read, and cannot be named.
func forgetPruned(s *suite) {
	r := s.run()
	st := keyed(r.ID, "train", "key", moment(1), "gone")
	s.apply(steps(st))
	s.end(r)
	s.forget(1, "key")
	read := s.stepRow(st.StepKey)
	s.apply(steps(read))
	s.checkReferenced(false, "gone")
	s.equal("Lookup", s.lookup("key"), map[string]metadata.Step{})
	s.equal("results", s.results(10, metadata.ResultQuery{}), []metadata.Result(nil))
	s.checkCondemned([]artifact.Digest{digest("gone")}, digest("gone"))
	s.apply(steps(read)) // refers to nothing
	name := metadata.Batch{Versions: []metadata.Version{{Name: model, Artifact: st.Outputs[0].ID}}}
	s.refuses("a name for what was pruned", name, component.FailedPrecondition)
}

// Thousands of rows, of one key and of many.
func forgetMany(s *suite) {
	const count = 1500
	r := s.run()
	b := metadata.Batch{}
	keys := names(1000)
	for i, name := range names(count) {
		b.Steps = append(b.Steps, keyed(r.ID, "same "+name, "same", moment(i), "same "+name))
	}
	for _, key := range keys {
		b.Steps = append(b.Steps, keyed(r.ID, key, key, moment(0), key))
	}
	s.apply(b)
	s.end(r)
	_, err := s.Forget(s.Context(), append(keys, "same"), time.Time{})
	s.checkCode("Forget 1001 keys", err, component.Invalid)
	s.forget(999, keys[1:]...)
	s.forget(count+1, "same", keys[0])
	s.equal("results", s.results(1000, metadata.ResultQuery{}), []metadata.Result(nil))
	s.checkReferenced(false, "same step-0000", "same step-1499", keys[0], keys[999])
}

// Whoever comes first wins: content of a result that is found while it is forgotten is either refused, or stays.
func forgetRace(s *suite) {
	for i := range 15 {
		r, next := s.run(), s.run()
		content := fmt.Sprint("content ", i)
		d := []artifact.Digest{digest(content)}
		st := keyed(r.ID, "train", content, moment(1), content)
		s.apply(steps(st))
		s.end(r)
		condemned := make(chan bool)
		go func() {
			if _, err := s.Forget(s.Context(), []string{content}, time.Time{}); err != nil {
				s.Errorf("Forget: %v", err)
			}
			got, err := s.Condemn(s.Context(), d)
			if err != nil {
				s.Errorf("Condemn: %v", err)
			}
			condemned <- len(got) > 0
		}()
		hit, found := s.lookup(content)[content]
		var err error
		if found {
			copied := keyed(next.ID, "train", content, hit.Computed, content)
			copied.State, copied.Origin = metadata.StepCached, &hit.StepKey
			err = s.Apply(s.Context(), steps(copied))
		}
		won := <-condemned
		if found && won != errors.Is(err, metadata.ErrCondemned) || !found && !won || err != nil && !won {
			s.Fatalf("found: %v, condemned: %v, and the batch of the hit: %v", found, won, err)
		}
	}
}
