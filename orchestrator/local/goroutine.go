package local

import (
	"context"
	"sync"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
)

// goroutines runs each attempt as a goroutine.
type goroutines struct {
	inside orchestrator.Executor

	mu        sync.Mutex
	abandoned []<-chan struct{} // closed when the attempt returns
}

// Run implements [orchestrator.Runner]. A goroutine cannot be forced: an attempt that has not returned when ctx ends is abandoned.
func (g *goroutines) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	var exit orchestrator.Exit
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		exit = g.inside(ctx, a)
	}()
	select {
	case <-returned:
		return exit, nil
	case <-ctx.Done():
	}
	select {
	case <-returned:
		return exit, nil
	default:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.abandoned = append(g.abandoned, returned)
	return orchestrator.Exit{Reason: "abandoned", Abandoned: returned}, nil
}

// Close implements [orchestrator.Runner].
func (g *goroutines) Close(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, returned := range g.abandoned {
		select {
		case <-returned:
			continue
		default:
		}
		select {
		case <-returned:
		case <-ctx.Done():
			return component.Errorf(component.DeadlineExceeded, "orchestrator local: steps that ignore their context still run")
		}
	}
	return nil
}
