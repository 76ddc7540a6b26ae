package engine

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// damaged reports whether stored bytes are gone or wrong.
func damaged(err error) bool {
	return errors.Is(err, component.ErrCorrupt) || errors.Is(err, component.ErrNotFound)
}

// repair looks for damaged content among the inputs of t, removes it, and lets the cached steps that it came from run again.
// T waits for them. It reports false if nothing can be done: the content is of a step that ran, or was already repaired.
func (s *scheduler) repair(t *task, message string) bool {
	candidates := t.inputs
	if t.repaired || len(candidates) == 0 {
		return false
	}
	t.repaired = true
	t.state = metadata.StepRetrying
	s.checkAndRerun(candidates, func(reran bool) {
		if !reran {
			s.end(t, metadata.StepFailed, message)
		}
	}, t)
	return true
}

// checkAndRerun verifies the content of records beside the scheduler. Producers of damaged content run again, and then waiter does; done is
// told whether anything runs.
func (s *scheduler) checkAndRerun(records []artifact.Record, done func(reran bool), waiter *task) {
	s.spawn(func() func() {
		bad := s.findDamage(records)
		return func() {
			reran := false
			for _, d := range bad {
				for _, p := range s.producers(d) {
					reran = true
					if waiter != nil && !slices.Contains(p.waiters, waiter) {
						p.waiters = append(p.waiters, waiter)
					}
					s.rerun(p)
				}
			}
			done(reran)
		}
	})
}

// findDamage reads content to its end and removes what is not what it should be.
func (s *scheduler) findDamage(records []artifact.Record) []artifact.Digest {
	var bad []artifact.Digest
	for _, r := range records {
		if r.Codec == artifact.GatherCodec {
			bad = append(bad, s.findDamage(r.Elements)...)
			continue
		}
		if r.Inline != nil || slices.Contains(bad, r.Digest) {
			continue
		}
		if err := verify(s.ctx, s.c.Artifacts, r.Digest); damaged(err) {
			s.c.Logger.Warn("stored content is damaged and is computed again", "digest", r.Digest, "err", err)
			if err := s.c.Artifacts.Delete(s.ctx, r.Digest); err != nil {
				s.c.Logger.Warn("remove damaged content", "digest", r.Digest, "err", err)
			}
			bad = append(bad, r.Digest)
		}
	}
	return bad
}

func verify(ctx context.Context, store artifact.Store, d artifact.Digest) error {
	r, err := store.Open(ctx, d)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// producers returns the cached tasks whose output is d and that can run again.
func (s *scheduler) producers(d artifact.Digest) []*task {
	var found []*task
	for _, n := range s.nodes {
		for _, t := range n.tasks {
			if t.state != metadata.StepCached && !t.repairing {
				continue
			}
			if slices.ContainsFunc(t.outputs, func(o metadata.Output) bool { return o.Record.Digest == d && o.Record.Inline == nil }) {
				found = append(found, t)
			}
		}
	}
	return found
}

// rerun lets a cached task run, without looking for a result.
func (s *scheduler) rerun(t *task) {
	if t.repairing {
		return
	}
	t.repairing, t.noCache = true, true
	s.repairs++
	s.enqueue(t)
}

// repairedTask lets those go on that waited for t.
func (s *scheduler) repairedTask(t *task) {
	t.repairing = false
	s.repairs--
	waiters := t.waiters
	t.waiters = nil
	if !done(t.state) {
		t.n.state, t.n.failed = t.state, t.n.failed+1
		s.failRun(t.n, "its stored result is damaged, and computing it again failed")
	}
	for _, w := range waiters {
		if s.waitsFor(w) {
			continue
		}
		if !done(t.state) {
			s.end(w, metadata.StepCancelled, "upstream step "+t.n.name()+" "+string(t.state))
			continue
		}
		s.prepare(w)
	}
}

// waitsFor reports whether a task still waits for another repair.
func (s *scheduler) waitsFor(w *task) bool {
	for _, n := range s.nodes {
		for _, t := range n.tasks {
			if t.repairing && slices.Contains(t.waiters, w) {
				return true
			}
		}
	}
	return false
}

// checkResults verifies results that came from the cache, since nothing else in the run has read them.
func (s *scheduler) checkResults() {
	s.checkedResults = true
	var records []artifact.Record
	for i := range s.j.Program.Graph.Results {
		v := s.resolve(s.j.Program.Graph.Results[i].From, -1, nil)
		if v.skipped == "" && v.blocked == "" {
			records = append(records, v.record)
		}
	}
	if s.allInline(records) {
		return
	}
	s.checkAndRerun(records, func(bool) {}, nil)
}

func (s *scheduler) allInline(records []artifact.Record) bool {
	for _, r := range records {
		if r.Codec == artifact.GatherCodec && !s.allInline(r.Elements) || r.Codec != artifact.GatherCodec && r.Inline == nil {
			return false
		}
	}
	return true
}
