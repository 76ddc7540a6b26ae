package pipelinetest_test

import (
	"fmt"
	"testing"

	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

func ExampleSimulate() {
	t := new(testing.T) // in a test it is that of the test

	done := pipelinetest.Simulate(t, service, params{Rows: []float64{1, 2, 6}, Deploy: true}, 11, pipelinetest.Crashes)
	fmt.Println("programs that drove the run:", done.Drivers)
	fmt.Println("crashes:", done.Injected["crashes"])
	// Output:
	// programs that drove the run: 2
	// crashes: 1
}
