package engine

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
)

// A cache hit is checked to have bytes of the right size, not read. If a task then finds the bytes damaged, the step that they came from is
// computed again, and the task waits for it. Until that is done the cached result stays what it is: others that read it find the
// damage themselves, and wait too.

// repair is what a task has to do with damaged content. The zero value is nothing.
type repair struct {
	repairs *task     // the cached task whose result this one computes again
	by      *task     // the task that computes this one's result again
	waiters []*waiter // of this one's end
	tried   bool      // its inputs were found damaged once
}

// waiter goes on when everything that it waits for has been computed again.
type waiter struct {
	left   int
	failed *node // whose result could not be computed again; nil
	resume func(failed *node)
}

// damaged reports whether stored bytes are gone or wrong.
func damaged(err error) bool {
	return errors.Is(err, component.ErrCorrupt) || errors.Is(err, component.ErrNotFound)
}

// suspicious reports whether an attempt may have failed because an input is damaged. Blobs and tables are read by the step itself.
func suspicious(f *worker.Failure) bool {
	return f.Kind == worker.KindInput && damaged(f.Err) || f.Kind == worker.KindError && errors.Is(f.Err, component.ErrCorrupt)
}

// startRepair looks for damaged content among the inputs of t and computes again what came from the cache. T waits for it; if nothing can be
// done its failure counts like any other. It reports false if that was tried before.
func (s *scheduler) startRepair(t *task, f *worker.Failure) bool {
	if t.tried || s.stopping {
		return false
	}
	t.tried, t.noCache = true, true // it had an attempt, so that it cannot become cached any more
	t.state = metadata.StepRetrying
	s.recordTask(t, f.Message)
	s.emitTask(t, f.Message)
	s.recompute(s.nodes[:t.n.i], t.inputs, func() { s.decide(t, f, nil) }, func(failed *node) {
		if failed != nil {
			s.end(t, metadata.StepCancelled, upstreamReason(failed))
			return
		}
		for _, up := range t.n.up {
			t.upSeq = max(t.upSeq, up.upSeq)
		}
		s.prepare(t)
	})
	return true
}

// recompute looks beside the scheduler for damaged content among records, and runs the cached tasks of nodes that it came from: those wired
// before the one that reads it, so that no two wait for each other when a step hands on what it got. Resume is called
// after the last of them, or at once if others have done so meanwhile; hopeless if nothing is damaged, or if the content is of a task that
// ran in this run.
func (s *scheduler) recompute(nodes []*node, records []artifact.Record, hopeless func(), resume func(failed *node)) {
	records = flatten(records)
	wanted := make(map[artifact.Digest]bool, len(records))
	for _, r := range records {
		wanted[r.Digest] = true
	}
	s.spawn(func() func() {
		bad := s.findDamage(records)
		return func() {
			w := &waiter{resume: resume}
			for _, n := range nodes {
				for _, t := range n.tasks {
					// What is being computed again may have its bytes already, though its end was not heard of.
					if t.state == metadata.StepCached && (hasOutput(t, bad) || t.by != nil && hasOutput(t, wanted)) {
						s.rerun(t, w)
					}
				}
			}
			switch {
			case w.left > 0:
			case slices.ContainsFunc(records, func(r artifact.Record) bool { return s.healed[r.Digest] }):
				resume(nil)
			default:
				hopeless()
			}
		}
	})
}

func hasOutput(t *task, digests map[artifact.Digest]bool) bool {
	return slices.ContainsFunc(t.outputs, func(o metadata.Output) bool { return o.Record.Inline == nil && digests[o.Record.Digest] })
}

// rerun computes the result of a cached task again.
func (s *scheduler) rerun(t *task, w *waiter) {
	if t.by == nil {
		t.by = &task{n: t.n, index: t.index, item: t.item, state: metadata.StepPending, upSeq: t.upSeq, noCache: true, repair: repair{repairs: t}}
		s.repairs++
		s.prepare(t.by)
	}
	t.by.waiters = append(t.by.waiters, w)
	w.left++
}

// findDamage reads content to its end and returns what is not what it should be.
func (s *scheduler) findDamage(records []artifact.Record) map[artifact.Digest]bool {
	bad, read := map[artifact.Digest]bool{}, map[artifact.Digest]bool{}
	for _, r := range records {
		if r.Inline != nil || read[r.Digest] {
			continue
		}
		read[r.Digest] = true
		err := verify(s.life, s.c.Artifacts, r.Digest)
		if damaged(err) {
			bad[r.Digest] = true
			s.c.Logger.Warn("stored content is damaged and is computed again", "run", s.run.ID, "digest", r.Digest, "err", err)
		}
	}
	return bad
}

// flatten replaces gathered lists by their elements.
func flatten(records []artifact.Record) []artifact.Record {
	var flat []artifact.Record
	for _, r := range records {
		if r.Codec == artifact.GatherCodec {
			flat = append(flat, flatten(r.Elements)...)
		} else {
			flat = append(flat, r)
		}
	}
	return flat
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

// repaired puts what was computed again in the place of the cached result, and lets those go on that waited for it.
func (s *scheduler) repaired(again *task) {
	s.repairs--
	t, n := again.repairs, again.n
	if done(again.state) {
		for _, o := range t.outputs {
			s.healed[o.Record.Digest] = true
		}
	}
	t.state, t.outputs, t.origin, t.computed = again.state, again.outputs, again.origin, again.computed
	t.attempts, t.upSeq, t.by = again.attempts, again.upSeq, nil
	n.upSeq = max(n.upSeq, t.upSeq)
	n.gathered = nil
	if !done(t.state) {
		const reason = "its stored result is damaged, and computing it again failed"
		n.failed, n.reason = n.failed+1, reason
		s.failRun(n, reason)
	}
	if n.state == metadata.StepCached {
		n.state, n.reason = s.outcome(n)
		if n.mapped() {
			s.recordNode(n)
			s.emitNode(n)
		}
	}
	for _, w := range again.waiters {
		if !done(t.state) {
			w.failed = n
		}
		if w.left--; w.left == 0 {
			w.resume(w.failed)
		}
	}
}

// checkResults verifies results that came from the cache, since nothing else in the run has read them.
func (s *scheduler) checkResults() {
	s.checkedResults = true
	var records []artifact.Record
	for _, r := range s.j.Program.Graph.Results {
		v := s.resolve(r.From, -1, nil)
		for _, t := range v.tasks {
			if t.state == metadata.StepCached && t.outputs[v.out].Record.Inline == nil {
				records = append(records, t.outputs[v.out].Record)
			}
		}
	}
	if len(records) == 0 {
		return
	}
	s.recompute(s.nodes, records, func() {}, func(*node) {})
}
