package engine

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/metadata"
)

// lookupLimit is the largest number of keys that one lookup may ask for.
const lookupLimit = 1000

// lookup asks for the results of all tasks that wait for it, one request at a time.
func (s *scheduler) lookup() {
	if s.lookingUp || s.stopping || len(s.lookups) == 0 {
		return
	}
	n := min(len(s.lookups), lookupLimit)
	tasks := s.lookups[:n:n]
	s.lookups = s.lookups[n:]
	s.lookingUp = true
	s.spawn(func() func() {
		hits := s.findHits(s.preparing, tasks)
		return func() {
			s.lookingUp = false
			for i, t := range tasks {
				if hits[i] == nil {
					s.enqueue(t)
					continue
				}
				s.hit(t, *hits[i])
			}
		}
	})
}

// findHits returns the usable result of each task, or nil. A store that cannot be asked is a miss.
func (s *scheduler) findHits(ctx context.Context, tasks []*task) []*metadata.Step {
	hits := make([]*metadata.Step, len(tasks))
	keys := make([]string, 0, len(tasks))
	for _, t := range tasks {
		if t.kept == nil {
			keys = append(keys, t.key)
		}
	}
	found, err := s.c.Metadata.Lookup(ctx, keys)
	if err != nil {
		if ctx.Err() == nil {
			s.c.Logger.Warn("cache lookup failed, steps run instead", "run", s.run.ID, "err", err)
		}
		return hits
	}
	now := time.Now()
	for i, t := range tasks {
		if t.kept != nil {
			if s.complete(ctx, t, *t.kept) {
				hits[i] = t.kept
			}
			continue
		}
		if hit, ok := found[t.key]; ok && s.usable(ctx, t, hit, now) {
			hits[i] = &hit
		}
	}
	return hits
}

// usable checks a hit: it is young enough, and complete.
func (s *scheduler) usable(ctx context.Context, t *task, hit metadata.Step, now time.Time) bool {
	if ttl := t.n.plan.Config.Cache.TTL; ttl > 0 {
		if age := now.Sub(hit.Computed); age > ttl || age < 0 { // a clock that was set back tells no age
			return false
		}
	}
	return s.complete(ctx, t, hit)
}

// complete checks that a result is what the task would make, and that its bytes are still there.
func (s *scheduler) complete(ctx context.Context, t *task, hit metadata.Step) bool {
	if len(hit.Outputs) != len(t.n.g.Outputs) {
		return false
	}
	for i, o := range hit.Outputs {
		if o.Name != t.n.g.Outputs[i].Name || o.Record.Codec != t.n.g.Outputs[i].Codec {
			return false
		}
		if o.Record.Inline != nil {
			continue
		}
		info, err := s.c.Artifacts.Stat(ctx, o.Record.Digest)
		if err != nil || info.Size != o.Record.Size {
			return false
		}
	}
	return true
}

// hit ends a task with the result of another.
func (s *scheduler) hit(t *task, from metadata.Step) {
	origin := from.StepKey
	if from.Origin != nil {
		origin = *from.Origin
	}
	t.origin, t.computed = &origin, from.Computed
	t.outputs = make([]metadata.Output, len(from.Outputs))
	for i, o := range from.Outputs {
		t.outputs[i] = metadata.Output{ID: newID(), Name: o.Name, Record: o.Record}
	}
	s.end(t, metadata.StepCached, "from run "+origin.Run)
}

// newID returns a UUIDv7, which sorts by time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
