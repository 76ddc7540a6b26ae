package engine

import (
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

const (
	defaultBackoff    = time.Second
	defaultMaxBackoff = time.Minute
)

// retry is the series of waits between the attempts of one task.
type retry struct{ b backoff.ExponentialBackOff }

func newRetry(c step.Retry) *retry {
	first := c.Backoff
	if first == 0 {
		first = defaultBackoff
	}
	longest := c.MaxBackoff
	if longest == 0 {
		longest = max(defaultMaxBackoff, first)
	}
	r := &retry{backoff.ExponentialBackOff{
		InitialInterval: min(first, longest), MaxInterval: longest, Multiplier: 2, RandomizationFactor: 0.2,
	}}
	r.b.Reset()
	return r
}

// next returns the next wait.
func (r *retry) next() time.Duration { return r.b.NextBackOff() }

// retry lets a task wait, and try again. An attempt that was abandoned must have returned by then.
func (s *scheduler) retry(t *task, reason string, abandoned <-chan struct{}) {
	if t.retry == nil {
		t.retry = newRetry(t.n.plan.Config.Retry)
	}
	t.state = metadata.StepRetrying
	s.recordTask(t, reason)
	s.emitTask(t, reason)
	s.retrying++
	again := func() {
		s.retrying--
		s.enqueue(t)
	}
	s.after(t.retry.next(), func() {
		if abandoned == nil {
			again()
			return
		}
		s.whenClosed(abandoned, again)
	})
}
