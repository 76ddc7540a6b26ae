package environment_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// TestFewFiles runs a program that may have few files open.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	limits := []int{8, 11, 14, 17, 20, 28}
	if trial.Number(t, envRounds, 0) == 0 {
		limits = []int{11, 16, 20}
	}
	want := undisturbed(t)
	for _, runner := range []string{"goroutine", "process"} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			for _, limit := range limits {
				site := trial.NewSite(t)
				args := append(slices.Clone(runArgs), "--runner", runner)
				script := fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, limit)
				p := site.Start(t, "/bin/sh", append([]string{"-c", script, endure(t)}, args...)...)
				err := p.Wait(t)
				site.Quiet(t)
				t.Logf("%d files: %v", limit, err)
				if err != nil {
					said(t, p, "open files") // too many, or their limit
				}
				recovers(t, site, endure(t), args, want)
			}
		})
	}
}

type pieceIn struct{ N artifact.Ref[int] }

type numbersIn struct{ Count int }

func numbers(_ context.Context, in numbersIn) (artifact.Ref[[]int], error) {
	list := make([]int, in.Count)
	for i := range list {
		list[i] = i
	}
	return artifact.New(list), nil
}

// piece makes content that is in the store, a log, and a checkpoint.
func piece(ctx context.Context, in pieceIn) (artifact.Ref[[]byte], error) {
	step.Logger(ctx).Info("a piece", "n", in.N.Value())
	if err := step.Checkpoint(ctx, in.N.Value()); err != nil {
		return artifact.Ref[[]byte]{}, err
	}
	return artifact.New([]byte(strings.Repeat(fmt.Sprintf("%08d", in.N.Value()), 1000))), nil
}

// pieces is a pipeline with many artifacts.
var pieces = pipeline.Define("pieces", func(p *pipeline.Builder, in numbersIn) artifact.Ref[[][]byte] {
	m := pipeline.Map(p, "piece", piece, pipeline.Step(p, "numbers", numbers, in), func(n artifact.Ref[int]) pieceIn { return pieceIn{n} })
	return pipeline.Gather(m, func(b artifact.Ref[[]byte]) artifact.Ref[[]byte] { return b })
}, pipeline.Defaults(numbersIn{20}))

// TestNoFileStaysOpen counts the files that a client has open after many runs, in each way to run them.
func TestNoFileStaysOpen(t *testing.T) { // not parallel: it counts the files of this process
	client, err := tenon.Open(t.Context(), tenon.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	run := func(runner string) {
		t.Helper()
		r, err := pieces.Run(t.Context(), client, numbersIn{20}, pipeline.RunConfig{NoCache: true, Steps: map[string]step.Config{"*": {Runner: runner}}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.Result(t.Context())
		if err != nil || len(out.Value()) != 20 {
			t.Fatalf("%d pieces, %v", len(out.Value()), err)
		}
	}
	for _, runner := range []string{"goroutine", "process"} {
		for range 3 { // connections to the database are opened when they are needed
			run(runner)
		}
		before := openFiles(t)
		for range map[string]int{"goroutine": 20, "process": 3}[runner] {
			run(runner)
		}
		if after := openFiles(t); len(after) > len(before) {
			t.Errorf("%s: %d files are open, were %d: %v, were %v", runner, len(after), len(before), after, before)
		}
	}
}

// openFiles returns what this process has open.
func openFiles(t *testing.T) (files []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			files = append(files, target)
		}
	}
	slices.Sort(files)
	return files
}
