package stack_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/stack"
)

func TestNew(t *testing.T) {
	t.Parallel()
	j := &journal{}
	broken := component.Errorf(component.Unavailable, "disk gone")
	parts := stack.Parts{
		Name:         "all",
		Orchestrator: testOrchestrator{closer: closer{journal: j, name: "orchestrator"}},
		Artifacts:    testArtifacts{closer: closer{journal: j, name: "artifact_store", err: broken}},
		Registry:     testRegistry{closer: closer{journal: j, name: "registry"}},
		Secrets:      testSecrets{closer: closer{journal: j, name: "secrets"}},
		Tracker:      testTracker{closer: closer{journal: j, name: "tracker"}},
		Deployer:     testDeployer{closer: closer{journal: j, name: "deployer"}},
	}
	s, err := stack.New(parts)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name() != "all" || s.Orchestrator() != parts.Orchestrator || s.Artifacts() != parts.Artifacts || s.Registry() != parts.Registry ||
		s.Secrets() != parts.Secrets || s.Tracker() != parts.Tracker || s.Deployer() != parts.Deployer {
		t.Error("an accessor returns another component")
	}
	first, again := s.Close(), s.Close()
	if !errors.Is(first, broken) || component.CodeOf(first) != component.Unavailable || first.Error() != `close the artifact_store of stack "all": disk gone` {
		t.Errorf("Close: %v", first)
	}
	if again != first { //nolint:errorlint // the very same error
		t.Errorf("Close again: %v", again)
	}
	want := []string{"close orchestrator", "close deployer", "close tracker", "close registry", "close artifact_store", "close secrets"}
	if diff := cmp.Diff(want, j.events); diff != "" {
		t.Error(diff)
	}
}

