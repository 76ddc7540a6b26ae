package tenon_test

import (
	"context"
	"fmt"
	"os"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type squareIn struct{ N int }

func square(ctx context.Context, in squareIn) (artifact.Ref[int], error) {
	step.Logger(ctx).Info("squaring", "n", in.N)
	return artifact.New(in.N * in.N), nil
}

type sumIn struct{ Terms []artifact.Ref[int] }

func sum(_ context.Context, in sumIn) (artifact.Ref[int], error) {
	total := 0
	for _, t := range in.Terms {
		total += t.Value()
	}
	return artifact.New(total), nil
}

type squaresParams struct{ Count int }

// squares adds the first square numbers.
var squares = pipeline.Define("squares", func(p *pipeline.Builder, in squaresParams) artifact.Ref[int] {
	var terms []artifact.Ref[int]
	for n := range in.Count {
		terms = append(terms, pipeline.Step(p, fmt.Sprintf("square%d", n), square, squareIn{N: n}))
	}
	return pipeline.Step(p, "sum", sum, sumIn{Terms: terms})
})

// A program with a main of its own opens a client and runs pipelines from Go. The second run finds every step in the cache.
func Example() {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "tenon-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for range 2 {
		run, err := squares.Run(ctx, client, squaresParams{Count: 4})
		if err != nil {
			fmt.Println(err)
			return
		}
		total, err := run.Result(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		counts, err := client.Metadata().CountSteps(ctx, run.ID())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(total.Value(), "with", counts[metadata.StepSucceeded], "steps run and", counts[metadata.StepCached], "cached")
	}
	// Output:
	// 14 with 5 steps run and 0 cached
	// 14 with 0 steps run and 5 cached
}
