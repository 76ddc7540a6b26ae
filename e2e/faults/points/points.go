// Package points has a program killed at a named point: not at a moment that a clock draws, but between two instructions that are known. The
// program of a test calls [Watch] before anything else; Tenon itself knows nothing of it, and is the same as in any other program.
//
// Points lie at the borders that Tenon has anyway. Around the artifact store, whose flavor is replaced by one that wraps it: in the middle of
// a Put, after it, before and after a Delete. And inside SQLite, through what SQLite offers for tests: its hooks tell when a row changes and
// when a commit begins, and its table of system calls lets each write to its files be seen, and the lock be that ends a commit.
//
// Who comes to the point that a test asked for notes it and sends itself SIGKILL, the signal of "kill -9", so that it executes not one
// instruction more. A test that stopped it first and killed it then would show the same, later.
package points

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Env names the variable that holds an [Order].
const Env = "TRIAL_POINT"

// The points around the artifact store.
const (
	PutHalf      = "put/half" // of a large content: its first 256 KiB are in a temporary file
	PutDone      = "put/done" // it is stored, and who stores it does not know yet
	BeforeDelete = "delete/before"
	AfterDelete  = "delete/after"
)

// The points inside SQLite. All but the first and the last are those of a commit, and begin with what it records, which is named below. Each
// commit counts as [AnyCommit], too.
const (
	Begun    = "begun"    // the first row of a transaction has changed
	Open     = "/open"    // all rows have changed, and nothing is written to the log
	Log      = "/log"     // in the middle of it: half a page is written, and with a longer transaction perhaps others before it
	Done     = "/done"    // it has ended, and who waits for it does not know yet
	Database = "database" // half a page is written to the database itself, which happens when its log is copied
)

// What a commit records. Those of [Run] and [Collect] are numbered in each process: the first is [Run] + "1".
const (
	AnyCommit  = "commit"
	Submit     = "submit"     // a new run
	Run        = "run"        // what became of a run
	Checkpoint = "checkpoint" // of a step
	Collect    = "collect"    // what a garbage collector does: it condemns content, begins to delete it, and ends that
)

// Order asks for a kill when a point is reached for the Number-th time, by whichever processes of the program.
type Order struct {
	Point  string
	Number int    // 1 for the first time
	Path   string // where processes count, and note that they are killed; in a directory of the test
}

// Variable returns what is to be in the environment of the program.
func (o Order) Variable() string { return fmt.Sprintf("%s=%s %d %s", Env, o.Point, o.Number, o.Path) }

// Fell returns what was noted about the kill. It reports false if the program did not come to the point.
func (o Order) Fell() (note string, fell bool) {
	text, err := os.ReadFile(o.note())
	return string(text), err == nil
}

// Forget removes what was counted and noted, so that another order may have the same path.
func (o Order) Forget() {
	_ = os.Remove(o.Path)
	_ = os.Remove(o.note())
}

func (o Order) note() string { return o.Path + ".fell" }

// order is that of this process; nil if there is none.
var order = sync.OnceValue(func() *Order {
	fields := strings.SplitN(os.Getenv(Env), " ", 3)
	if len(fields) != 3 {
		return nil
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		return nil
	}
	return &Order{fields[0], n, fields[2]}
})

// reached kills the program if this is the point that was asked for.
func reached(point, note string) {
	if due(point) {
		fall(note)
	}
}

// due counts that a point is reached, and reports whether the program is to be killed.
func due(point string) bool {
	o := order()
	if o == nil || o.Point != point {
		return false
	}
	f, err := os.OpenFile(o.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err) // the test's directory is gone
	}
	defer f.Close()
	if _, err := f.WriteString("."); err != nil {
		panic(err)
	}
	count, err := f.Seek(0, 1) // behind what was appended, also when others append at the same time
	if err != nil {
		panic(err)
	}
	return count == int64(o.Number)
}