func TestOptionalPartsAreNil(t *testing.T) {
	t.Parallel()
	s, err := stack.New(stack.Parts{Name: "small", Orchestrator: testOrchestrator{}, Artifacts: testArtifacts{}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Registry() != nil || s.Secrets() != nil || s.Tracker() != nil || s.Deployer() != nil {
		t.Error("a component that was not given is not nil")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	const (
		store   = "cannot reach this artifact_store: choose an artifact_store that is shared, or a local "
		reg     = "cannot pull from this registry: choose a registry that is shared, or a local "
		manager = "cannot reach this secrets manager: choose a secrets manager that is shared, or a local orchestrator"
	)
	o, a := testOrchestrator{}, testArtifacts{}
	remote, shared := testOrchestrator{remote: true}, testArtifacts{shared: true}
	for name, test := range map[string]struct {
		parts stack.Parts
		want  []string // parts of the error; none: accepted
	}{
		"local, local":           {stack.Parts{Orchestrator: o, Artifacts: a}, nil},
		"local, shared":          {stack.Parts{Orchestrator: o, Artifacts: shared}, nil},
		"remote, shared":         {stack.Parts{Orchestrator: remote, Artifacts: shared}, nil},
		"remote, local":          {stack.Parts{Orchestrator: remote, Artifacts: a}, []string{store + "orchestrator"}},
		"registry":               {stack.Parts{Orchestrator: o, Artifacts: a, Registry: testRegistry{}}, nil},
		"remote, registry":       {stack.Parts{Orchestrator: remote, Artifacts: shared, Registry: testRegistry{}}, []string{reg + "orchestrator"}},
		"remote, shared reg":     {stack.Parts{Orchestrator: remote, Artifacts: shared, Registry: testRegistry{shared: true}}, nil},
		"secrets":                {stack.Parts{Orchestrator: o, Artifacts: a, Secrets: testSecrets{}}, nil},
		"remote, secrets":        {stack.Parts{Orchestrator: remote, Artifacts: shared, Secrets: testSecrets{}}, []string{manager}},
		"remote, shared secrets": {stack.Parts{Orchestrator: remote, Artifacts: shared, Secrets: testSecrets{shared: true}}, nil},
		"deployer":               {stack.Parts{Orchestrator: o, Artifacts: a, Deployer: testDeployer{}}, nil},
		"remote deployer":        {stack.Parts{Orchestrator: o, Artifacts: a, Deployer: testDeployer{remote: true}}, []string{store + "deployer"}},
		"remote deployer, shared": {
			stack.Parts{Orchestrator: o, Artifacts: shared, Registry: testRegistry{}, Deployer: testDeployer{remote: true}},
			[]string{reg + "deployer"},
		},
		"all at once": {
			stack.Parts{Orchestrator: remote, Artifacts: a, Registry: testRegistry{}, Secrets: testSecrets{}, Deployer: testDeployer{remote: true}},
			[]string{store + "orchestrator", reg + "orchestrator", manager, store + "deployer", reg + "deployer"},
		},
		"no orchestrator": {stack.Parts{Artifacts: a}, []string{"has no orchestrator"}},
		"no store":        {stack.Parts{Orchestrator: o}, []string{"has no artifact_store"}},
		"nothing":         {stack.Parts{}, []string{"has no orchestrator", "has no artifact_store"}},
		"nil pointer":     {stack.Parts{Orchestrator: o, Artifacts: (*testArtifacts)(nil)}, []string{"artifact_store is a nil *stack_test.testArtifacts"}},
		"nil pointers":    {stack.Parts{Orchestrator: o, Artifacts: a, Tracker: (*testTracker)(nil)}, []string{"tracker is a nil *stack_test.testTracker"}},
	} {
		test.parts.Name = "x"
		_, err := stack.New(test.parts)
		if len(test.want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if component.CodeOf(err) != component.Invalid {
			t.Errorf("%s: got %v, want an Invalid error", name, err)
			continue
		}
		if lines := strings.Count(err.Error(), "\n") + 1; lines != len(test.want) {
			t.Errorf("%s: %d problems, want %d: %v", name, lines, len(test.want), err)
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"a": true, "0": true, "production": true, "a.b_c-d": true, strings.Repeat("x", 63): true,
		"": false, "A": false, "-a": false, ".a": false, "_": false, "a b": false, "ä": false, "a/b": false, "a\n": false, strings.Repeat("x", 64): false,
	} {
		_, err := stack.New(stack.Parts{Name: name, Orchestrator: testOrchestrator{}, Artifacts: testArtifacts{}})
		if (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func parse(t *testing.T, text string) stack.Spec {
	t.Helper()
	s, err := stack.Parse([]byte(text), "stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const full = `
name: full
orchestrator: {flavor: local}
artifact_store: {flavor: disk, config: {path: /data, part_size: 4GiB, timeout: 1m, steps: {retry: {attempts: 3}}, shared: true}}
registry: {flavor: oci, config: {shared: true}}
secrets: {flavor: vault}
tracker: {flavor: mlflow}
deployer: {flavor: server}
`

func TestOpen(t *testing.T) {
	t.Parallel()
	j := &journal{}
	s, err := stack.Open(t.Context(), parse(t, full), flavors(j), component.Env{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if s.Name() != "full" || !s.Artifacts().Capabilities().Shared || s.Tracker() == nil || s.Secrets() == nil || s.Deployer() == nil || s.Registry() == nil {
		t.Errorf("got %+v", s)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	want := []string{
		"open secrets", "open artifact_store", "open registry", "open tracker", "open deployer", "open orchestrator",
		"close orchestrator", "close deployer", "close tracker", "close registry", "close artifact_store", "close secrets",
	}
	if diff := cmp.Diff(want, j.events); diff != "" {
		t.Error(diff)
	}
}

func TestOpenDefault(t *testing.T) {
	t.Parallel()
	s, err := stack.Open(t.Context(), stack.Default(), flavors(nil), component.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Name() != stack.DefaultName {
		t.Errorf("the default stack is called %q", s.Name())
	}
}

func TestOpenClosesWhatItOpened(t *testing.T) {
	t.Parallel()
	j := &journal{}
	text := strings.Replace(full, "mlflow", "mlflow, config: {fail: no route to host}", 1)
	_, err := stack.Open(t.Context(), parse(t, text), flavors(j), component.Env{})
	if component.CodeOf(err) != component.Unavailable || err.Error() != `stack "full": open tracker "mlflow": no route to host` {
		t.Errorf("got %v", err)
	}
	want := []string{
		"open secrets", "open artifact_store", "open registry", "open tracker",
		"close registry", "close artifact_store", "close secrets",
	}
	if diff := cmp.Diff(want, j.events); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	j := &journal{}
	text := "name: x\norchestrator: {flavor: local, config: {remote: true}}\nartifact_store: {flavor: local}\n"
	_, err := stack.Open(t.Context(), parse(t, text), flavors(j), component.Env{})
	if component.CodeOf(err) != component.Invalid || !strings.Contains(err.Error(), "choose an artifact_store that is shared") {
		t.Errorf("got %v", err)
	}
	want := []string{"open artifact_store", "open orchestrator", "close orchestrator", "close artifact_store"}
	if diff := cmp.Diff(want, j.events); diff != "" {
		t.Error(diff)
	}
}

// Nothing is opened before everything is valid.
func TestOpenValidatesFirst(t *testing.T) {
	t.Parallel()
	j := &journal{}
	text := strings.Replace(full, "{flavor: server}", "{flavor: server, config: {replicas: 3}}", 1)
	_, err := stack.Open(t.Context(), parse(t, text), flavors(j), component.Env{})
	if component.CodeOf(err) != component.Invalid || len(j.events) > 0 {
		t.Errorf("got %v after %v", err, j.events)
	}
}
