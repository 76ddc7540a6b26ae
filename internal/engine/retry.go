package engine

import (
	"strconv"
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
type retry struct{ b *backoff.ExponentialBackOff }

func newRetry(c step.Retry) *retry {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = c.Backoff, c.MaxBackoff
	if b.InitialInterval == 0 {
		b.InitialInterval = defaultBackoff
	}
	if b.MaxInterval == 0 {
		b.MaxInterval = max(defaultMaxBackoff, b.InitialInterval)
	}
	b.Multiplier, b.RandomizationFactor = 2, 0.2
	b.Reset()
	return &retry{b}
}

// retry lets a task wait, and try again. An attempt that was abandoned must have returned by then.
func (s *scheduler) retry(t *task, reason string, abandoned <-chan struct{}) {
	if t.retry == nil {
		t.retry = newRetry(t.n.plan.Config.Retry)
	}
	t.state = metadata.StepRetrying
	s.recordTask(t, reason)
	s.emitTask(t, reason)
	s.retrying++
	s.after(t.retry.b.NextBackOff(), func() {
		if abandoned == nil {
			s.retryNow(t)
			return
		}
		go func() {
			select {
			case <-abandoned:
				s.post(func() { s.retryNow(t) })
			case <-s.over:
			}
		}()
	})
}

func (s *scheduler) retryNow(t *task) {
	s.retrying--
	s.enqueue(t)
}

func itoa(n int) string { return strconv.Itoa(n) }
