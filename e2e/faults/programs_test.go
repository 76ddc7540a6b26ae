// Package faults_test runs whole programs, which are this test binary with a role, and lets things go wrong around them: other programs on
// the same home, damaged artifacts, a person who interrupts.
package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

const (
	role  = "TENON_E2E_ROLE"
	marks = "TENON_E2E_MARKS" // a directory where steps leave marks
)

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		goleak.VerifyTestMain(m)
	case "sums":
		tenon.Main(sums)
	case "squares":
		tenon.Main(squares)
	case "text":
		tenon.Main(text)
	case "patient":
		tenon.Main(patient)
	case "tenon":
		tenon.Main()
	}
}

// program returns a command that runs this binary in a role, on a home.
func program(ctx context.Context, name, home string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), role+"="+name, "TENON_HOME="+home, marks+"="+home, "NO_COLOR=1")
	return cmd
}

// output runs a program to its end, which must be a good one.
func output(t *testing.T, name, home string, args ...string) string {
	t.Helper()
	cmd := program(t.Context(), name, home, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.Bytes())
	}
	return string(out)
}

// open opens a client on the home of programs.
func open(t *testing.T, home string) *tenon.Client {
	t.Helper()
	client, err := tenon.Open(t.Context(), tenon.Config{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// Sums is a chain of many steps.

type size struct{ N int }

type link struct {
	I    int
	Prev []artifact.Ref[int]
}

func add(_ context.Context, in link) (artifact.Ref[int], error) {
	n := in.I
	for _, p := range in.Prev {
		n += p.Value()
	}
	return artifact.New(n), nil
}

var sums = pipeline.Define("sums", func(p *pipeline.Builder, s size) artifact.Ref[int] {
	last := pipeline.Step(p, "s0", add, link{})
	for i := 1; i < s.N; i++ {
		last = pipeline.Step(p, fmt.Sprintf("s%d", i), add, link{i, []artifact.Ref[int]{last}})
	}
	return last
}, pipeline.Defaults(size{150}))

// Squares is a map over many elements.

func count(_ context.Context, s size) (artifact.Ref[[]int], error) {
	list := make([]int, s.N)
	for i := range list {
		list[i] = i
	}
	return artifact.New(list), nil
}

type number struct{ N artifact.Ref[int] }

func square(_ context.Context, in number) (artifact.Ref[int], error) {
	return artifact.New(in.N.Value() * in.N.Value()), nil
}

type numbers struct{ All artifact.Ref[[]int] }

func total(_ context.Context, in numbers) (artifact.Ref[int], error) {
	n := 0
	for _, v := range in.All.Value() {
		n += v
	}
	return artifact.New(n), nil
}

var squares = pipeline.Define("squares", func(p *pipeline.Builder, s size) artifact.Ref[int] {
	m := pipeline.Map(p, "square", square, pipeline.Step(p, "count", count, s), func(n artifact.Ref[int]) number { return number{n} })
	return pipeline.Step(p, "total", total, numbers{pipeline.Gather(m, func(n artifact.Ref[int]) artifact.Ref[int] { return n })})
}, pipeline.Defaults(size{300}))

// Text makes a large text, and counts its lines each time.

func write(context.Context, struct{}) (artifact.Ref[string], error) {
	mark("written")
	return artifact.New(strings.Repeat("all work and no play\n", 5000)), nil
}

type texts struct{ Text artifact.Ref[string] }

func lines(_ context.Context, in texts) (artifact.Ref[int], error) {
	return artifact.New(strings.Count(in.Text.Value(), "\n")), nil
}

type textOut struct {
	Lines artifact.Ref[int]
	Text  artifact.Ref[string]
}

var text = pipeline.Define("text", func(p *pipeline.Builder, _ struct{}) textOut {
	written := pipeline.Step(p, "write", write, struct{}{})
	return textOut{pipeline.Step(p, "lines", lines, texts{written}, step.Config{Cache: step.Never}), written}
})

// Patient waits until it is asked to stop.

func wait(ctx context.Context, _ struct{}) (artifact.Ref[int], error) {
	mark("waiting")
	<-ctx.Done()
	mark("stopped")
	return artifact.New(0), ctx.Err()
}

var patient = pipeline.Define("patient", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
	n := pipeline.Step(p, "wait", wait, struct{}{})
	return pipeline.Step(p, "after", square, number{n})
})

// mark leaves a line for the test to find.
func mark(what string) {
	f, err := os.OpenFile(filepath.Join(os.Getenv(marks), "mark-"+what), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Fprintln(f, what)
}

func marked(t *testing.T, home, what string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(home, "mark-"+what))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return bytes.Count(data, []byte("\n"))
}

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

// TestDamagedArtifact spoils the file of a cached artifact between two runs of a program.
func TestDamagedArtifact(t *testing.T) {
	t.Parallel()
	for how, spoil := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 1000) },
		"deleted":   os.Remove,
		"flipped": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[5000] ^= 0x20
			return errs(os.Remove(path), os.WriteFile(path, data, 0o600))
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			output(t, "text", home, "run")
			output(t, "text", home, "run")
			if n := marked(t, home, "written"); n != 1 {
				t.Fatalf("the text was written %d times", n)
			}
			client := open(t, home)
			v, err := client.Metadata().Version(t.Context(), "text/Text", 0)
			if err != nil {
				t.Fatal(err)
			}
			a, err := client.Metadata().Artifact(t.Context(), v.Artifact)
			if err != nil {
				t.Fatal(err)
			}
			digest := a.Record.Digest
			if err := spoil(filepath.Join(home, "artifacts", "sha256", digest.Hex()[:2], digest.Hex()[2:])); err != nil {
				t.Fatal(err)
			}

			// A person who reads it is told which content it is, and gets none of it.
			cmd := program(t.Context(), "tenon", home, "artifact", "get", v.Artifact, "--output", filepath.Join(home, "got"))
			said, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(said), digest.Hex()) {
				t.Errorf("tenon artifact get: %v, %s", err, said)
			}
			if _, err := os.Stat(filepath.Join(home, "got")); err == nil {
				t.Error("tenon artifact get left a file")
			}

			output(t, "text", home, "run")
			if n := marked(t, home, "written"); n != 2 {
				t.Errorf("the text was written %d times", n)
			}
			runs, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{})
			if err != nil {
				t.Fatal(err)
			}
			last, err := client.Metadata().Run(t.Context(), runs.Items[0].ID)
			if err != nil || last.Outputs["Lines"].Preview != "5000" || last.Outputs["Text"].Digest != digest {
				t.Errorf("the results are %+v, %v", last.Outputs, err)
			}
			r, err := openContent(t, client, digest)
			if err != nil || len(r) != 5000*21 {
				t.Errorf("the content has %d bytes, %v", len(r), err)
			}
		})
	}
}

func errs(all ...error) error {
	if i := slices.IndexFunc(all, func(err error) bool { return err != nil }); i >= 0 {
		return all[i]
	}
	return nil
}

func openContent(t *testing.T, client *tenon.Client, d artifact.Digest) ([]byte, error) {
	t.Helper()
	store, err := client.Artifacts(t.Context(), "")
	if err != nil {
		return nil, err
	}
	r, err := store.Open(t.Context(), d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// eventually waits for something that another process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
	}
}
