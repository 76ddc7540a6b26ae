package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// lookEvery is how often a run that another process drives is looked at.
const lookEvery = 500 * time.Millisecond

// replay sends what is recorded of a run, and what comes to it until the run has ended.
func (s *service) replay(ctx context.Context, out *stream, id string) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	seen := record{steps: map[metadata.StepKey]metadata.StepState{}}
	for {
		run, err := s.client.Metadata().Run(ctx, id) // before its steps: when it has ended, so have they
		if err != nil {
			return err
		}
		var rows []metadata.Step
		for row, err := range metadata.All(ctx, s.client.Metadata().Steps, metadata.StepQuery{Run: id}) {
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		for _, e := range seen.news(run, rows) {
			if err := out.send("", e); err != nil {
				return err
			}
		}
		if run.State.Ended() {
			return nil
		}
		if err := out.wait(ctx, nil, look.C); err != nil {
			return err
		}
	}
}

// record is what has been seen of a run.
type record struct {
	run   metadata.RunState
	steps map[metadata.StepKey]metadata.StepState
}

// news returns what has happened since the run was seen last, as an observer would have been told of it, in order of time.
func (r *record) news(run metadata.Run, rows []metadata.Step) []pipeline.Event {
	var events []pipeline.Event
	if r.run == "" {
		r.run = metadata.RunRunning
		events = append(events, pipeline.Event{Kind: pipeline.EventRun, Time: run.Started, Run: run.ID, RunState: r.run, Index: -1})
	}
	for _, row := range rows {
		at := row.Finished
		if at.IsZero() {
			at = row.Started
		}
		if at.IsZero() || r.steps[row.StepKey] == row.State { // nothing has happened to it
			continue
		}
		r.steps[row.StepKey] = row.State
		events = append(events, pipeline.Event{
			Kind: pipeline.EventStep, Time: at, Run: row.Run, Step: row.Step, Index: row.Index, Attempt: row.Attempts, StepState: row.State,
			Elements: row.Elements, Reason: cmp.Or(row.Error, row.Skip),
		})
	}
	slices.SortStableFunc(events, func(a, b pipeline.Event) int { return a.Time.Compare(b.Time) })
	if run.State != r.run {
		r.run = run.State
		events = append(events, pipeline.Event{
			Kind: pipeline.EventRun, Time: run.Finished, Run: run.ID, RunState: run.State, Index: -1, Reason: run.Error,
		})
	}
	return events
}
