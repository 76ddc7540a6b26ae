// Forgot is a program with a step in a process of its own that does not call tenon.RunWorker, or not with its pipeline.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

func never(context.Context, struct{}) (artifact.Ref[int], error) { return artifact.New(1), nil }

var forgot = pipeline.Define("forgot", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
	return pipeline.Step(p, "never", never, struct{}{}, step.Config{Runner: "process", Retry: step.Retry{Attempts: 5}})
})

func main() {
	ctx := context.Background()
	if err := journal.Note(ctx, "started"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Args[1] == "be partial" {
		tenon.RunWorker()
	}
	err := run(ctx)
	if os.Args[1] == "serve" && os.Getenv("TENON_WORKER") != "" {
		err = http.ListenAndServe("127.0.0.1:0", http.NotFoundHandler()) //nolint:gosec // a program that serves although it has no client
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	client, err := tenon.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	r, err := forgot.Run(ctx, client, struct{}{})
	if err != nil {
		return err
	}
	_, err = r.Result(ctx)
	return err
}
