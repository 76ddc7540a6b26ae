package metadatatest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/metadata"
)

func nameTests() []test {
	return []test{
		{"Newest", nameNewest},
		{"Prefix", namePrefix},
	}
}

func (s *suite) names(limit int, prefix string) []metadata.Version {
	s.Helper()
	return all(s, limit, func(c metadata.Cursor) (metadata.Page[metadata.Version], error) {
		return s.Names(s.Context(), prefix, c)
	})
}

// Each name with its newest version that is there, as Version returns it.
func nameNewest(s *suite) {
	s.equal("names of an empty store", s.names(10, ""), []metadata.Version(nil))
	s.version(model, "a")
	second, b := s.version(model, "b")
	s.version(model, "b") // another artifact of the second version
	last, _ := s.version(model, "c")
	gone, _ := s.version("gone", "x")
	_, other := s.version("other", "x")
	s.delete(last)
	s.delete(gone)
	want := []metadata.Version{numbered("other", 1, other), numbered(model, 2, b)}
	s.equal("names", s.names(10, ""), want)
	for _, v := range want {
		s.checkVersion(v.Name, 0, v)
	}
	s.delete(second)
	if got := s.names(10, model); len(got) != 1 || got[0].Version != 2 || got[0].Artifact == b.ID {
		s.Errorf("after the first of two artifacts of a version has gone its name is %+v", got)
	}
}

// In order of bytes, in pages, those that begin with a prefix: no character in it means more than itself.
func namePrefix(s *suite) {
	r := s.run()
	list := []string{"A", "a", "a%", "a%b", "a/b", "a/c", "a_", "ab", "b", "é", "日本", "日本語", "\U0010ffff"}
	b := metadata.Batch{}
	for i := range list {
		name := list[(i*5)%len(list)]
		st := made(r.ID, name, name)
		b.Steps = append(b.Steps, st)
		b.Versions = append(b.Versions, metadata.Version{Name: name, Artifact: st.Outputs[0].ID})
	}
	s.apply(b)
	for _, prefix := range append(slices.Clone(list), "", "a/", "%", "c", "日") {
		var want []string
		for _, name := range list {
			if strings.HasPrefix(name, prefix) {
				want = append(want, name)
			}
		}
		for _, limit := range []int{1, 3, 1000} {
			var got []string
			for _, v := range s.names(limit, prefix) {
				got = append(got, v.Name)
			}
			s.equal(fmt.Sprintf("names that begin with %q in pages of %d", prefix, limit), got, want)
		}
	}
}
