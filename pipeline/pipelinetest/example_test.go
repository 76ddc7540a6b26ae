package pipelinetest_test

import (
	"errors"
	"fmt"

	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

func ExampleRun() {
	t := &recorder{} // in a test it is the *testing.T
	defer t.end()

	out := pipelinetest.Run(t, service, params{Rows: []float64{1, 2, 6}, Deploy: true})
	fmt.Println(out.Mean.Value(), out.Deploy.Value())
	// Output: 3 deployed 3
}

func ExampleTry() {
	t := &recorder{} // in a test it is the *testing.T
	defer t.end()

	_, err := pipelinetest.Try(t, service, params{Rows: nil})
	fmt.Println(errors.Is(err, errNoRows))
	// Output: true
}

// With one client for several runs a test sees what is cached.
func ExampleOpen() {
	t := &recorder{} // in a test it is the *testing.T
	defer t.end()

	client := pipelinetest.Open(t)
	for range 2 {
		run, err := service.Run(t.Context(), client, params{Rows: []float64{1, 2, 6}, Deploy: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Result(t.Context()); err != nil {
			t.Fatal(err)
		}
		counts, err := client.Metadata().CountSteps(t.Context(), run.ID())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(counts)
	}
	// Output:
	// map[succeeded:3]
	// map[cached:3]
}

func ExampleGolden() {
	t := &recorder{} // in a test it is the *testing.T
	defer t.end()

	pipelinetest.Golden(t, service, params{Rows: []float64{1, 2}, Deploy: true}, "testdata/service.graph.json")
	fmt.Println("mistakes:", len(t.failures))
	// Output: mistakes: 0
}
