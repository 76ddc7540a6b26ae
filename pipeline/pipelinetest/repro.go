package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/repro"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/pipeline"
)

// Recorded is a step of a run as "tenon run repro" writes it down for [Repro].
type Recorded struct {
	// Dir has what the step was called with, relative to the package of the test.
	Dir string
	// Run and Step name the step that was recorded. Step is "fit[3]" for an element of a mapped step.
	Run, Step string
	// Inputs are the digests to which the inputs and sources of the step are pinned, by the name of their field. What Dir has must be that.
	Inputs map[string]artifact.Digest
	// Error of the last attempt in the run, or the beginning of it; empty if the step did not fail.
	Error string
	// Outputs are the digests of what the step made in the run; nil if it did not succeed.
	Outputs map[string]artifact.Digest
}

// Repro calls one step again with exactly what it was called with in a run: the same parameters, inputs and outside data, and the checkpoint that
// it saved last. The step is that of p, which is built from the parameters of the run: it may be any function, and a program too.
//
// If the step fails the test fails, and says whether that is the error of the run. If it succeeds where it had succeeded, it must make the same
// outputs; where it had failed, the test passes: the mistake is gone. The step is called in this process, once, with the number and the
// idempotency key of the recorded attempt, and without its timeout, so that it can be debugged; one that timed out in the run and takes
// as long again fails the test. Log lines of the step are those of the test.
//
// Inputs that were too large to be copied into Dir are read from the artifact store of the run, in the state directory that it had, or that of a
// tenon.Config among parts. Parts are as for [Open]. Resources that the step asks for are opened; ctx may carry others in their place, as
// the method With of step.Resource makes it.
func Repro(ctx context.Context, tb testing.TB, p pipeline.Definition, rec Recorded, parts ...tenon.Part) {
	tb.Helper()
	dir, err := filepath.Abs(rec.Dir)
	if err != nil {
		tb.Fatal(err)
	}
	recorded, err := repro.Read(dir)
	if err != nil {
		tb.Fatal(err)
	}
	if err := rec.check(recorded, p); err != nil {
		tb.Fatal(err)
	}
	if recorded.WorkDir != "" {
		tb.Chdir(filepath.FromSlash(recorded.WorkDir))
	}
	program, err := rebuild(p, recorded)
	if err != nil {
		tb.Fatal(err)
	}
	written, err := artifactlocal.Open(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	defer written.Close()
	resources := scope.NewResources(ctx)
	defer func() {
		if err := resources.Close(); err != nil {
			tb.Errorf("close resources: %v", err)
		}
	}()
	report, err := recorded.Perform(ctx, program, repro.Surroundings{
		Dir: dir, TempDir: tb.TempDir(), Written: written, Resources: resources, Logf: tb.Logf,
		Store: func(ctx context.Context) (artifact.Store, error) { return storeOf(ctx, tb, recorded, parts) },
	})
	if err != nil {
		tb.Fatalf("call step %s: %v", rec.Step, err)
	}
	rec.judge(tb, recorded, program, report)
}

// check reports a directory that has something else than the test was written for.
func (r Recorded) check(got *repro.Recording, p pipeline.Definition) error {
	switch {
	case got.Run != r.Run || got.Name() != r.Step:
		return fmt.Errorf("directory %s has step %s of run %s: want step %s of run %s", r.Dir, got.Name(), got.Run, r.Step, r.Run)
	case got.Pipeline != p.Name():
		return fmt.Errorf("step %s was recorded of pipeline %s, and not of %s", r.Step, got.Pipeline, p.Name())
	}
	for name, want := range r.Inputs {
		if is, ok := got.Digest(name); !ok || is != want {
			return fmt.Errorf("input %s is pinned to %s, and directory %s has %s", name, want, r.Dir, orNone(is))
		}
	}
	if all := len(got.Inputs) + len(got.Sources); all != len(r.Inputs) {
		return fmt.Errorf("%d inputs are pinned, and directory %s has %d", len(r.Inputs), r.Dir, all)
	}
	return nil
}

func orNone(d artifact.Digest) string {
	if d == "" {
		return "none"
	}
	return string(d)
}

// rebuild builds the pipeline with the parameters of the run.
func rebuild(p pipeline.Definition, r *repro.Recording) (*graph.Program, error) {
	params := p.NewParams()
	if err := codec.DecodeInto(r.Pipe, params); err != nil {
		return nil, fmt.Errorf("the parameters of the run are not those of pipeline %s any more: %w", p.Name(), err)
	}
	return p.Build(params)
}

// storeOf opens the artifact store of the run. It makes no state directory.
func storeOf(ctx context.Context, tb testing.TB, r *repro.Recording, parts []tenon.Part) (artifact.Store, error) {
	var config tenon.Config
	var rest []tenon.Part
	for _, part := range parts {
		if c, ok := part.(tenon.Config); ok {
			config = c
			continue
		}
		rest = append(rest, part)
	}
	if config.Home == "" {
		config.Home = r.Home
	}
	if _, err := os.Stat(config.Home); errors.Is(err, fs.ErrNotExist) && config.Stack == nil {
		return nil, component.Errorf(component.NotFound, "it was too large to be copied, and the state directory of the run, %s, is not on this machine: "+
			"pass a tenon.Config with the Home that has it, or write the test again with a larger --copy-limit", config.Home)
	}
	stack := r.Stack
	if config.Stack != nil {
		stack = ""
	}
	return Open(tb, append(rest, config)...).Artifacts(ctx, stack)
}

// judge compares how the step ended with how it had ended.
func (r Recorded) judge(tb testing.TB, recorded *repro.Recording, program *graph.Program, report worker.Report) {
	tb.Helper()
	took := report.Finished.Sub(report.Started)
	if f := report.Failure; f != nil {
		message := f.Message
		if f.Stack != "" {
			message += "\n" + f.Stack
		}
		switch {
		case r.Error != "" && strings.HasPrefix(f.Message, r.Error):
			tb.Fatalf("step %s fails as it did in run %s: %s", r.Step, r.Run, message)
		case r.Error != "":
			tb.Fatalf("step %s fails, but not as it did in run %s: %s\nin the run: %s", r.Step, r.Run, message, r.Error)
		default:
			tb.Fatalf("step %s fails, and did not in run %s: %s", r.Step, r.Run, message)
		}
	}
	switch {
	case recorded.Kind == worker.KindTimeout && recorded.Timeout > 0 && took > recorded.Timeout:
		tb.Fatalf("step %s took %v, and its timeout in run %s was %v", r.Step, took, r.Run, recorded.Timeout)
	case r.Error != "":
		tb.Logf("step %s succeeds, and failed in run %s: %s", r.Step, r.Run, r.Error)
	}
	if r.Outputs == nil {
		return
	}
	node := nodeOf(program.Graph, recorded.Step)
	same := len(node.Outputs) == len(r.Outputs)
	for i, o := range node.Outputs {
		if want, now := r.Outputs[o.Name], report.Outputs[i]; now.Digest != want {
			same = false
			tb.Errorf("output %s of step %s is not that of run %s: its code was another, or depends on more than its inputs\n now: %s, %d bytes\nthen: %s",
				o.Name, r.Step, r.Run, now.Digest, now.Size, orNone(want))
		}
	}
	if !same && !tb.Failed() {
		tb.Errorf("step %s has %d outputs, and had %d in run %s", r.Step, len(node.Outputs), len(r.Outputs), r.Run)
	}
}

func nodeOf(g *graph.Graph, name string) *graph.Node {
	for i := range g.Nodes {
		if g.Nodes[i].Name == name {
			return &g.Nodes[i]
		}
	}
	return &graph.Node{}
}
