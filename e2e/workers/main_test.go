package workers_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// builds are the programs of the tests.
var builds trial.Builds

// verified is a testing.M that looks for goroutines that are left.
type verified struct{ m *testing.M }

func (v verified) Run() (code int) {
	goleak.VerifyTestMain(v.m, goleak.Cleanup(func(c int) { code = c }))
	return code
}

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // they wait for the most part
	code := pipelinetest.Main(verified{m}, thrifty)
	builds.Remove()
	os.Exit(code)
}

// open opens the gate of the waiting step.
func open(t *testing.T, site *trial.Site) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(site.Dir, "gate"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// waits returns when a step has begun so many times.
func waits(t *testing.T, site *trial.Site, step string, times int) {
	t.Helper()
	trial.Eventually(t, "the begin of "+step, func() bool { return site.Count(t, "begin", step) >= times })
}
