package repro_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/repro"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type labIn struct{ N int }

type seriesIn struct{ N int }

type seriesOut struct {
	Long  artifact.Ref[[]string]
	Short artifact.Ref[[]int]
	Off   artifact.Ref[bool]
}

func series(_ context.Context, in seriesIn) (seriesOut, error) {
	var long []string
	var short []int
	for i := range in.N {
		long, short = append(long, strings.Repeat(strconv.Itoa(i), 6000)), append(short, i)
	}
	return seriesOut{artifact.New(long), artifact.New(short), artifact.New(false)}, nil
}

type oneIn[T any] struct{ Value artifact.Ref[T] }

func size(_ context.Context, in oneIn[string]) (artifact.Ref[int], error) {
	return artifact.New(len(in.Value.Value())), nil
}

func double(_ context.Context, in oneIn[int]) (artifact.Ref[int], error) {
	return artifact.New(2 * in.Value.Value()), nil
}

func same[T any](_ context.Context, in oneIn[T]) (artifact.Ref[T], error) {
	return artifact.New(in.Value.Value()), nil
}

func fails(_ context.Context, in oneIn[[]int]) (artifact.Ref[int], error) {
	return artifact.Ref[int]{}, fmt.Errorf("sum of %v:\n\tit is too much `for me`\x1b[0m */ \u2028", in.Value.Value())
}

// lab has every kind of edge.
var lab = pipeline.Define("lab", func(p *pipeline.Builder, in labIn) struct{} {
	s := pipeline.Step(p, "series", series, seriesIn(in))
	sizes := pipeline.Map(p, "size", size, s.Long, func(r artifact.Ref[string]) oneIn[string] { return oneIn[string]{r} })
	doubled := pipeline.Then(p, "double", double, sizes, func(r artifact.Ref[int]) oneIn[int] { return oneIn[int]{r} })
	all := pipeline.Gather(doubled, func(r artifact.Ref[int]) artifact.Ref[int] { return r })
	again := pipeline.Map(p, "again", same[int], all, func(r artifact.Ref[int]) oneIn[int] { return oneIn[int]{r} })
	_ = pipeline.Gather(again, func(r artifact.Ref[int]) artifact.Ref[int] { return r })
	skipped := pipeline.Step(p, "skipped", same[[]int], oneIn[[]int]{s.Short}, pipeline.When(s.Off))
	first := pipeline.FirstOf(p, skipped, all)
	pipeline.Step(p, "first", same[[]int], oneIn[[]int]{first})
	pipeline.Step(p, "used", same[float64], oneIn[float64]{pipeline.Use[float64](p, "earlier/output@latest")})
	pipeline.Step(p, "fails", fails, oneIn[[]int]{first}, step.Config{External: step.On})
	pipeline.Step(p, "after", same[int], oneIn[int]{pipeline.Step(p, "fails-too", fails, oneIn[[]int]{s.Short})})
	pipeline.Wait(p, "asks", "Well?", struct{}{}, pipeline.After("fails"))
	return struct{}{}
}, pipeline.Defaults(labIn{N: 3}))

var earlier = pipeline.Define("earlier", func(p *pipeline.Builder, _ struct{}) artifact.Ref[float64] {
	return pipeline.Step(p, "make", func(context.Context, struct{}) (artifact.Ref[float64], error) { return artifact.New(0.5), nil }, struct{}{})
})

// recorded is a run of lab.
type recorded struct {
	client  *tenon.Client
	run     metadata.Run
	program *graph.Program
}

