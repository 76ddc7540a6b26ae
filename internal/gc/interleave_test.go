package gc_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
)

// actor does things between the steps of a collector, in order. A step that has to wait for the collector reports false, and is done again
// at a later point.
type actor struct {
	name  string
	first func(*scene)        // before the collection
	steps []func(*scene) bool // all but the last at one point, the last there or later
}

// scene is one collection, or two if the first is killed, with one actor, on one content.
type scene struct {
	*home
	content string
	run     string // of the actor
	old     string // that has the content from before
	hit     bool
}

// record does what a driver does whose record is refused: it puts the bytes that are not there, and revives them.
func (s *scene) record(state metadata.StepState) bool {
	s.t.Helper()
	b := output(s.run, "step", s.content, state)
	for range 2 {
		err := s.meta.Apply(s.t.Context(), b)
		var refused *metadata.CondemnedError
		if err == nil {
			return true
		}
		if !errors.As(err, &refused) {
			s.t.Fatal(err)
		}
		for _, d := range refused.Digests {
			if !s.has(d) {
				s.put(s.content)
			}
		}
		if _, err := s.meta.Revive(s.t.Context(), refused.Digests, refused.Generation); err != nil {
			s.t.Fatal(err)
		}
	}
	return false
}

// hold keeps content for the run of the actor before its bytes are looked for, as a driver does with what it found in the cache.
func (s *scene) hold() bool {
	s.t.Helper()
	err := s.meta.Apply(s.t.Context(), metadata.Batch{Run: s.run, Epoch: 1, Holds: refs(s.content)})
	if err != nil && !errors.Is(err, metadata.ErrCondemned) {
		s.t.Fatal(err)
	}
	if s.hit = err == nil && s.has(digestOf(s.content)); !s.hit {
		s.put(s.content) // a miss: the step runs
	}
	return true
}

func (s *scene) recordHit() bool {
	if s.hit && !s.has(digestOf(s.content)) {
		s.t.Error("what was held is gone")
	}
	if s.hit {
		return s.record(metadata.StepCached)
	}
	return s.record(metadata.StepSucceeded)
}

func (s *scene) find() bool {
	s.t.Helper()
	found, err := s.meta.Lookup(s.t.Context(), []string{"key of " + s.content})
	if err != nil || len(found) != 1 {
		s.t.Fatalf("Lookup: %v, %v", found, err)
	}
	return true
}

func (s *scene) deleteOld() bool { s.deleteRun(s.old); return true }

func (s *scene) forgetOld() bool {
	s.t.Helper()
	if n, err := s.meta.Forget(s.t.Context(), []string{"key of " + s.content}, never); err != nil || n != 1 {
		s.t.Fatalf("Forget: %d, %v", n, err)
	}
	return true
}

func (s *scene) putIt() bool { s.put(s.content); return true }

func actors() []actor {
	garbage := func(s *scene) { s.put(s.content) }
	kept := func(s *scene) { s.old = s.made(s.content) }
	made := func(s *scene) bool { return s.record(metadata.StepSucceeded) }
	return []actor{
		{"puts and records", garbage, []func(*scene) bool{(*scene).putIt, made}},
		{"finds it in the cache, which then forgets it", kept, []func(*scene) bool{(*scene).find, (*scene).forgetOld, (*scene).hold, (*scene).recordHit}},
		{"finds it in the cache, whose run is then deleted", kept, []func(*scene) bool{(*scene).find, (*scene).deleteOld, (*scene).hold, (*scene).recordHit}},
		{"holds what it finds before its run is deleted", kept, []func(*scene) bool{(*scene).find, (*scene).hold, (*scene).deleteOld, (*scene).recordHit}},
		{"deletes the run", kept, []func(*scene) bool{(*scene).find, (*scene).deleteOld}},
		{"deletes the run, puts and records again", kept, []func(*scene) bool{(*scene).deleteOld, (*scene).putIt, made}},
	}
}

// timeline is when the steps of an actor are taken: place i of a first collection, or of a second one, which follows if the first is killed.
type timeline struct {
	steps []func(*scene) bool
	at    []int
}

// come takes the steps whose time has come.
func (l *timeline) come(s *scene, at int) {
	for len(l.steps) > 0 && l.at[0] <= at {
		if !l.steps[0](s) {
			return // it waits for the collector
		}
		l.steps, l.at = l.steps[1:], l.at[1:]
	}
}

