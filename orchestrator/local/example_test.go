package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
	"github.com/tenon-ml/tenon/step"
)

type cityIn struct{ Name string }

func fetch(_ context.Context, in cityIn) (artifact.Ref[int], error) {
	return artifact.New(len(in.Name)), nil
}

// fetches asks an API about three cities, two at a time whatever the machine can do.
var fetches = pipeline.Define("fetches", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
	polite := step.Config{Limits: []string{"api"}}
	pipeline.Step(p, "paris", fetch, cityIn{"Paris"}, polite)
	pipeline.Step(p, "oslo", fetch, cityIn{"Oslo"}, polite)
	return pipeline.Step(p, "lima", fetch, cityIn{"Lima"}, polite)
})

// A stack that is composed in Go, with a named limit that steps refer to.
func ExampleNew() {
	home, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	ctx := context.Background()

	o, err := local.New(local.Config{Limits: map[string]orchestrator.Limit{"api": {Concurrency: 2}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	artifacts, err := artifactlocal.Open(filepath.Join(home, "artifacts"))
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := stack.New(stack.Parts{Name: "polite", Orchestrator: o, Artifacts: artifacts})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	client, err := tenon.Open(ctx, tenon.Config{Home: home, Stack: s})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	run, err := fetches.Run(ctx, client, struct{}{})
	if err != nil {
		fmt.Println(err)
		return
	}
	letters, err := run.Result(ctx)
	fmt.Println(letters.Value(), err)
	// Output: 4 <nil>
}
