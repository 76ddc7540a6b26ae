package pipelinetest_test

import (
	"errors"
	"fmt"
	"strings"

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

// A step that waits for a person is answered by the test.
func ExampleApprove() {
	t := &recorder{} // in a test it is the *testing.T
	defer t.end()

	approval := pipelinetest.Run(t, reviewed, params{Rows: []float64{1, 2, 6}}, pipelinetest.Approve("review", "ada", "looks good"))
	fmt.Println(approval.Value().By, approval.Value().Note)
	// Output: ada looks good
}

func ExampleReject() {
	t := &recorder{} // in a test it is the *testing.T
	defer t.end()

	_, err := pipelinetest.Try(t, reviewed, params{Rows: []float64{1, 2, 6}}, pipelinetest.Reject("review", "ada", "the mean is too high"))
	fmt.Println(strings.Contains(err.Error(), "rejected by ada: the mean is too high"))
	// Output: true
}

func ExampleGolden() {
	t := &recorder{} // in a test it is the *testing.T
	defer t.end()

	pipelinetest.Golden(t, service, params{Rows: []float64{1, 2}, Deploy: true}, "testdata/service.graph.json")
	fmt.Println("mistakes:", len(t.failures))
	// Output: mistakes: 0
}
