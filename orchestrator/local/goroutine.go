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
	left   sync.WaitGroup // attempts that were abandoned
}

// Run implements [orchestrator.Runner]. The attempt sees ctx end only through the worker protocol's stop, which comes first; an attempt
// that has not returned when ctx ends is abandoned.
func (g *goroutines) Run(ctx context.Context, a orchestrator.Attempt) (orchestrator.Exit, error) {
	returned := make(chan orchestrator.Exit, 1)
	go func() { returned <- g.inside(ctx, a) }()
	select {
	case exit := <-returned:
		return exit, nil
	case <-ctx.Done():
	}
	abandoned := make(chan struct{})
	g.left.Go(func() {
		<-returned
		close(abandoned)
	})
	return orchestrator.Exit{Reason: "abandoned", Abandoned: abandoned}, nil
}

// Close waits for abandoned attempts until ctx ends.
func (g *goroutines) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		g.left.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return component.Errorf(component.DeadlineExceeded, "steps that ignore their context still run")
	}
}
