package local

import (
	"context"
	"sync"

	"github.com/tenon-ml/tenon/component"
)

// abandoned are the attempts that could not be forced to end: channels that are closed when they do.
type abandoned struct {
	mu   sync.Mutex
	ends []<-chan struct{}
}

func (a *abandoned) add(end <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends = append(a.ends, end)
}

// wait returns when all have ended, or with an error when ctx has.
func (a *abandoned) wait(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, end := range a.ends {
		select {
		case <-end:
			continue
		default:
		}
		select {
		case <-end:
		case <-ctx.Done():
			return component.Errorf(component.DeadlineExceeded, "orchestrator local: attempts that could not be ended still run")
		}
	}
	return nil
}
