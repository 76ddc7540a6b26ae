package orchestratortest_test

import (
	"testing"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/orchestrator/orchestratortest"
)

// A flavor runs the suite in its own tests.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestOrchestrator(t *testing.T) {
		orchestratortest.Run(t, func(t *testing.T) orchestrator.Orchestrator {
			o, err := local.New(local.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return o
		})
	}
	// Output:
}
