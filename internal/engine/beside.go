package engine

import "time"

// spawn runs work beside the scheduler and handles its answer in the scheduler.
func (s *scheduler) spawn(work func() func()) {
	s.busy++
	select {
	case s.work <- work:
	default: // nobody is idle
		s.beside.Go(func() { s.help(work) })
	}
}

// help does one work after another: a goroutine that has done some has the stack for more.
func (s *scheduler) help(work func() func()) {
	for {
		answer := work()
		s.post(func() {
			s.busy--
			answer()
		})
		select {
		case work = <-s.work:
		case <-s.over:
			return
		}
	}
}

// post hands an event to the scheduler. Events after its end are dropped.
func (s *scheduler) post(event func()) {
	select {
	case s.inbox <- event:
	case <-s.over:
	}
}

// after lets an event happen later. Stop prevents it, unless it is already on its way.
func (s *scheduler) after(d time.Duration, event func()) (stop func()) {
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		s.post(func() {
			delete(s.timers, t)
			event()
		})
	})
	s.timers[t] = struct{}{}
	return func() {
		t.Stop()
		delete(s.timers, t)
	}
}
