package metadatatest

import (
	"fmt"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func lookupTests() []test {
	return []test{
		{"Newest", lookupNewest},
		{"States", lookupStates},
		{"Limit", lookupLimit},
		{"Replaced", lookupReplaced},
	}
}

func (s *suite) lookup(keys ...string) map[string]metadata.Step {
	s.Helper()
	found, err := s.Lookup(s.Context(), keys)
	if err != nil {
		s.Fatalf("Lookup: %v", err)
	}
	return found
}

// The newest by Computed, whatever the order of writing.
func lookupNewest(s *suite) {
	var newest metadata.Step
	for _, at := range []int{20, 40, 10, 30} {
		r := s.run()
		st := made(r.ID, "train", fmt.Sprint("model ", at))
		st.CacheKey, st.Computed = "key", moment(at)
		s.apply(steps(st))
		if at == 40 {
			newest = st
		}
	}
	r := s.run()
	other := made(r.ID, "other", "x")
	other.CacheKey = "Key" // keys are compared byte by byte
	without := made(r.ID, "without", "y")
	s.apply(steps(other, without))
	s.equal("Lookup", s.lookup("key", "absent", "Key", "key"), map[string]metadata.Step{"key": newest, "Key": other})
	s.equal("Lookup of nothing", s.lookup(), map[string]metadata.Step{})
}

func lookupStates(s *suite) {
	r := s.run()
	want := map[string]metadata.Step{}
	var keys []string
	for _, state := range metadata.StepStates() {
		st := made(r.ID, string(state), "content")
		st.State, st.CacheKey = state, "key of "+string(state)
		s.apply(steps(st))
		keys = append(keys, st.CacheKey)
		if state == metadata.StepSucceeded || state == metadata.StepCached {
			want[st.CacheKey] = st
		}
	}
	plain := step(r.ID, "no output", metadata.StepSucceeded)
	plain.CacheKey = "no output"
	s.apply(steps(plain))
	want[plain.CacheKey] = plain
	s.equal("Lookup", s.lookup(append(keys, plain.CacheKey)...), want)
}

func lookupLimit(s *suite) {
	r := s.run()
	b := metadata.Batch{}
	keys := names(1000)
	for _, name := range keys {
		st := made(r.ID, name, name)
		st.CacheKey = name
		b.Steps = append(b.Steps, st)
	}
	s.apply(b)
	found := s.lookup(keys...)
	for i, key := range keys {
		if found[key].Step != key {
			s.Fatalf("key %d of 1000 gives %+v", i, found[key])
		}
	}
	_, err := s.Lookup(s.Context(), append(keys, "one more"))
	s.checkCode("Lookup of 1001 keys", err, component.Invalid)
}

// A step that is no longer a result is not found.
func lookupReplaced(s *suite) {
	r := s.run()
	st := made(r.ID, "train", "model")
	st.State, st.CacheKey = metadata.StepCached, "key"
	s.apply(steps(st))
	again := step(r.ID, "train", metadata.StepRunning)
	again.CacheKey = "key"
	s.apply(steps(again))
	s.equal("Lookup while the step runs again", s.lookup("key"), map[string]metadata.Step{})
	again.State, again.CacheKey = metadata.StepSucceeded, "other"
	s.apply(steps(again))
	s.equal("Lookup of the new key", s.lookup("key", "other"), map[string]metadata.Step{"other": again})
}
