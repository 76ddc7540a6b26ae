package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// A driver asks for signals from outside so often. When a step begins to wait for a person it asks soon, and then less and less often: a
// program may answer at once, a person does not.
const (
	askSoon  = 10 * time.Millisecond
	askEvery = 500 * time.Millisecond
)

// listen asks for signals until the run is over, and hands each to the scheduler once.
func (s *scheduler) listen() {
	seen := map[string]bool{}
	for _, old := range s.history.signals {
		seen[old.ID] = true
	}
	s.beside.Go(func() {
		pause := askEvery
		timer := time.NewTimer(pause)
		defer timer.Stop()
		for {
			select {
			case <-s.over:
				return
			case <-s.asked:
				pause = askSoon
				timer.Reset(pause)
				continue
			case <-timer.C:
			}
			pause = min(2*pause, askEvery)
			timer.Reset(pause)
			signals, err := readSignals(s.life, s.c.Metadata, s.run.ID)
			if err != nil {
				continue // the next time, or never: the run does not depend on it
			}
			for _, sig := range signals {
				if !seen[sig.ID] {
					seen[sig.ID] = true
					s.post(func() { s.signalled(sig) })
				}
			}
		}
	})
}

// readSignals reads all signals of a run.
func readSignals(ctx context.Context, store metadata.Store, run string) ([]metadata.Signal, error) {
	var signals []metadata.Signal
	for sig, err := range metadata.All(ctx, store.Signals, metadata.SignalQuery{Run: run}) {
		if err != nil {
			return nil, err
		}
		signals = append(signals, sig)
	}
	return signals, nil
}

// signalled does what a signal asks for.
func (s *scheduler) signalled(sig metadata.Signal) {
	if sig.Kind == metadata.SignalCancel {
		s.cancel("the run was cancelled" + said(sig))
		return
	}
	if n := s.byName[sig.Step]; n == nil || n.g.Wait == nil {
		s.c.Logger.Warn("a signal is for no step that waits", "run", s.run.ID, "step", sig.Step, "signal", sig.Kind)
		return
	}
	s.answers[sig.Step] = sig // of several that come before the question, the last counts
	if t := s.waiting[sig.Step]; t != nil {
		s.answer(t, sig)
	}
}

// said tells who sent a signal, and why.
func said(sig metadata.Signal) string {
	text := ""
	if sig.By != "" {
		text = " by " + sig.By
	}
	if sig.Note != "" {
		text += ": " + sig.Note
	}
	return text
}

// oldSignals takes what was said to earlier drivers of the run: answers that have not been used yet. Their cancels are done.
func (s *scheduler) oldSignals() {
	for _, sig := range s.history.signals {
		if sig.Kind == metadata.SignalCancel {
			continue
		}
		if row := s.history.steps[metadata.StepKey{Step: sig.Step, Index: -1}]; row.State == metadata.StepFailed && !sig.Created.After(row.Finished) {
			continue // it failed for this, or in spite of it
		}
		s.answers[sig.Step] = sig
	}
}

// ask lets a task wait for a person.
func (s *scheduler) ask(t *task) {
	name := t.n.name()
	if sig, ok := s.answers[name]; ok {
		s.waiting[name] = t
		s.answer(t, sig)
		return
	}
	t.state, t.started = metadata.StepWaiting, time.Now()
	s.waiting[name] = t
	s.recordTask(t, "")
	s.emitTask(t, t.n.g.Wait.Question)
	select {
	case s.asked <- struct{}{}:
	default:
	}
	if timeout := t.n.plan.Config.Timeout; timeout > 0 {
		s.after(timeout, func() {
			if s.waiting[name] == t && !s.stopping {
				s.unanswered(t, fmt.Sprintf("nobody answered within %v", timeout))
			}
		})
	}
}

// unanswered ends a task that nobody approved.
func (s *scheduler) unanswered(t *task, reason string) {
	delete(s.waiting, t.n.name())
	s.end(t, metadata.StepFailed, reason)
}

// approval stores what a task that was approved puts out.
func (s *scheduler) approval(t *task, sig metadata.Signal) ([]metadata.Output, error) {
	outputs := make([]metadata.Output, len(t.n.g.Outputs))
	for i, v := range t.n.bind.Approve(sig.By, sig.Note, sig.Created) {
		out := t.n.g.Outputs[i]
		rec, err := transfer.Save(s.life, s.c.Artifacts, t.n.bind.Outputs[i].Codec, out.Type, v)
		if err != nil {
			return nil, err
		}
		outputs[i] = metadata.Output{ID: newID(), Name: out.Name, Record: rec}
	}
	return outputs, nil
}

// answer ends a task that waits.
func (s *scheduler) answer(t *task, sig metadata.Signal) {
	if s.stopping {
		return
	}
	if sig.Kind == metadata.SignalReject {
		s.unanswered(t, "rejected"+cmp.Or(said(sig), ", without a word"))
		return
	}
	delete(s.waiting, t.n.name())
	s.approving++
	s.spawn(func() func() {
		outputs, err := s.approval(t, sig)
		return func() {
			s.approving--
			if err != nil {
				s.end(t, metadata.StepFailed, "keep the approval: "+err.Error())
				return
			}
			t.outputs, t.computed = outputs, time.Now()
			s.end(t, metadata.StepSucceeded, "")
		}
	})
}
