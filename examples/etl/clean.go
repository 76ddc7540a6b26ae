package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Flight is a row of the cleaned data. The tags are the names of the columns for whoever reads the Parquet file with another tool.
type Flight struct {
	Departed time.Time `parquet:"departed"` // local time
	Delay    int64     `parquet:"delay"`    // minutes by which it arrived late; negative: early
	Origin   string    `parquet:"origin"`   // code of the airport, such as "SFO"
}

// CleanIn names the data. The content of a Source is part of the cache key: an edited file is never a stale hit.
type CleanIn struct{ File artifact.Source }

// Clean leaves out what cannot be used. The table that it returns is written, row by row, when the function has returned: at no time are
// there more than a few rows in memory.
func Clean(ctx context.Context, in CleanIn) (artifact.Ref[artifact.Table[Flight]], error) {
	path, err := in.File.Path(ctx)
	if err != nil {
		return artifact.Ref[artifact.Table[Flight]]{}, err
	}
	return artifact.New(artifact.NewTable(clean(ctx, artifact.FromParquet[record](path)))), nil
}

// record is a row as it comes. Columns that have no field, such as the distance, are not read; pointers are values that may be missing.
type record struct {
	Date   *time.Time
	Delay  *int64
	Origin *string
}

// clean yields the flights that can be used. An error is the last that it yields.
func clean(ctx context.Context, records artifact.Table[record]) iter.Seq2[Flight, error] {
	return func(yield func(Flight, error) bool) {
		var seen tally
		for r, err := range records.Rows(ctx) {
			if err != nil {
				yield(Flight{}, err)
				return
			}
			flight, usable := seen.add(r)
			if seen.rows%10_000 == 0 {
				step.Progress(ctx, int64(seen.rows), 0) // of a number that nobody knows yet
			}
			if usable && !yield(flight, nil) {
				return
			}
		}
		if err := seen.report(ctx); err != nil {
			yield(Flight{}, err)
		}
	}
}

// tally counts the rows, and what is wrong with them.
type tally struct{ rows, missing, implausible int }

const (
	earliest = -2 * 60     // minutes: a flight that arrives earlier than this is a mistake in the data
	latest   = 2 * 24 * 60 // minutes
	badShare = 1.0 / 100   // of the rows; a file that has more of them is not the one that was meant
)

// add returns the flight that a row is about, and reports whether it can be used.
func (t *tally) add(r record) (flight Flight, usable bool) {
	t.rows++
	switch {
	case r.Date == nil || r.Delay == nil || r.Origin == nil || *r.Origin == "":
		t.missing++
		return Flight{}, false
	case *r.Delay < earliest || *r.Delay > latest:
		t.implausible++
		return Flight{}, false
	}
	return Flight{Departed: *r.Date, Delay: *r.Delay, Origin: *r.Origin}, true
}

// report says what was left out. Too much of it is an error, since statistics of what is left would mislead.
func (t *tally) report(ctx context.Context) error {
	dropped := t.missing + t.implausible
	step.Metric(ctx, "rows", float64(t.rows))
	step.Metric(ctx, "dropped", float64(dropped))
	if t.rows == 0 {
		return step.Permanent(errors.New("the file has no rows"))
	}
	if float64(dropped) > badShare*float64(t.rows) {
		return step.Permanent(fmt.Errorf("%d of %d rows cannot be used: in %d a value is missing, in %d the delay is implausible", dropped, t.rows, t.missing, t.implausible))
	}
	if dropped > 0 {
		step.Logger(ctx).Warn("rows cannot be used", "rows", t.rows, "missing", t.missing, "implausible", t.implausible)
	}
	return nil
}
