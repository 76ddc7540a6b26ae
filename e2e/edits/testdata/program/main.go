// A program of several packages whose steps are edited by the test around it. It prints what its run gave, what a run without a
// cache gives, and which steps were cached.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

type report struct {
	Value, Fresh string
	States       map[string]string
}

var version = "none" // set by the linker

func main() {
	flag.Float64Var(&threshold, "threshold", 1, "")
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	value, states, err := once(ctx, os.Getenv("EDITS_HOME"))
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	fresh, _, err := once(ctx, home)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{value, fresh, states})
}

// once runs the pipeline on a home. Captured state that the step declares to be named by its version is not edited.
func once(ctx context.Context, home string) (string, map[string]string, error) {
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		return "", nil, err
	}
	defer client.Close()
	run, err := program(threshold, step.Config{}).Run(ctx, client, struct{}{})
	if err != nil {
		return "", nil, err
	}
	result, err := run.Result(ctx)
	if err != nil {
		return "", nil, err
	}
	states := map[string]string{}
	page, err := client.Metadata().Steps(ctx, metadata.StepQuery{Run: run.ID()})
	for _, s := range page.Items {
		states[s.Step] = string(s.State)
	}
	return result.Value(), states, err
}