func newRecorded(t *testing.T) recorded {
	t.Helper()
	client, err := tenon.Open(t.Context(), tenon.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	first, err := earlier.Run(t.Context(), client, struct{}{}, pipeline.RunConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	run, err := lab.Run(t.Context(), client, lab.Params(), pipeline.RunConfig{OnFailure: pipeline.Continue})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err == nil {
		t.Fatal("the run succeeded")
	}
	r := recorded{client: client}
	if r.run, err = client.Metadata().Run(t.Context(), run.ID()); err != nil {
		t.Fatal(err)
	}
	params := lab.Params()
	if r.program, err = lab.Build(&params); err != nil {
		t.Fatal(err)
	}
	if err := client.Metadata().DeleteRun(t.Context(), first.ID()); err != nil { // what was used stays
		t.Fatal(err)
	}
	return r
}

func (r recorded) collect(t *testing.T, step string, index int) *repro.Case {
	t.Helper()
	c, err := repro.Collect(t.Context(), r.client.Metadata(), r.run, step, index)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// write writes a test into a package of its own.
func (r recorded) write(t *testing.T, c *repro.Case, p repro.Place, o repro.Options) (repro.Written, error) {
	t.Helper()
	store, err := r.client.Artifacts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if o.Name == "" {
		o.Name = c.DefaultName()
	}
	o.Home = r.client.Home()
	return c.Write(t.Context(), store, p, o)
}

// perform calls what was written, without anything else.
func (r recorded) perform(t *testing.T, dir string) worker.Report {
	t.Helper()
	rec, err := repro.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	report, err := rec.Perform(t.Context(), r.program, repro.Surroundings{
		Dir: dir, TempDir: t.TempDir(), Written: emptyStore(t), Logf: t.Logf,
		Store: func(context.Context) (artifact.Store, error) { return nil, errors.New("everything was copied") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Every step is called with the same inputs by whatever edge they came, and ends as it did.
func TestEveryEdge(t *testing.T) {
	t.Parallel()
	r := newRecorded(t)
	for _, test := range []struct {
		step  string
		index int
	}{
		{"series", -1}, {"size", 2}, {"double", 1}, {"again", 0}, {"first", -1}, {"used", -1}, {"fails", -1}, {"fails-too", -1},
	} {
		c := r.collect(t, test.step, test.index)
		w, err := r.write(t, c, repro.Place{Dir: t.TempDir(), Package: "lab", Expr: "Lab"}, repro.Options{Limit: 1 << 20})
		if err != nil {
			t.Errorf("%s: %v", test.step, err)
			continue
		}
		for _, in := range w.Contents {
			if !in.Copied {
				t.Errorf("%s: input %s was not copied", test.step, in.Name)
			}
		}
		report := r.perform(t, w.Dir)
		if c.Failed() {
			if report.Failure == nil || report.Failure.Message != c.Attempt.Error {
				t.Errorf("%s: %+v, and failed with %q", test.step, report.Failure, c.Attempt.Error)
			}
			continue
		}
		if report.Failure != nil {
			t.Errorf("%s: %s", test.step, report.Failure.Message)
			continue
		}
		for i, o := range c.Step.Outputs {
			if report.Outputs[i].Digest != o.Record.Digest {
				t.Errorf("%s: output %s is %s, and was %s", test.step, o.Name, report.Outputs[i].Digest, o.Record.Digest)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	r := newRecorded(t)
	for _, test := range []struct {
		step  string
		index int
		want  string
	}{
		{"none", -1, `there is no step "none"`},
		{"asks", -1, "step asks of run "},
		{"asks", -1, ": it waits for a person, and calls no function"},
		{"skipped", -1, "it has not been called: it is skipped, since condition series.Off is false"},
		{"after", -1, "it has not been called: it is cancelled: upstream step fails-too failed"},
		{"size", -1, "it is mapped over a list: name one of its elements, such as size[0]"},
		{"size", 3, "it has not been called: nothing of it is recorded"},
		{"series", 0, "it is not mapped over a list"},
	} {
		if _, err := repro.Collect(t.Context(), r.client.Metadata(), r.run, test.step, test.index); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %d: %v", test.step, test.index, err)
		}
	}
}

// The golden file shows what people get. Whatever an error holds, it is a Go file.
func TestGolden(t *testing.T) {
	t.Parallel()
	r := newRecorded(t)
	r.run.Driver.Program.Revision, r.run.Driver.Program.Modified = strings.Repeat("0a", 20), true
	w, err := r.write(t, r.collect(t, "fails", -1), repro.Place{Dir: t.TempDir(), Package: "lab", Expr: "Lab"}, repro.Options{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(w.File)
	if err != nil {
		t.Fatal(err)
	}
	got = []byte(strings.ReplaceAll(string(got), r.run.ID, "0199f3c2-7a1b-7000-8000-000000000000"))
	got = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d UTC`).ReplaceAll(got, []byte("2026-01-02 03:04 UTC"))
	golden := filepath.Join("testdata", "fails_repro_test.go.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is there already stays as it is, and nothing is half-written.
func TestWrite(t *testing.T) {
	t.Parallel()
	r := newRecorded(t)
	place := repro.Place{Dir: t.TempDir(), Package: "lab", Expr: "Lab"}
	c := r.collect(t, "size", 1)
	if _, err := r.write(t, c, place, repro.Options{Name: "a/b"}); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("a name that is none: %v", err)
	}
	empty(t, place.Dir)
	w, err := r.write(t, c, place, repro.Options{Name: "linux"})
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, place.Dir)
	if _, err := r.write(t, r.collect(t, "size", 0), place, repro.Options{Name: "linux"}); !errors.Is(err, component.ErrAlreadyExists) {
		t.Errorf("again: %v", err)
	}
	if diff := cmp.Diff(before, tree(t, place.Dir)); diff != "" {
		t.Errorf("a refusal changed something:\n%s", diff)
	}
	if _, err := r.write(t, r.collect(t, "size", 0), place, repro.Options{Name: "linux", Force: true, Limit: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if rec, err := repro.Read(w.Dir); err != nil || rec.Name() != "size[0]" {
		t.Errorf("after --force: %v, %v", rec, err)
	}
	if len(tree(t, place.Dir)) != 3 { // the test, its recording, the list
		t.Errorf("files: %v", tree(t, place.Dir))
	}

	// An input that is gone.
	store, err := r.client.Artifacts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), c.Inputs[0].Record.Digest); err != nil {
		t.Fatal(err)
	}
	before = tree(t, place.Dir)
	for _, limit := range []int64{0, 1 << 20} {
		other := repro.Place{Dir: t.TempDir(), Package: "lab", Expr: "Lab"}
		if _, err := r.write(t, c, other, repro.Options{Limit: limit}); !errors.Is(err, component.ErrNotFound) || !strings.Contains(err.Error(), "input Value: ") {
			t.Errorf("an input that is gone: %v", err)
		}
		empty(t, other.Dir)
		if _, err := r.write(t, c, place, repro.Options{Name: "linux", Force: true, Limit: limit}); err == nil {
			t.Error("a test was replaced by one without its input")
		}
	}
	if diff := cmp.Diff(before, tree(t, place.Dir)); diff != "" {
		t.Errorf("a failure changed something:\n%s", diff)
	}
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		return // everything may be written
	}
	if err := os.Chmod(place.Dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := r.write(t, r.collect(t, "double", 0), place, repro.Options{}); !errors.Is(err, component.ErrPermissionDenied) {
		t.Errorf("a directory that cannot be written: %v", err)
	}
}

// A copy that was damaged is not taken for the input.
func TestDamagedCopy(t *testing.T) {
	t.Parallel()
	r := newRecorded(t)
	c := r.collect(t, "size", 1)
	w, err := r.write(t, c, repro.Place{Dir: t.TempDir(), Package: "lab", Expr: "Lab"}, repro.Options{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.Dir, strings.Replace(string(c.Inputs[0].Record.Digest), ":", "-", 1))
	if err := os.WriteFile(file, []byte("another list"), 0o600); err != nil {
		t.Fatal(err)
	}
	rec, err := repro.Read(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = rec.Perform(t.Context(), r.program, repro.Surroundings{Dir: w.Dir, TempDir: t.TempDir(), Written: emptyStore(t), Logf: t.Logf})
	if !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), "input Value") {
		t.Errorf("the error is %v", err)
	}
}

func emptyStore(t *testing.T) artifact.Store {
	t.Helper()
	store, err := artifactlocal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func empty(t *testing.T, dir string) {
	t.Helper()
	if files := tree(t, dir); len(files) > 0 {
		t.Errorf("there are %v", files)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("there are %v, %v", entries, err)
	}
}

// tree is the content of all files below a directory by name.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
