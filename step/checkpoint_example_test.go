package step_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type AddIn struct{ Numbers int }

// Sum is how far Add has come.
type Sum struct{ Added, Total int }

// Add adds the first numbers, and fails once in the middle.
func Add(ctx context.Context, in AddIn) (artifact.Ref[int], error) {
	var sum Sum
	found, err := step.Restore(ctx, &sum)
	if err != nil {
		return artifact.Ref[int]{}, err
	}
	fmt.Println("begins with", sum.Added, "numbers added")
	for sum.Added < in.Numbers {
		sum.Added++
		sum.Total += sum.Added
		if sum.Added%2 == 0 { // a step that takes hours saves once a minute
			if err := step.Checkpoint(ctx, sum); err != nil {
				return artifact.Ref[int]{}, err
			}
		}
		if sum.Added == 5 && !found {
			return artifact.Ref[int]{}, errors.New("the connection is gone")
		}
	}
	return artifact.New(sum.Total), nil
}

// A step that fails, or whose process is killed, goes on from its last checkpoint.
func ExampleCheckpoint() {
	p := pipeline.Define("add", func(p *pipeline.Builder, in AddIn) artifact.Ref[int] {
		return pipeline.Step(p, "add", Add, in, step.Config{Retry: step.Retry{Attempts: 2, Backoff: time.Millisecond}})
	})
	total, err := total(p, AddIn{Numbers: 10})
	fmt.Println(total, err)
	// Output:
	// begins with 0 numbers added
	// begins with 4 numbers added
	// 55 <nil>
}

// total runs a pipeline in a temporary home.
func total(p *pipeline.Pipeline[AddIn, artifact.Ref[int]], in AddIn) (int, error) {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "tenon-example-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(home)
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	run, err := p.Run(ctx, client, in)
	if err != nil {
		return 0, err
	}
	out, err := run.Result(ctx)
	if err != nil {
		return 0, err
	}
	return out.Value(), nil
}
