package metadatatest

import (
	"fmt"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func versionTests() []test {
	return []test{
		{"Numbers", versionNumbers},
		{"SameContent", versionSame},
		{"NeverAgain", versionNeverAgain},
		{"Lists", versionLists},
		{"Replaced", versionReplaced},
		{"OneBatch", versionOneBatch},
	}
}

const model = "penguins/model"

// version creates a run that makes content and names it.
func (s *suite) version(name, content string) (metadata.Run, metadata.Artifact) {
	s.Helper()
	r := s.run()
	st := made(r.ID, "train", content)
	s.apply(metadata.Batch{Steps: []metadata.Step{st}, Versions: []metadata.Version{{Name: name, Version: 99, Artifact: st.Outputs[0].ID, Created: moment(9)}}})
	s.end(r)
	return r, artifactOf(r, st, 0)
}

func (s *suite) checkVersion(name string, version int, want metadata.Version) {
	s.Helper()
	got, err := s.Version(s.Context(), name, version)
	if err != nil {
		s.Fatalf("Version %s@%d: %v", name, version, err)
	}
	s.equal(fmt.Sprintf("%s@%d", name, version), got, want)
}

func numbered(name string, version int, a metadata.Artifact) metadata.Version {
	return metadata.Version{Name: name, Version: version, Artifact: a.ID, Created: moment(9)}
}

func versionNumbers(s *suite) {
	for i := 1; i <= 12; i++ { // 10 is behind 9
		_, a := s.version(model, fmt.Sprint("content ", i))
		s.checkVersion(model, i, numbered(model, i, a))
		s.checkVersion(model, 0, numbered(model, i, a))
		a.Versions = []metadata.Version{numbered(model, i, a)}
		got, err := s.Artifact(s.Context(), a.ID)
		if err != nil {
			s.Fatal(err)
		}
		s.equal("the artifact", got, a)
	}
	_, other := s.version("flights/model", "content 1")
	s.checkVersion("flights/model", 0, numbered("flights/model", 1, other))
	_, err := s.Version(s.Context(), model, 13)
	s.checkCode("a version that was not given", err, component.NotFound)
	_, err = s.Version(s.Context(), model, -1)
	s.checkCode("a negative version", err, component.Invalid)
}

// The same content as the newest is the same version, also for another artifact; content that was there before is a new one.
func versionSame(s *suite) {
	_, first := s.version(model, "a")
	_, cached := s.version(model, "a")
	s.checkVersion(model, 0, numbered(model, 1, first))
	for _, a := range []metadata.Artifact{first, cached} {
		got, err := s.Artifact(s.Context(), a.ID)
		if err != nil {
			s.Fatal(err)
		}
		s.equal("the versions of the artifact", got.Versions, []metadata.Version{numbered(model, 1, a)})
	}
	_, second := s.version(model, "b")
	s.checkVersion(model, 0, numbered(model, 2, second))
	_, third := s.version(model, "a")
	s.checkVersion(model, 0, numbered(model, 3, third))
	s.checkVersion(model, 1, numbered(model, 1, first))
	s.apply(metadata.Batch{Versions: []metadata.Version{numbered("another name", 0, first)}})
	got, err := s.Artifact(s.Context(), first.ID)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("the versions of an artifact with two names", got.Versions, []metadata.Version{numbered("another name", 1, first), numbered(model, 1, first)})
}

// A version lives as long as an artifact has it, and its number is not given again.
func versionNeverAgain(s *suite) {
	first, _ := s.version(model, "a")
	cachedRun, cached := s.version(model, "a")
	second, _ := s.version(model, "b")
	s.delete(first)
	s.checkVersion(model, 1, numbered(model, 1, cached))
	s.delete(second)
	s.checkVersion(model, 0, numbered(model, 1, cached))
	_, third := s.version(model, "c")
	s.checkVersion(model, 0, numbered(model, 3, third))
	s.delete(cachedRun)
	for _, v := range []int{1, 2} {
		_, err := s.Version(s.Context(), model, v)
		s.checkCode("a version without artifacts", err, component.NotFound)
	}
}

func (s *suite) delete(r metadata.Run) {
	s.Helper()
	if err := s.DeleteRun(s.Context(), r.ID); err != nil {
		s.Fatalf("DeleteRun: %v", err)
	}
}

// A listing by name has one artifact for each version.
func versionLists(s *suite) {
	var want []metadata.Artifact
	for i := 1; i <= 11; i++ {
		_, a := s.version(model, fmt.Sprint("content ", i))
		s.version(model, fmt.Sprint("content ", i))
		s.version("other", fmt.Sprint("content ", i))
		a.Versions = []metadata.Version{numbered(model, i, a)}
		want = append([]metadata.Artifact{a}, want...)
	}
	for _, limit := range []int{1, 4, 11, 1000} {
		s.equal(fmt.Sprintf("artifacts by name in pages of %d", limit), s.listArtifacts(limit, metadata.ArtifactQuery{Name: model}), want)
	}
	s.equal("artifacts of a name in a pipeline that has none", s.listArtifacts(10, metadata.ArtifactQuery{Name: model, Pipeline: "flights"}), []metadata.Artifact(nil))
	s.equal("artifacts of no name", s.listArtifacts(10, metadata.ArtifactQuery{Name: "absent"}), []metadata.Artifact(nil))
}

// An output that its step no longer has is gone, and so are its versions.
func versionReplaced(s *suite) {
	r := s.run()
	st := made(r.ID, "train", "a")
	st.State = metadata.StepCached
	old := st.Outputs[0].ID
	s.apply(metadata.Batch{Steps: []metadata.Step{st}, Versions: []metadata.Version{{Name: model, Artifact: old}}})
	again := made(r.ID, "train", "a")
	s.apply(steps(again))
	_, err := s.Artifact(s.Context(), old)
	s.checkCode("an output that was replaced", err, component.NotFound)
	_, err = s.Version(s.Context(), model, 0)
	s.checkCode("its version", err, component.NotFound)
	s.equal("artifacts", s.listArtifacts(10, metadata.ArtifactQuery{}), []metadata.Artifact{artifactOf(r, again, 0)})
}

func versionOneBatch(s *suite) {
	r := s.run()
	a, b := made(r.ID, "a", "content a"), made(r.ID, "b", "content b")
	s.apply(metadata.Batch{
		Steps:    []metadata.Step{a, b},
		Versions: []metadata.Version{{Name: model, Artifact: a.Outputs[0].ID}, {Name: model, Artifact: b.Outputs[0].ID}, {Name: model, Artifact: b.Outputs[0].ID}},
	})
	for i, st := range []metadata.Step{a, b} {
		if v, err := s.Version(s.Context(), model, i+1); err != nil || v.Artifact != st.Outputs[0].ID {
			s.Errorf("version %d: %+v, %v", i+1, v, err)
		}
	}
}