// TestInterleaved lets an actor take its steps at every pair of points of a collection. It ends, or is killed where that leaves something behind
// and followed by another one, whose points count too. Afterwards every record has its bytes, and what nothing refers to is gone.
func TestInterleaved(t *testing.T) {
	t.Parallel()
	for _, a := range actors() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			rounds := 0
			for _, kill := range []point{condemned, looked, deleted, points} { // the last is never
				at := places(kill)
				for i := range at {
					for j := i; j < len(at); j++ {
						rounds++
						name := fmt.Sprintf("killed at %v, first steps at %d, last at %d", kill, at[i], at[j])
						interleave(h, a, content(rounds), kill, at[i], at[j], name)
						if t.Failed() {
							t.Fatal(name)
						}
					}
				}
			}
		})
	}
}

// places are the places of a timeline at which something else is the case than before.
func places(kill point) (at []int) {
	for p := started; p < points; p++ {
		at = append(at, int(p))
		if p == kill {
			for _, again := range []point{listed, condemned, deleted} {
				at = append(at, int(p+1+again))
			}
			return at
		}
	}
	return at
}

// TestKilledAtEveryPoint kills collections one after the other: the next one always does what is left.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.made("kept")
	for first := started; first < points; first++ {
		for second := started; second < points; second++ {
			garbage := h.put(content(int(first*points + second)))
			for _, kill := range []point{first, second} {
				tap := &tap{}
				tap.at = func(p point) { tap.dead.Store(tap.dead.Load() || p == kill) }
				if _, err := gc.Collect(t.Context(), tap.config(h.config())); err != nil && !errors.Is(err, errKilled) {
					t.Errorf("killed at %v: %v", kill, err)
				}
			}
			h.collect(h.config())
			if left, err := h.meta.Deleting(t.Context()); err != nil || len(left) > 0 || h.has(garbage) {
				t.Errorf("killed at %v, then at %v: %v is being deleted, garbage is there: %v (%v)", first, second, left, h.has(garbage), err)
			}
		}
	}
	if n := h.checkRecords("at the end"); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

// content returns content whose digest begins with two zeros: a listing of a single folder is quick.
func content(round int) string {
	for i := 0; ; i++ {
		c := fmt.Sprint("content ", round, ", try ", i)
		if strings.HasPrefix(digestOf(c).Hex(), "00") {
			return c
		}
	}
}

func interleave(h *home, a actor, content string, kill point, i, j int, name string) {
	h.t.Helper()
	s := &scene{home: h, content: content}
	a.first(s)
	s.run = s.home.run()
	l := &timeline{steps: a.steps}
	for range a.steps[1:] {
		l.at = append(l.at, i)
	}
	l.at = append(l.at, j)
	killed := collectWith(s, l, 0, kill)
	if killed {
		collectWith(s, l, int(kill)+1, points)
	}
	l.come(s, 1000)
	if len(l.steps) > 0 {
		h.t.Fatalf("%s: the actor still waits after the end of the collection", name)
	}
	h.checkRecords(name)
	s.end(s.run)
	h.collect(h.config())
	h.checkRecords(name + ", collected again")
	s.deleteRun(s.run)
	if h.collect(h.config()); h.has(digestOf(content)) {
		h.t.Errorf("%s: garbage is left", name)
	}
	if left, err := h.meta.Deleting(h.t.Context()); err != nil || len(left) > 0 {
		h.t.Errorf("%s: %v is being deleted forever (%v)", name, left, err)
	}
}

// collectWith is one collection under its lock, whose points count from base on, and reports whether it was killed.
func collectWith(s *scene, l *timeline, base int, kill point) (killed bool) {
	s.t.Helper()
	path := filepath.Join(s.dir, "gc.lock")
	release, err := gc.Acquire(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer release()
	tap := &tap{}
	tap.at = func(p point) {
		l.come(s, base+int(p))
		if _, err := gc.Acquire(path); !errors.Is(err, component.ErrFailedPrecondition) || !strings.Contains(err.Error(), "another garbage collector is at work") {
			s.t.Errorf("a second collector at %v: %v", p, err)
		}
		tap.dead.Store(p == kill)
	}
	_, err = gc.Collect(s.t.Context(), tap.config(s.config()))
	if killed = tap.dead.Load(); !killed && err != nil {
		s.t.Fatal(err)
	}
	return killed
}
