package orchestrator_test

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
)

// The engine asks an orchestrator for the runner of a run, and hands it one attempt after the other. A goroutine runner calls inside.
func Example() {
	o, err := local.New(local.Config{Parallel: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer o.Close()
	fmt.Println("attempts at once:", o.Capabilities().Limits.Parallel)

	ctx := context.Background()
	inside := func(_ context.Context, a orchestrator.Attempt) orchestrator.Exit {
		fmt.Printf("attempt %d of step %s\n", a.Number, a.Step)
		return orchestrator.Exit{}
	}
	runner, err := o.Runner(ctx, orchestrator.Run{ID: "run-1", Pipeline: "penguins"}, inside)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer runner.Close(ctx)
	exit, err := runner.Run(ctx, orchestrator.Attempt{ID: "attempt-1", Run: "run-1", Step: "train", Index: -1, Number: 1})
	fmt.Printf("reason %q, error %v\n", exit.Reason, err)
	// Output:
	// attempts at once: 2
	// attempt 1 of step train
	// reason "", error <nil>
}
