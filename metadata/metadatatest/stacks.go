package metadatatest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func stackTests() []test {
	return []test{
		{"Put", stackPut},
		{"Versions", stackVersions},
		{"Active", stackActive},
		{"Invalid", stackInvalid},
	}
}

func (s *suite) put(name, spec string, version int) metadata.Stack {
	s.Helper()
	st, err := s.PutStack(s.Context(), metadata.Stack{Name: name, Spec: []byte(spec), Version: 77}, version)
	if err != nil {
		s.Fatalf("PutStack: %v", err)
	}
	return st
}

func stackPut(s *suite) {
	if none, err := s.Stacks(s.Context()); err != nil || len(none) != 0 {
		s.Errorf("an empty store has stacks: %v, %v", none, err)
	}
	before := time.Now().Add(-time.Minute)
	var want []metadata.Stack
	for _, name := range []string{"a", "B", "prod/eu", "b", "ü"} {
		want = append(want, s.put(name, "name: "+name+"\n", 0))
	}
	want[0], want[1] = want[1], want[0] // in order of bytes
	got, err := s.Stacks(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	order := []string{"B", "a", "b", "prod/eu", "ü"}
	if len(got) != len(order) {
		s.Fatalf("%d stacks, want %d", len(got), len(order))
	}
	for i, st := range got {
		if st.Name != order[i] || string(st.Spec) != "name: "+st.Name+"\n" || st.Version != 1 || st.Updated.Before(before) || time.Until(st.Updated) > time.Minute {
			s.Errorf("stack %d is %+v", i, st)
		}
		one, err := s.Stack(s.Context(), st.Name)
		if err != nil {
			s.Fatal(err)
		}
		s.equal("Stack and Stacks", one, st)
	}
	s.equalStacks(got, want)
	if err := s.DeleteStack(s.Context(), "a"); err != nil {
		s.Fatal(err)
	}
	_, err = s.Stack(s.Context(), "a")
	s.checkCode("a deleted stack", err, component.NotFound)
	s.checkCode("deleting it again", s.DeleteStack(s.Context(), "a"), component.NotFound)
}

// equalStacks compares what PutStack returned with what is stored.
func (s *suite) equalStacks(got, want []metadata.Stack) {
	s.Helper()
	less := func(a, b metadata.Stack) bool { return a.Name < b.Name }
	s.equalBy("what PutStack returned", got, want, cmpopts.SortSlices(less))
}

func stackVersions(s *suite) {
	s.put("prod", "one", 0)
	for i := 2; i < 5; i++ {
		if st := s.put("prod", strconv.Itoa(i), i-1); st.Version != i {
			s.Errorf("version %d after %d", st.Version, i-1)
		}
	}
	if st := s.put("prod", "unconditionally", 0); st.Version != 5 {
		s.Errorf("version %d after 4", st.Version)
	}
	for _, version := range []int{1, 4, 6} {
		_, err := s.PutStack(s.Context(), metadata.Stack{Name: "prod", Spec: []byte("late")}, version)
		s.checkCode(fmt.Sprintf("a change of version %d where it is 5", version), err, component.FailedPrecondition)
	}
	_, err := s.PutStack(s.Context(), metadata.Stack{Name: "absent"}, 1)
	s.checkCode("a change of a stack that does not exist", err, component.FailedPrecondition)
	if st, err := s.Stack(s.Context(), "prod"); err != nil || st.Version != 5 || string(st.Spec) != "unconditionally" {
		s.Errorf("the stack is %+v, %v", st, err)
	}
}

func stackActive(s *suite) {
	check := func(want string) {
		s.Helper()
		if got, err := s.ActiveStack(s.Context()); err != nil || got != want {
			s.Errorf("the active stack is %q, want %q (%v)", got, want, err)
		}
	}
	choose := func(name string) {
		s.Helper()
		if err := s.SetActiveStack(s.Context(), name); err != nil {
			s.Errorf("SetActiveStack(%q): %v", name, err)
		}
	}
	check("")
	choose("")
	s.put("a", "", 0)
	s.put("b", "", 0)
	check("")
	choose("a")
	choose("b")
	check("b")
	s.checkCode("choosing a stack that does not exist", s.SetActiveStack(s.Context(), "absent"), component.NotFound)
	s.checkCode("deleting the active stack", s.DeleteStack(s.Context(), "b"), component.FailedPrecondition)
	check("b")
	s.put("b", "changed", 1)
	if err := s.DeleteStack(s.Context(), "a"); err != nil {
		s.Error(err)
	}
	choose("")
	check("")
	if err := s.DeleteStack(s.Context(), "b"); err != nil {
		s.Error(err)
	}
}

func stackInvalid(s *suite) {
	for what, name := range invalidKeys() {
		_, err := s.PutStack(s.Context(), metadata.Stack{Name: name}, 0)
		s.checkCode("PutStack with "+what, err, component.Invalid)
		_, err = s.Stack(s.Context(), name)
		s.checkCode("Stack with "+what, err, component.Invalid)
		s.checkCode("DeleteStack with "+what, s.DeleteStack(s.Context(), name), component.Invalid)
		if name != "" {
			s.checkCode("SetActiveStack with "+what, s.SetActiveStack(s.Context(), name), component.Invalid)
		}
	}
	_, err := s.PutStack(s.Context(), metadata.Stack{Name: "a"}, -1)
	s.checkCode("PutStack with a negative version", err, component.Invalid)
}
