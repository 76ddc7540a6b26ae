// Package faults_test runs whole programs, which are this test binary with a role, and lets things go wrong around them: other programs on
// the same home, damaged artifacts, a person who interrupts.
package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

const (
	role  = "TENON_E2E_ROLE"
	marks = "TENON_E2E_MARKS" // a directory where steps leave marks
)

// builds are the programs with a main package of their own.
var builds trial.Builds

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
			builds.Remove()
			os.Exit(code)
		}))
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
