//go:build cgo

package points

import (
	"database/sql"
	"fmt"
	"strconv"
	"sync"

	"github.com/mattn/go-sqlite3"
)

// SQLite reports whether there are points inside SQLite. They need its C code: without cgo, programs have a translation of it to Go.
const SQLite = true

// watchSQLite hooks into every connection that is opened from here on.
func watchSQLite() {
	db, err := sql.Open("sqlite3", "") // which opens nothing
	if err != nil {
		panic(err)
	}
	db.Driver().(*sqlite3.SQLiteDriver).ConnectHook = func(c *sqlite3.SQLiteConn) error {
		c.RegisterUpdateHook(current.changed)
		c.RegisterCommitHook(current.committing)
		c.RegisterRollbackHook(current.end)
		return nil
	}
	watchCalls()
}

// current is the transaction that writes: in one process there is one at a time. SQLite's system calls know of nothing else.
var current transaction

// transaction is told of by SQLite, on the thread that executes it.
type transaction struct {
	mu         sync.Mutex
	rows       map[string]bool // "INSERT runs", of tables that SQLite tells of: those with a rowid
	commit     []string        // what it records; nil before the commit
	runs, bare int             // commits of this process that changed a run, and that changed no such table
}

// changed is called when a row has changed.
func (t *transaction) changed(op int, _, table string, _ int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		t.rows = map[string]bool{}
		reached(Begun, "")
	}
	switch op {
	case sqlite3.SQLITE_INSERT:
		t.rows["INSERT "+table] = true
	case sqlite3.SQLITE_UPDATE:
		t.rows["UPDATE "+table] = true
	}
}

// committing is called when all rows have changed, before anything of it is written to the log. It returns 0, which lets SQLite go on.
func (t *transaction) committing() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commit = append(t.named(), AnyCommit)
	for _, name := range t.commit {
		reached(name+Open, "")
	}
	return 0
}

// named names what the transaction records.
func (t *transaction) named() (names []string) {
	switch {
	case t.rows["INSERT runs"]:
		names = append(names, Submit)
	case t.rows["UPDATE runs"]:
		t.runs++
		names = append(names, Run+strconv.Itoa(t.runs))
	}
	if t.rows["INSERT checkpoints"] || t.rows["UPDATE checkpoints"] {
		names = append(names, Checkpoint)
	}
	if len(t.rows) == 0 {
		t.bare++
		names = append(names, Collect+strconv.Itoa(t.bare))
	}
	return names
}

// writing is called before a page, or the head of one, is written to the log. It reports whether it is to be torn.
func (t *transaction) writing(size int) bool {
	const smallestPage = 512
	t.mu.Lock()
	defer t.mu.Unlock()
	torn := false
	for _, name := range t.commit {
		torn = torn || size >= smallestPage && due(name+Log)
	}
	return torn
}

// unlocked is called when the lock of the log was released, which ends a transaction that has written.
func (t *transaction) unlocked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range t.commit {
		reached(name+Done, fmt.Sprintf("%q", t.commit))
	}
	t.rows, t.commit = nil, nil
}

// end is called when a transaction is rolled back.
func (t *transaction) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows, t.commit = nil, nil
}
