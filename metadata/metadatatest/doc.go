// Package metadatatest is the conformance suite of [metadata.Store]. It holds an implementation, also one of a third party, to
// every sentence of that interface's contract.
//
// The tests of an implementation call [Run] with a [Harness], which opens fresh stores:
//
//	func TestStore(t *testing.T) {
//		metadatatest.Run(t, metadatatest.Harness{
//			Open: func(t *testing.T) metadata.Store {
//				store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tenon.db"), sqlite.Options{})
//				if err != nil {
//					t.Fatal(err)
//				}
//				return store
//			},
//		})
//	}
//
// Only Open is required. Parts that need another function of the harness are skipped without it, with the reason. The subtests run in
// parallel, each with a store of its own. To find leaked goroutines, verify with go.uber.org/goleak in TestMain: the suite ends all of
// its own.
package metadatatest
