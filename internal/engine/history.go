package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// Replay takes results from another run of the pipeline.
type Replay struct {
	Run string
	// Keep holds the names of the steps whose results of that run are used again where their inputs are the same, also if they are
	// not cached.
	Keep map[string]bool
	// Again holds the names of the steps that run in any case.
	Again map[string]bool
}

// history is what was recorded before this driver began: of the run itself when it is resumed, of another one when that is replayed. The zero
// value is nothing.
type history struct {
	run         string
	steps       map[metadata.StepKey]metadata.Step   // without the run
	elements    map[string]int                       // one more than the greatest index of a step's elements
	checkpoints map[metadata.StepKey]artifact.Record // without the run
	signals     []metadata.Signal
}

// readHistory reads the rows of a run.
func readHistory(ctx context.Context, store metadata.Store, run string) (history, error) {
	p := history{run: run, steps: map[metadata.StepKey]metadata.Step{}, elements: map[string]int{}}
	for row, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: run}) {
		if err != nil {
			return p, fmt.Errorf("read the steps of run %s: %w", run, err)
		}
		p.steps[metadata.StepKey{Step: row.Step, Index: row.Index}] = row
		p.elements[row.Step] = max(p.elements[row.Step], row.Index+1)
	}
	return p, nil
}

// readOwn reads what only the run itself goes on from.
func (p *history) readOwn(ctx context.Context, store metadata.Store) error {
	checkpoints, err := store.Checkpoints(ctx, p.run)
	if err != nil {
		return fmt.Errorf("read the checkpoints of run %s: %w", p.run, err)
	}
	p.checkpoints = make(map[metadata.StepKey]artifact.Record, len(checkpoints))
	for _, c := range checkpoints {
		p.checkpoints[metadata.StepKey{Step: c.Step, Index: c.Index}] = c.Record
	}
	if p.signals, err = readSignals(ctx, store, p.run); err != nil {
		return fmt.Errorf("read the signals of run %s: %w", p.run, err)
	}
	return nil
}

// of returns the row of a task, or of a node if the index is -1.
func (p history) of(n *node, index int) metadata.Step {
	return p.steps[metadata.StepKey{Step: n.name(), Index: index}]
}

// settled reports whether a row of the run stays as it is: it has a result, or is an element of a mapped step that has one.
func (p history) settled(row metadata.Step) bool {
	if row.Index >= 0 && done(p.steps[metadata.StepKey{Step: row.Step, Index: -1}].State) {
		return row.State.Ended()
	}
	return done(row.State) || row.State == metadata.StepSkipped && row.Index < 0
}

// sameInputs reports whether a row was made from the inputs that t has.
func sameInputs(row metadata.Step, t *task) bool {
	return slices.EqualFunc(row.Inputs, t.lineage, func(a, b metadata.Input) bool { return a.Name == b.Name && a.Digest == b.Digest })
}

// takeOver records that this driver goes on with a run that another left: what has no result waits again.
func (s *scheduler) takeOver(ctx context.Context) error {
	var err error
	if s.history, err = readHistory(ctx, s.c.Metadata, s.run.ID); err != nil {
		return err
	}
	if err := s.history.readOwn(ctx, s.c.Metadata); err != nil {
		return err
	}
	s.oldSignals()
	s.run.State, s.run.Epoch, s.run.Error, s.run.Finished = metadata.RunRunning, s.run.Epoch+1, "", time.Time{}
	s.run.Lost = false
	if s.run.Started.IsZero() {
		s.run.Started = time.Now()
	}
	b := metadata.Batch{ID: newID(), Run: s.run.ID, Epoch: s.run.Epoch, Documents: s.j.Documents, Update: []metadata.Run{s.run}, Holds: s.j.Plan.Holds()}
	for key, row := range s.history.steps {
		if s.history.settled(row) {
			continue
		}
		row.State, row.Error, row.Started, row.Finished, row.Inputs, row.Outputs = metadata.StepPending, "", time.Time{}, time.Time{}, nil, nil
		s.history.steps[key] = row
		b.Steps = append(b.Steps, row)
	}
	if err := s.commit(ctx, &b); err != nil {
		return fmt.Errorf("take over run %s: %w", s.run.ID, err)
	}
	return nil
}

// remember uses what is recorded of a task. It reports false if the task has to run.
func (s *scheduler) remember(t *task) bool {
	row := s.history.of(t.n, t.index)
	switch {
	case s.j.Resume:
		t.attempts = row.Attempts
		if !s.history.settled(row) {
			if c, ok := s.history.checkpoints[metadata.StepKey{Step: t.n.name(), Index: t.index}]; ok {
				t.checkpoint = &c
			}
			return false
		}
		t.started, t.outputs, t.origin, t.computed, t.recorded = row.Started, row.Outputs, row.Origin, row.Computed, true
		s.remembered = append(s.remembered, t) // its node may still be expanding
		return true
	case s.j.Replay.Keep[t.n.name()] && done(row.State) && sameInputs(row, t):
		t.kept = &row
		s.lookups = append(s.lookups, t)
		return true
	}
	return false
}

// recall ends tasks with the results that are recorded.
func (s *scheduler) recall() {
	tasks := s.remembered
	s.remembered = nil
	for _, t := range tasks {
		row := s.history.of(t.n, t.index)
		s.end(t, row.State, row.Error+row.Skip)
	}
}

// restore makes the tasks that are recorded of a node which this driver did not come to.
func (s *scheduler) restore(n *node) {
	if !s.j.Resume {
		return
	}
	first, count := -1, 1
	if n.mapped() {
		first, count = 0, s.history.elements[n.name()]
	}
	for i := first; i < first+count; i++ {
		row, ok := s.history.steps[metadata.StepKey{Step: n.name(), Index: i}]
		if ok {
			n.tasks = append(n.tasks, &task{n: n, index: i, state: metadata.StepPending, attempts: row.Attempts, started: row.Started})
		}
	}
	n.expanded = !n.mapped() && len(n.tasks) > 0
}

// settled returns the state in which an earlier driver of the run recorded a task, or a node that has none, if it stays so, or "".
func (s *scheduler) settled(n *node, index int) metadata.StepState {
	if row := s.history.of(n, index); s.j.Resume && row.Step != "" && s.history.settled(row) {
		return row.State
	}
	return ""
}

// unchanged reports whether a mapped step, or one that did not run, is recorded with the state that it has.
func (s *scheduler) unchanged(n *node) bool {
	row := s.history.of(n, -1)
	return s.j.Resume && row.State == n.state && row.Elements == len(n.tasks)
}
