// Package metadata is the interface to the records of everything that ran: runs, steps, attempts, artifacts, lineage,
// metrics, stacks.
//
// [Store] is designed for a network. Writes are batches of whole rows, applied atomically and idempotent by the batch's ID, so
// that a caller may send one again when it does not know whether the first arrived. Reads return pages by keyset. Large
// documents (graphs, plans, parameters) are stored once per digest.
//
// metadata/sqlite is the embedded implementation; metadata/metadatatest is the conformance suite.
//
// The state machines of runs and steps are in one table each: see [RunState.CanBecome] and [StepState.CanBecome].
package metadata
