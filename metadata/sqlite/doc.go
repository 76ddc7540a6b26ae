// Package sqlite keeps metadata in one SQLite file: the embedded default.
//
//	store, err := sqlite.Open(ctx, "tenon.db", sqlite.Options{})
//
// Writes of all callers queue up for one goroutine, which commits them in groups: each batch is a savepoint of its own, so that one
// that is refused does not spoil the others. Readers have connections of their own beside it. Several processes on one host may
// use one file; it must not be shared between hosts or into containers.
//
// The journal is a write-ahead log with synchronous=NORMAL: a crash of the process loses nothing, a power cut at most the last
// commits. A group that holds a durable batch is committed with synchronous=FULL.
//
// A row is what queries and constraints need as columns, and the whole record as JSON in the column body. A step is one row: its
// inputs and outputs are in its body. Outputs also have a row in artifacts, by which they are found; content_refs says which
// run keeps which content alive.
//
// Built with cgo the driver is mattn/go-sqlite3, without it modernc.org/sqlite.
package sqlite
