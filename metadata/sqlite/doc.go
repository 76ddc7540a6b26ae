// Package sqlite keeps metadata in one SQLite file: the embedded default.
//
//	store, err := sqlite.Open(ctx, "tenon.db", sqlite.Options{})
//
// Several processes on one host may use one file; it must not be shared between hosts or into containers.
//
// # How it works
//
// Writes of all callers queue up for one goroutine, which commits what has gathered in one transaction: each batch is a savepoint of its
// own, so that one that is refused does not spoil the others. Readers have connections of their own beside it.
//
// The journal is a write-ahead log with synchronous=NORMAL: the end of the process loses nothing, a power cut at most the last
// commits. A group that holds a durable batch is committed with synchronous=FULL.
//
// A row is what queries and constraints need as columns, and the whole record as JSON in the column body. A step is one row: its
// inputs and outputs are in its body. The table artifacts says which step has an output; content_refs says which run keeps which content
// alive, and what in it does: a step, until it is forgotten; a checkpoint, until it is replaced; the run, as long as it is there.
//
// Each index costs every step a page to write, so that there are few; each listing walks one of them in its order and stops when its page is
// full, so that it costs no more in a database of a thousand times as many runs. A test holds the plan of every query. What may touch
// very many rows, such as forgetting results or condemning content, is done in several transactions, so that other writers wait but
// milliseconds.
//
// The schema's version is the file's user_version. A file that is up to date opens without looking at migrations; one that is older is
// migrated by one process, which holds the lock file beside it; one that is newer is refused. Migrations go forward only, and testdata has a
// dump of every schema that was released.
//
// Built with cgo the driver is mattn/go-sqlite3, without it modernc.org/sqlite.
package sqlite
