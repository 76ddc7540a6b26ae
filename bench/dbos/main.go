package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// span is the measured part of the work in Unix nanoseconds. The work start has an end only: it began before this process did.
type span struct {
	Began int64 `json:"began"`
	Ended int64 `json:"ended"`
}

func main() {
	work := flag.String("work", "", "chain, wide, rerun, replay, resume or start")
	n := flag.Int("n", 0, "number of steps")
	dir := flag.String("dir", "", "directory of the database")
	native := flag.Bool("native", false, "use SQLite in C, as Tenon does with cgo, in place of the pure Go driver that DBOS brings")
	flag.Parse()
	s, err := measure(context.Background(), *work, *n, options{dir: *dir, native: *native})
	if err != nil {
		fmt.Fprintf(os.Stderr, "dbos: %s of %d steps: %v\n", *work, *n, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		fmt.Fprintln(os.Stderr, "dbos:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, work string, n int, o options) (span, error) {
	switch work {
	case "chain":
		return fresh(ctx, o, n, func(p program) dbos.Workflow[int, int] { return p.chain })
	case "wide":
		return fresh(ctx, o, n, func(p program) dbos.Workflow[int, int] { return p.wide })
	case "rerun":
		return rerun(ctx, o, n)
	case "replay":
		return replay(ctx, o, n)
	case "resume":
		return resume(ctx, o, n)
	case "start":
		return start(ctx, o)
	default:
		return span{}, fmt.Errorf("unknown work %q", work)
	}
}

func timed(fn func() error) (span, error) {
	began := time.Now()
	err := fn()
	return span{began.UnixNano(), time.Now().UnixNano()}, err
}
