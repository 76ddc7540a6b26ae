// Package metadata is the interface to the records of everything that ran: runs, steps, attempts, artifacts, lineage,
// metrics, stacks.
//
// # A tour
//
// A [Run] is one execution of a pipeline. Each of its steps has one row, a [Step], which is written whole whenever its state changes; a
// mapped step has one more for each element. A step's outputs are artifacts with IDs of their own, its inputs name the artifacts that it
// read: together they are the lineage. Each try of a step is an [Attempt], which holds its log; what a step measured are [Metric]
// values, what it used is its [Cost], and what it saved to go on from is a [Checkpoint]. A [Version] is a number that the store gives to an
// artifact under a name. Large documents (graphs, plans) are stored once per digest.
//
// A [Signal] is the way into a run from outside: its driver, whatever process that is, asks the store for signals. A driver that died leaves a
// run that is [Run.Lost]; the one that resumes it has a greater epoch.
//
// A step that succeeded under a cache key is a [Result], which Lookup finds until Forget is told to forget it. Its row stays.
//
// The state machines of runs and steps are in one table each: see [RunState.CanBecome] and [StepState.CanBecome]. A store refuses what they
// forbid.
//
// [Store] is designed for a network. Writes are batches of whole rows, applied atomically and idempotent by the batch's ID, so that
// a caller may send one again when it does not know whether the first arrived. A batch may be fenced by the run's epoch, so that a driver
// which was believed dead cannot write over its successor. Reads return pages by keyset. Everything is data that survives JSON.
//
//	err := store.Apply(ctx, metadata.Batch{ID: id, Run: run.ID, Epoch: run.Epoch, Steps: rows})
//	found, err := store.Lookup(ctx, cacheKeys)
//	page, err := store.Runs(ctx, metadata.RunQuery{Pipeline: "penguins", Cursor: metadata.Cursor{Limit: 20}})
//
// # Implementations
//
// metadata/sqlite is the embedded one. An implementation calls the Validate methods of what it is given, so that all refuse the same, and
// passes metadata/metadatatest, the conformance suite.
//
// # Garbage collection
//
// Content is referenced by the rows of runs, and by what a run holds although no row names it. A collector condemns what nothing references;
// from then on a batch that refers to it is refused with [ErrCondemned], and its writer puts the bytes that are not there, and revives them.
// So no record is ever without its bytes, whoever comes first:
//
//	for {
//		err := store.Apply(ctx, batch)
//		var condemned *metadata.CondemnedError
//		if !errors.As(err, &condemned) {
//			return err
//		}
//		putMissing(condemned.Digests) // or look whether they are there, and give up
//		_, err = store.Revive(ctx, condemned.Digests, condemned.Generation)
//		...
//	}
//
// The generation says when the writer learned that it must look. Bytes whose deletion began or ended since are not revived by it: the batch
// is refused again, with a newer generation. A reference comes before what depends on it: who means to read content later holds it
// first, and looks whether it is there afterwards.
package metadata
