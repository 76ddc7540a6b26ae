package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/metadata"
)

// check checks what holds for every run that was recorded: everything has ended, counts agree, no state followed another against the
// table.
func (o *outcome) check() {
	o.r.tb.Helper()
	o.checkRecords()
	o.checkEvents()
}

// checkRecords is check without what an observer saw.
func (o *outcome) checkRecords() {
	tb := o.r.tb
	tb.Helper()
	ctx := context.Background()
	stored, err := o.r.meta.Run(ctx, o.Run.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if !stored.State.Ended() || stored.State != o.Run.State || stored.Error != o.Run.Error || stored.Finished.Before(stored.Started) {
		tb.Errorf("the run is recorded as %s (%q), the outcome says %s (%q)", stored.State, stored.Error, o.Run.State, o.Run.Error)
	}
	o.steps = map[metadata.StepKey]metadata.Step{}
	for st := range pages(tb, func(c metadata.Cursor) (metadata.Page[metadata.Step], error) {
		return o.r.meta.Steps(ctx, metadata.StepQuery{Run: o.Run.ID, Cursor: c})
	}) {
		if !st.State.Ended() || st.Finished.IsZero() {
			tb.Errorf("step %s (%d) is left %s", st.Step, st.Index, st.State)
		}
		st.Run = ""
		o.steps[st.StepKey] = st
	}
	for a := range pages(tb, func(c metadata.Cursor) (metadata.Page[metadata.Attempt], error) {
		return o.r.meta.Attempts(ctx, metadata.AttemptQuery{Run: o.Run.ID, Cursor: c})
	}) {
		if !a.State.Ended() {
			tb.Errorf("attempt %d of %s (%d) is left %s", a.Number, a.Step, a.Index, a.State)
		}
	}
	for i := range o.program.Graph.Nodes {
		if _, ok := o.steps[metadata.StepKey{Step: o.program.Graph.Nodes[i].Name, Index: -1}]; !ok {
			tb.Errorf("step %s has no row", o.program.Graph.Nodes[i].Name)
		}
	}
	counted, err := o.r.meta.CountSteps(ctx, o.Run.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if fmt.Sprint(counted) != fmt.Sprint(o.Run.Counts) {
		tb.Errorf("the run counts %v, its rows are %v", o.Run.Counts, counted)
	}
}

// checkEvents holds the states that an observer saw against the tables.
func (o *outcome) checkEvents() {
	tb := o.r.tb
	tb.Helper()
	last := map[metadata.StepKey]metadata.StepState{}
	run := metadata.RunPending
	for _, e := range o.events {
		switch e.Kind {
		case engine.EventRun:
			if !run.CanBecome(e.RunState) {
				tb.Errorf("the run went from %s to %s", run, e.RunState)
			}
			run = e.RunState
		case engine.EventStep:
			key := metadata.StepKey{Step: e.Step, Index: e.Index}
			from, ok := last[key]
			if !ok {
				from = metadata.StepPending
			}
			if !from.CanBecome(e.StepState) {
				tb.Errorf("step %s (%d) went from %s to %s", e.Step, e.Index, from, e.StepState)
			}
			last[key] = e.StepState
		}
	}
	if run != o.Run.State {
		tb.Errorf("the last event says %s, the run is %s", run, o.Run.State)
	}
	for key, st := range o.steps {
		if last[key] != st.State {
			tb.Errorf("the last event of step %s (%d) says %q, its row %q", key.Step, key.Index, last[key], st.State)
		}
	}
}

// pages yields all items of a listing.
func pages[T any](tb testing.TB, list func(metadata.Cursor) (metadata.Page[T], error)) func(func(T) bool) {
	tb.Helper()
	return func(yield func(T) bool) {
		c := metadata.Cursor{Limit: 1000}
		for {
			page, err := list(c)
			if err != nil {
				tb.Error(err)
				return
			}
			for _, item := range page.Items {
				if !yield(item) {
					return
				}
			}
			if c.After = page.Next; c.After == "" {
				return
			}
		}
	}
}
