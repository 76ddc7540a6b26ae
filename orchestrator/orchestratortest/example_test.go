package orchestratortest_test

import (
	"testing"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/orchestrator/orchestratortest"
)

// In a flavor's own tests, func TestOrchestrator(t *testing.T) does nothing but call orchestratortest.Run.
func ExampleRun() {
	h := orchestratortest.Harness{
		Open: func(t *testing.T) orchestrator.Orchestrator {
			o, err := local.New(local.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return o
		},
	}
	_ = func(t *testing.T) { orchestratortest.Run(t, h) }
	// Output:
}
