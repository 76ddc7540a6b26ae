// Package artifacttest is the conformance suite of [artifact.Store]. It holds an implementation, also one of a third party, to
// every sentence of that interface's contract.
//
// A flavor's tests call [Run] with a [Harness], which opens fresh stores and, where the flavor allows it, damages what they
// hold:
//
//	func TestStore(t *testing.T) {
//		artifacttest.Run(t, artifacttest.Harness{
//			Open: func(t *testing.T) artifact.Store {
//				store, err := local.Open(t.TempDir())
//				if err != nil {
//					t.Fatal(err)
//				}
//				return store
//			},
//		})
//	}
//
// Only Open is required. Parts that need another function of the harness are skipped without it, with the reason.
//
// The subtests run in parallel, each with a store of its own, but for the long stream, which measures memory and runs alone:
// call Run from a test that is not parallel itself. With -short the stream is shorter. To find leaked goroutines, verify
// with go.uber.org/goleak in TestMain: the suite ends all of its own.
package artifacttest
