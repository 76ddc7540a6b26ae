package workers_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
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

// recorded returns when a step of the site's only run is recorded as done. One that is quick may not be when the next one begins.
func recorded(t *testing.T, site *trial.Site, step string) {
	t.Helper()
	trial.Eventually(t, "the record of "+step, func() bool {
		r := site.Records(t)
		return len(r.Runs) == 1 && r.Done(metadata.StepKey{Run: r.Runs[0].ID, Step: step, Index: -1})
	})
}

// wantEditions checks which editions of the program executed the three steps of the site's only run.
func wantEditions(t *testing.T, site *trial.Site, want ...string) {
	t.Helper()
	r := site.Records(t)
	if len(r.Runs) != 1 || r.Runs[0].State != metadata.RunSucceeded {
		t.Fatalf("the runs are %+v", r.Runs)
	}
	var got []string
	for _, name := range []string{"First", "Second", "Third"} {
		got = append(got, r.Runs[0].Outputs[name].Preview)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the editions (-want +got):\n%s", diff)
	}
}
