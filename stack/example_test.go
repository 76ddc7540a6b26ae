package stack_test

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/stack"
)

// A program composes a stack from components that it opened itself.
func ExampleNew() {
	s, err := stack.New(stack.Parts{
		Name:         "tests",
		Orchestrator: testOrchestrator{},
		Artifacts:    testArtifacts{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Name(), "has a tracker:", s.Tracker() != nil)
	// Output: tests has a tracker: false
}

// Components that cannot work together are refused, with what to do.
func ExampleNew_impossible() {
	_, err := stack.New(stack.Parts{
		Name:         "tests",
		Orchestrator: testOrchestrator{remote: true},
		Artifacts:    testArtifacts{},
	})
	fmt.Println(err)
	// Output: stack "tests": the orchestrator works on other hosts, which cannot reach this artifact_store: choose an artifact_store that is shared, or a local orchestrator
}

func ExampleParse() {
	spec, err := stack.Parse([]byte(`
name: production
orchestrator:   {flavor: local}
artifact_store: {flavor: disk, config: {path: /data, part_size: 8MiB}}
`), "production.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := spec.Validate(flavors(nil)); err != nil {
		fmt.Println(err)
		return
	}
	s, err := stack.Open(context.Background(), spec, flavors(nil), component.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Print(s.Name(), " is ready:\n", string(spec.YAML()))
	// Output:
	// production is ready:
	// name: production
	// orchestrator:
	//   flavor: local
	// artifact_store:
	//   flavor: disk
	//   config:
	//     part_size: "8MiB"
	//     path: /data
}

// All mistakes are reported together, with their places.
func ExampleSpec_Validate() {
	spec, err := stack.Parse([]byte(`
name: production
orchestrator:   {flavor: lokal}
artifact_store: {flavor: disk, config: {path: /data, workers: 300, tiemout: 1m}}
`), "production.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(spec.Validate(flavors(nil)))
	// Output:
	// production.yaml:3:26: orchestrator.flavor: this program has no orchestrator flavor "lokal": did you mean "local"?
	// production.yaml:4:63: artifact_store.config.workers: 300 is out of range: want 0 to 255
	// production.yaml:4:68: artifact_store.config.tiemout: unknown key: did you mean "timeout"?
}
