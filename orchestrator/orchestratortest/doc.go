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
// The suite decides what attempts do through the Executor that it hands to Orchestrator.Runner. Where a runner starts them outside this process, the
// suite stands in for the engine: it serves the workers, which call [Work] and do there what the executor says. By default a worker is
// the test's own binary:
//
//	func TestMain(m *testing.M) {
//		if code, ok := orchestratortest.Work(); ok {
//			os.Exit(code)
//		}
//		os.Exit(m.Run())
//	}
//
// A runner that cannot start that, such as one for containers, says in Harness.Program what to start. A worker must reach the
// address in orchestrator.EnvWorker, as it must reach the engine's.
//
// The subtests run in parallel, each with an orchestrator of its own. To find leaked goroutines, verify with go.uber.org/goleak in TestMain:
// the suite ends all of its own.
package orchestratortest
