// Package orchestratortest is the conformance suite for implementations of orchestrator.Orchestrator.
//
//	func TestOrchestrator(t *testing.T) {
//		orchestratortest.Run(t, orchestratortest.Harness{
//			Open: func(t *testing.T) orchestrator.Orchestrator {
//				o, err := mine.New(mine.Config{})
//				if err != nil {
//					t.Fatal(err)
//				}
//				return o
//			},
//		})
//	}
//
// The suite decides what attempts do through the Executor that it hands to Orchestrator.Runner. A runner that starts attempts in other
// processes must let them call that executor for its test, over a connection of its own, and end them with its context.
//
// The subtests run in parallel, each with an orchestrator of its own. To find leaked goroutines, verify with go.uber.org/goleak in TestMain:
// the suite ends all of its own.
package orchestratortest
