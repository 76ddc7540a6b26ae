package metadatatest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func concurrentTests() []test {
	return []test{
		{"Writers", concurrentWriters},
		{"RefusedBeside", concurrentRefused},
		{"SameBatch", concurrentSame},
		{"Versions", concurrentVersions},
		{"Stacks", concurrentStacks},
		{"Takeover", concurrentTakeover},
		{"ReadWhole", concurrentReadWhole},
		{"Cancel", concurrentCancel},
		{"Close", concurrentClose},
	}
}

// together runs n goroutines and waits for them.
func together(n int, do func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { do(i) })
	}
	group.Wait()
}

func concurrentWriters(s *suite) {
	const writers, batches = 8, 20
	together(writers, func(int) {
		r := newRun()
		if err := s.Apply(s.Context(), metadata.Batch{ID: newID(), Create: []metadata.Run{r}}); err != nil {
			s.Error(err)
		}
		for b := range batches {
			if err := s.Apply(s.Context(), metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1, Steps: []metadata.Step{made(r.ID, names(batches)[b], "x")}, Durable: b%5 == 0}); err != nil {
				s.Error(err)
			}
		}
		if got := len(s.listSteps(1000, metadata.StepQuery{Run: r.ID})); got != batches {
			s.Errorf("a writer reads %d of its steps, want %d", got, batches)
		}
	})
	if got := len(s.listRuns(3, metadata.RunQuery{})); got != writers {
		s.Errorf("%d runs, want %d", got, writers)
	}
}

// A batch that is refused does not spoil those that are applied at the same time, and leaves nothing.
func concurrentRefused(s *suite) {
	r := s.run()
	const count = 60
	together(count, func(i int) {
		b := steps(made(r.ID, names(count)[i], "x"))
		if i%2 == 0 {
			s.apply(b)
			return
		}
		b.Steps = append(b.Steps, step(newID(), "of no run", metadata.StepReady))
		s.refuses("a batch with a step of no run", b, component.NotFound)
	})
	if got := len(s.listSteps(1000, metadata.StepQuery{Run: r.ID})); got != count/2 {
		s.Errorf("%d steps, want %d", got, count/2)
	}
}

// The same batch, sent by several at once, is applied once.
func concurrentSame(s *suite) {
	for range 5 {
		b := metadata.Batch{ID: newID(), Create: []metadata.Run{newRun()}}
		together(6, func(int) {
			if err := s.Apply(s.Context(), b); err != nil {
				s.Errorf("a batch sent by several at once: %v", err)
			}
		})
	}
}

// Numbers have no gaps and are given once.
func concurrentVersions(s *suite) {
	const count = 30
	together(count, func(i int) { s.version(model, fmt.Sprint("content ", i)) })
	seen := map[string]bool{}
	for i := 1; i <= count; i++ {
		v, err := s.Version(s.Context(), model, i)
		if err != nil || seen[v.Artifact] {
			s.Fatalf("version %d: %+v, %v", i, v, err)
		}
		seen[v.Artifact] = true
	}
	if v, err := s.Version(s.Context(), model, 0); err != nil || v.Version != count {
		s.Errorf("the newest version is %+v, want %d (%v)", v, count, err)
	}
}

// Of those who change a stack at the same version one succeeds.
func concurrentStacks(s *suite) {
	s.put("prod", "", 0)
	for version := 1; version <= 5; version++ {
		var won atomic.Int32
		together(6, func(int) {
			_, err := s.PutStack(s.Context(), metadata.Stack{Name: "prod"}, version)
			if err == nil {
				won.Add(1)
				return
			}
			s.checkCode("a change that came late", err, component.FailedPrecondition)
		})
		if won.Load() != 1 {
			s.Errorf("%d changes of version %d succeeded", won.Load(), version)
		}
	}
}

// Of those who take a run over at the same epoch one succeeds.
func concurrentTakeover(s *suite) {
	r := s.run(func(r *metadata.Run) { r.State = metadata.RunFailed })
	var won atomic.Int32
	together(8, func(i int) {
		next := r
		next.State, next.Epoch, next.Driver.PID = metadata.RunRunning, 2, i
		// The fence is the epoch that the driver saw: who comes second is refused.
		err := s.Apply(s.Context(), metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1, Update: []metadata.Run{next}})
		if err == nil {
			won.Add(1)
			return
		}
		s.checkCode("a second takeover", err, component.FailedPrecondition)
	})
	if won.Load() != 1 {
		s.Errorf("%d drivers took the run over", won.Load())
	}
}

// A reader sees a batch whole, or not at all.
func concurrentReadWhole(s *suite) {
	r := s.run()
	const size = 50
	var writing sync.WaitGroup
	done := make(chan struct{})
	writing.Go(func() {
		defer close(done)
		for round := range 20 {
			b := metadata.Batch{}
			for i := range size {
				b.Steps = append(b.Steps, step(r.ID, fmt.Sprintf("%d/%d", round, i), metadata.StepSucceeded))
			}
			if err := s.Apply(s.Context(), b); err != nil {
				s.Error(err)
			}
		}
	})
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		counts, err := s.CountSteps(s.Context(), r.ID)
		if err != nil || counts[metadata.StepSucceeded]%size != 0 {
			s.Errorf("a reader counts %v (%v)", counts, err)
			break
		}
	}
	writing.Wait()
}

// A batch whose context ends is applied whole, or not at all. One that is sent again with its ID is applied once.
func concurrentCancel(s *suite) {
	r := s.run()
	together(40, func(i int) {
		ctx, cancel := context.WithCancel(s.Context())
		defer cancel()
		go cancel()
		rows := []metadata.Step{step(r.ID, names(40)[i], metadata.StepSucceeded), element(step(r.ID, names(40)[i], metadata.StepSucceeded), 0)}
		b := metadata.Batch{ID: newID(), Create: []metadata.Run{newRun()}, Steps: rows}
		err := s.Apply(ctx, b)
		if err != nil {
			s.checkCode("Apply", err, component.Canceled)
		}
		got := len(s.listSteps(10, metadata.StepQuery{Run: r.ID, Step: rows[0].Step}))
		if got == 1 || err == nil && got == 0 {
			s.Errorf("Apply returns %v, and %d of 2 steps are there", err, got)
		}
		s.apply(b)
	})
	if got := len(s.listSteps(1000, metadata.StepQuery{Run: r.ID})); got != 80 {
		s.Errorf("%d steps after all batches were sent again, want 80", got)
	}
}

// Calls beside Close succeed or say that the store is closed, and what succeeded is there.
func concurrentClose(s *suite) {
	if s.Reopen == nil {
		s.Skip("the harness has no Reopen")
	}
	var applied sync.Map
	together(20, func(i int) {
		if i == 10 {
			if err := s.Close(); err != nil {
				s.Errorf("Close: %v", err)
			}
			return
		}
		r := newRun()
		switch err := s.Apply(s.Context(), metadata.Batch{Create: []metadata.Run{r}}); component.CodeOf(err) {
		case component.FailedPrecondition:
		default:
			if err != nil {
				s.Errorf("Apply beside Close: %v", err)
			}
			applied.Store(r.ID, true)
		}
		if _, err := s.Runs(s.Context(), metadata.RunQuery{}); err != nil {
			s.checkCode("Runs beside Close", err, component.FailedPrecondition)
		}
	})
	s.Store = s.reopen()
	got := s.listRuns(100, metadata.RunQuery{})
	applied.Range(func(id, _ any) bool {
		if !slices.Contains(got, id.(string)) {
			s.Errorf("run %v was recorded before Close and is not there", id)
		}
		return true
	})
}
