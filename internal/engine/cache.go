package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
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
	results := slices.Collect(maps.Values(found))
	for _, t := range tasks {
		if t.kept != nil {
			results = append(results, *t.kept)
		}
	}
	gone, err := s.hold(ctx, results)
	if err != nil {
		s.c.Logger.Warn("results cannot be kept from garbage collection, steps run instead", "run", s.run.ID, "err", err)
		return hits
	}
	now := time.Now()
	for i, t := range tasks {
		hit, ok := found[t.key]
		if t.kept != nil {
			hit, ok = *t.kept, true
		}
		if ok && !slices.ContainsFunc(contents(hit), func(d artifact.Digest) bool { return gone[d] }) && s.unusable(ctx, t, hit, now) == "" {
			hits[i] = &hit
		}
	}
	return hits
}

// hold keeps the content of results from garbage collection, before its bytes are looked for, and returns what is being collected already.
func (s *scheduler) hold(ctx context.Context, results []metadata.Step) (gone map[artifact.Digest]bool, err error) {
	var held []artifact.Digest
	for _, row := range results {
		held = append(held, contents(row)...)
	}
	gone = map[artifact.Digest]bool{}
	for len(held) > 0 {
		err := s.c.Metadata.Apply(ctx, metadata.Batch{ID: newID(), Run: s.run.ID, Epoch: s.run.Epoch, Holds: held})
		var condemned *metadata.CondemnedError
		if !errors.As(err, &condemned) {
			return gone, err
		}
		for _, d := range condemned.Digests {
			gone[d] = true
		}
		held = slices.DeleteFunc(held, func(d artifact.Digest) bool { return gone[d] })
	}
	return gone, nil
}

// contents returns what a result has in the artifact store.
func contents(row metadata.Step) []artifact.Digest {
	var all []artifact.Digest
	for _, o := range row.Outputs {
		for _, r := range flatten([]artifact.Record{o.Record}) {
			if r.Inline == nil {
				all = append(all, r.Digest)
			}
		}
	}
	return all
}

// unusable says why a hit is of no use, or "": it is young enough, it is what the task would make, and its bytes are still there.
func (s *scheduler) unusable(ctx context.Context, t *task, hit metadata.Step, now time.Time) string {
	if ttl := t.n.plan.Config.Cache.TTL; ttl > 0 && t.kept == nil {
		if age := now.Sub(hit.Computed); age > ttl || age < 0 { // a clock that was set back tells no age
			return fmt.Sprintf("its result of %s is older than %v", hit.Computed.Format(time.RFC3339), ttl)
		}
	}
	if len(hit.Outputs) != len(t.n.g.Outputs) {
		return "its recorded result has other outputs"
	}
	for i, o := range hit.Outputs {
		if o.Name != t.n.g.Outputs[i].Name || o.Record.Codec != t.n.g.Outputs[i].Codec {
			return "its recorded result has other outputs"
		}
		if o.Record.Inline != nil {
			continue
		}
		info, err := s.c.Artifacts.Stat(ctx, o.Record.Digest)
		if err != nil || info.Size != o.Record.Size {
			return fmt.Sprintf("the bytes of its recorded %s are not in the artifact store", o.Name)
		}
	}
	return ""
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
