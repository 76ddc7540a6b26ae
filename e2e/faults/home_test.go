package faults_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/metadata"
)

// TestProgramsOnOneHome runs two programs, each of them twice, on one new home at once: they make and migrate the database together, write
// the same artifacts, and number versions of the same names.
func TestProgramsOnOneHome(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	const each = 2
	type running struct {
		name        string
		cmd         *exec.Cmd
		out, errOut bytes.Buffer
	}
	var all []*running
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	for range each {
		for _, name := range []string{"sums", "squares"} {
			r := &running{name: name, cmd: program(t.Context(), name, home, "run", "-o", "json")}
			r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.errOut
			if err := r.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
	}
	for _, r := range all {
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s%s", r.name, err, r.out.Bytes(), r.errOut.Bytes())
		}
		if said := r.errOut.String() + r.out.String(); strings.Contains(said, "locked") || strings.Contains(said, "busy") {
			t.Errorf("%s says %s", r.name, said)
		}
	}
	client := open(t, home)
	want := map[string]int{"sums": 150 * 149 / 2, "squares": 299 * 300 * 599 / 6}
	steps := map[string]int{"sums": 150, "squares": 302}
	for name, value := range want {
		runs, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{Pipeline: name})
		if err != nil || len(runs.Items) != each {
			t.Fatalf("%d runs of %s are recorded, %v", len(runs.Items), name, err)
		}
		for _, r := range runs.Items {
			full, err := client.Metadata().Run(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if full.State != metadata.RunSucceeded || full.Outputs["output"].Preview != strconv.Itoa(value) {
				t.Errorf("%s %s, its result is %q, want %d", name, full.State, full.Outputs["output"].Preview, value)
			}
			if n := full.Counts[metadata.StepSucceeded] + full.Counts[metadata.StepCached]; n != steps[name] {
				t.Errorf("%s has %d steps that ended well: %v", name, n, full.Counts)
			}
		}
		v, err := client.Metadata().Version(t.Context(), name+"/output", 0)
		if err != nil || v.Version != 1 {
			t.Errorf("the same result of %s twice has version %d, %v", name, v.Version, err)
		}
	}
	// All is there for a fifth run.
	if out := output(t, "squares", home, "run", "-o", "json"); !json.Valid([]byte(out)) {
		t.Errorf("the run says %s", out)
	}
	last, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{Pipeline: "squares"})
	if err != nil || last.Items[0].Counts[metadata.StepCached] != 302 {
		t.Errorf("the last run is not cached: %v, %v", last.Items[0].Counts, err)
	}
}
