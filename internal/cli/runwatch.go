package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

const (
	// watchEvery is how often a run is looked at that is watched.
	watchEvery = 500 * time.Millisecond
	// watchShare bounds the part of the time that looking takes: a fifth.
	watchShare = 4
	// quietLooks is after how many looks without a change it is asked whether somebody still drives the run.
	quietLooks = 4
)

// watch shows the progress of a run until it has ended, whoever drives it. An interrupt ends the watching and leaves the run alone.
func (c *cli) watch(ctx context.Context, store metadata.Store, run metadata.Run, f format) error {
	g, err := graphOf(ctx, store, run)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	shown := c.progress(newBoard(g), f, func(error) { cancel(&exitError{exitBrokenPipe, nil}) })
	w := watcher{
		store: store, run: run.ID, tell: c.telling(shown), questions: map[string]string{},
		steps: map[string]metadata.Step{}, elements: map[string][]state{},
	}
	for i := range g.Nodes {
		if wait := g.Nodes[i].Wait; wait != nil {
			w.questions[g.Nodes[i].Name] = wait.Question
		}
	}
	err = w.follow(ctx, c.reopen)
	if l, ok := shown.(*live); ok && l.summed && err == nil {
		l.clear() // what follows says it all
	}
	shown.close()
	if errors.Is(err, errInterrupted) {
		fmt.Fprintln(c.err.w, c.err.paint(dim, "stopped watching; the run goes on"))
		return &exitError{code: exitInterrupted}
	}
	return err
}

// reopen lets the end of runs be recorded whose program was killed: a client that opens does so.
func (c *cli) reopen(ctx context.Context) error {
	return c.withClient(ctx, func(Client) error { return nil })
}

// clear makes the final frame an empty one.
func (l *live) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.board = &board{}
}

// watcher turns what is recorded of a run into the events that its observer saw.
type watcher struct {
	store     metadata.Store
	run       string
	tell      func(pipeline.Event)
	questions map[string]string // of steps that wait for a person
	state     metadata.RunState
	steps     map[string]metadata.Step // as they were told
	elements  map[string][]state       // of mapped steps, as they were told
	news      []pipeline.Event
}

// follow tells events until the run has ended. Quiet is called when nothing has happened for a while.
func (w *watcher) follow(ctx context.Context, quiet func(context.Context) error) error {
	for looks := 0; ; {
		began := time.Now()
		ended, err := w.look(ctx)
		if err != nil || ended {
			return err
		}
		if looks++; len(w.news) > 0 {
			looks = 0
		}
		if looks == quietLooks {
			looks = 0
			if err := quiet(ctx); err != nil {
				return w.cause(ctx, err)
			}
		}
		timer := time.NewTimer(max(watchEvery, watchShare*time.Since(began)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// look reads what is recorded and tells what is new. The run is read first: what had happened when it ended is in what is read after it.
func (w *watcher) look(ctx context.Context) (ended bool, err error) {
	w.news = w.news[:0]
	run, err := w.store.Run(ctx, w.run)
	if err != nil {
		return false, w.cause(ctx, err)
	}
	if err := w.readSteps(ctx); err != nil {
		return false, w.cause(ctx, err)
	}
	// What is new is told in the order in which it happened.
	slices.SortStableFunc(w.news, func(a, b pipeline.Event) int { return a.Time.Compare(b.Time) })
	began := w.state == "" || w.state == metadata.RunPending
	if w.state != run.State && !run.Started.IsZero() {
		if began {
			w.tell(pipeline.Event{Kind: pipeline.EventRun, Time: run.Started, Run: w.run, Index: -1, RunState: metadata.RunRunning})
		}
		if run.State != metadata.RunRunning {
			w.news = append(w.news, pipeline.Event{Kind: pipeline.EventRun, Time: cmp.Or(run.Finished, time.Now()), Index: -1, RunState: run.State})
		}
	}
	w.state = run.State
	for _, e := range w.news {
		e.Run = w.run
		w.tell(e)
	}
	return run.State.Ended(), nil
}

// cause is why reading failed: the end of the watching, if it has ended.
func (w *watcher) cause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && component.CodeOf(err) == component.Canceled {
		return cause
	}
	return err
}

func (w *watcher) readSteps(ctx context.Context) error {
	var mapped []metadata.Step
	for s, err := range metadata.All(ctx, w.store.Steps, metadata.StepQuery{Run: w.run, NoElements: true}) {
		if err != nil {
			return err
		}
		was := w.steps[s.Step]
		if s.Elements > 0 && !was.State.Ended() {
			mapped = append(mapped, s)
			continue
		}
		w.step(was, s)
	}
	for _, s := range mapped {
		if err := w.readElements(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// step tells what is new of a step.
func (w *watcher) step(was, is metadata.Step) {
	w.steps[is.Step] = is
	if was.State == is.State && was.Attempts == is.Attempts && was.Elements == is.Elements {
		return
	}
	e := pipeline.Event{Kind: pipeline.EventStep, Time: cmp.Or(is.Finished, is.Started, time.Now()), Step: is.Step, Index: -1, Attempt: is.Attempts, StepState: is.State, Elements: is.Elements, Reason: w.reasonOf(is)}
	computed := is.State == metadata.StepSucceeded || is.State == metadata.StepFailed
	if computed && was.Started.IsZero() && !is.Started.IsZero() { // it began and ended between two looks
		began := e
		began.Time, began.StepState, began.Reason = is.Started, metadata.StepRunning, ""
		w.news = append(w.news, began)
	}
	w.news = append(w.news, e)
}

// reasonOf is what an observer was told of why a step is in its state.
func (w *watcher) reasonOf(s metadata.Step) string {
	switch s.State {
	case metadata.StepWaiting:
		return w.questions[s.Step]
	case metadata.StepCached:
		if s.Origin != nil {
			return "from run " + s.Origin.Run
		}
	case metadata.StepSkipped:
		return s.Skip
	case metadata.StepSucceeded:
		return ""
	}
	return s.Error
}

// readElements tells what is new of the elements of a mapped step, between its own beginning and end.
func (w *watcher) readElements(ctx context.Context, mapped metadata.Step) error {
	was := w.steps[mapped.Step]
	if !mapped.State.Ended() {
		w.step(was, mapped)
	}
	told := w.elements[mapped.Step]
	told = append(told, make([]state, max(0, mapped.Elements-len(told)))...)
	for s, err := range metadata.All(ctx, w.store.Steps, metadata.StepQuery{Run: w.run, Step: mapped.Step}) {
		if err != nil {
			return err
		}
		if s.Index < 0 || s.Index >= len(told) || told[s.Index] == stateOf(s.State) {
			continue
		}
		told[s.Index] = stateOf(s.State)
		w.news = append(w.news, pipeline.Event{
			Kind: pipeline.EventStep, Time: cmp.Or(s.Finished, s.Started, time.Now()), Step: s.Step, Index: s.Index, Attempt: s.Attempts, StepState: s.State, Reason: w.reasonOf(s),
		})
	}
	w.elements[mapped.Step] = told
	if mapped.State.Ended() {
		w.step(was, mapped)
	}
	return nil
}
