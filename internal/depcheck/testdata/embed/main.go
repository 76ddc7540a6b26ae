// Embed is a program with a main of its own: it opens a client and runs a pipeline, without tenon.Main.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

type addIn struct{ A, B int }

func add(_ context.Context, in addIn) (artifact.Ref[int], error) {
	return artifact.New(in.A + in.B), nil
}

var sum = pipeline.Define("sum", func(p *pipeline.Builder, in addIn) artifact.Ref[int] {
	return pipeline.Step(p, "add", add, in)
})

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	client, err := tenon.Open(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	r, err := sum.Run(ctx, client, addIn{A: 1, B: 2})
	if err != nil {
		return err
	}
	out, err := r.Result(ctx)
	if err != nil {
		return err
	}
	fmt.Println(out.Value())
	return nil
}
