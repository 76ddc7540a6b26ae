package main

import (
	"flag"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

var _ = flag.Bool("update", false, "write the golden files") // pipelinetest.Golden reads it

// asService makes the test's executable the service itself, also in the workers that the service starts.
const asService = "TENON_EXAMPLE_SERVICE"

func TestMain(m *testing.M) {
	if os.Getenv(asService) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestGraph(t *testing.T) {
	t.Parallel()
	quotes := Quotes(Ledger{})
	params := quotes.Params()
	params.Review = true
	pipelinetest.Golden(t, quotes, params, "testdata/graph.json")
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-runner", "thread"}, {"-active", "0"}, {"-parallel", "-1"}, {"-active", "many"}, {"serve"}, {"-port", "1"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	o, err := parse([]string{"-addr", ":0", "-runner", "process"}, io.Discard)
	if err != nil || o.addr != ":0" || o.runner != "process" || o.active != 32 || o.parallel != 2 {
		t.Errorf("parsed %+v, %v", o, err)
	}
}
