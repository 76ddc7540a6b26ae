package local

import (
	"context"

	"github.com/tenon-ml/tenon/orchestrator"
)

// goroutines runs each attempt as a goroutine.
type goroutines struct {
	inside    orchestrator.Executor
	abandoned *abandoned
}

// Run runs one attempt. A goroutine cannot be forced: an attempt that has not returned when ctx ends is abandoned.
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
	g.abandoned.add(returned)
	return orchestrator.Exit{Reason: "abandoned", Abandoned: returned}, nil
}
