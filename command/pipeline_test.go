package command_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// ran is what is recorded of a run.
type ran struct {
	steps   map[string]metadata.Step
	metrics []metadata.Metric
	lines   []logs.Line
	err     error
}

func runWith[P, Out any](t *testing.T, client *tenon.Client, p *pipeline.Pipeline[P, Out], params P, config ...pipeline.RunConfig) ran {
	t.Helper()
	run, err := p.Run(t.Context(), client, params, config...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Result(t.Context())
	r := ran{steps: map[string]metadata.Step{}, err: err}
	store := client.Metadata()
	steps, err := store.Steps(t.Context(), metadata.StepQuery{Run: run.ID()})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps.Items {
		r.steps[s.Step] = s
	}
	metrics, err := store.Metrics(t.Context(), metadata.MetricQuery{Run: run.ID()})
	if err != nil {
		t.Fatal(err)
	}
	r.metrics = metrics.Items
	attempts, err := store.Attempts(t.Context(), metadata.AttemptQuery{Run: run.ID()})
	if err != nil {
		t.Fatal(err)
	}
	content, err := client.Artifacts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attempts.Items {
		for line, err := range logs.Read(t.Context(), content, a.Logs) {
			if err != nil {
				t.Fatal(err)
			}
			r.lines = append(r.lines, line)
		}
	}
	return r
}

func (r ran) states() map[string]metadata.StepState {
	states := map[string]metadata.StepState{}
	for name, s := range r.steps {
		states[name] = s.State
	}
	return states
}

func (r ran) log() string {
	var b strings.Builder
	for _, l := range r.lines {
		fmt.Fprintf(&b, "%v %s\n", l.Level, l.Message)
	}
	return b.String()
}

type chainParams struct {
	File   artifact.Source
	Script artifact.Source
	Word   string
	Env    string
}

type firstIn struct{ Script artifact.Source }

type secondIn struct {
	Text artifact.Ref[string]
	Word string
}

type lengthIn struct {
	Texts [2]artifact.Ref[string]
}

func length(_ context.Context, in lengthIn) (artifact.Ref[int], error) {
	return artifact.New(len(in.Texts[0].Value()) + len(in.Texts[1].Value())), nil
}

// chain copies a script, prints what it and a word say, and counts the bytes in Go.
var chain = pipeline.Define("chain", func(p *pipeline.Builder, in chainParams) artifact.Ref[int] {
	first := pipeline.Step(p, "first", command.Run[artifact.Ref[string]], command.With(deed("copy", "{Script}", "{out}"), firstIn{in.Script}))
	spec := deed("copy", "data/file", "{out.A}", "{Text}", "{out.B}")
	spec.Files = map[string]artifact.Source{"data/file": in.File}
	spec.Env = map[string]string{"WORD": "{Word}", "OTHER": in.Env}
	type out struct{ A, B artifact.Ref[string] }
	second := pipeline.Step(p, "second", command.Run[out], command.With(spec, secondIn{first, in.Word}))
	return pipeline.Step(p, "length", length, lengthIn{[2]artifact.Ref[string]{second.A, second.B}})
})

// An edit recomputes what comes after it, and nothing else.
func TestCache(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	script := filepath.Join(t.TempDir(), "script")
	write := func(text string) {
		if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	params := chainParams{File: artifact.FromBytes("file", []byte("content")), Script: artifact.From(script), Word: "w"}
	const done, cached = metadata.StepSucceeded, metadata.StepCached
	for _, c := range []struct {
		what                  string
		change                func()
		first, second, length metadata.StepState
	}{
		{"first run", func() {}, done, done, done},
		{"nothing", func() {}, cached, cached, cached},
		{"the script", func() { write("two") }, done, done, done},
		{"the script back", func() { write("one") }, cached, cached, cached},
		{"the name of a file in the program", func() { params.File = artifact.FromBytes("other", []byte("content")) }, cached, done, cached},
		{"a file in the program", func() { params.File = artifact.FromBytes("other", []byte("longer content")) }, cached, done, done},
		{"a parameter", func() { params.Word = "x" }, cached, done, cached},
		{"the environment", func() { params.Env = "x" }, cached, done, cached},
		{"nothing again", func() {}, cached, cached, cached},
	} {
		c.change()
		r := runWith(t, client, chain, params)
		want := map[string]metadata.StepState{"first": c.first, "second": c.second, "length": c.length}
		if diff := cmp.Diff(want, r.states()); diff != "" || r.err != nil {
			t.Errorf("%s changed: %v\n%s", c.what, r.err, diff)
		}
	}
}

// In processes of their own, steps do the same.
func TestWorkers(t *testing.T) {
	t.Parallel()
	params := chainParams{File: artifact.FromBytes("file", []byte("content")), Script: artifact.FromBytes("script", []byte("print")), Word: "w"}
	digests := func(config pipeline.RunConfig) map[string]artifact.Digest {
		r := runWith(t, pipelinetest.Open(t), chain, params, config)
		if r.err != nil {
			t.Fatal(r.err)
		}
		all := map[string]artifact.Digest{}
		for _, s := range r.steps {
			for _, o := range s.Outputs {
				all[s.Step+"."+o.Name] = o.Record.Digest
			}
		}
		return all
	}
	want := digests(pipeline.RunConfig{})
	if diff := cmp.Diff(want, digests(inWorkers)); diff != "" || len(want) != 4 {
		t.Error(diff)
	}
}

// inWorkers is the configuration of a run whose steps run in processes of their own.
var inWorkers = pipeline.RunConfig{Steps: step.Configs{"*": {Runner: "process"}}}

type stuckParams struct{ Path string }

// stuck waits for ever, with a child, and tells their numbers and that of what started them.
var stuck = pipeline.Define("stuck", func(p *pipeline.Builder, in stuckParams) struct{} {
	spec := command.Spec{Args: []string{"sh", "-c", `sleep 1000 & echo $$ $! $PPID > "$1"; wait`, "sh", "{Path}"}}
	return pipeline.Step(p, "run", command.Run[struct{}], command.With(spec, in))
})

type scoreIn struct{ N artifact.Ref[int] }

type joinIn struct {
	Parts artifact.Ref[[]artifact.File]
	Ns    artifact.Ref[[]int]
}

// A command can be mapped, continued and gathered like any step.
func TestMap(t *testing.T) {
	t.Parallel()
	p := pipeline.Define("map", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
		ns := pipeline.Step(p, "numbers", command.Run[artifact.Ref[[]int]], command.With(deed("write", "{out}", "[1, 20, 300]"), struct{}{}))
		type part struct{ File artifact.Ref[artifact.File] }
		parts := pipeline.Map(p, "part", command.Run[part], ns, func(n artifact.Ref[int]) command.Call[scoreIn] {
			return command.With(deed("write", "{out.File:part.txt}", "part {N:value}"), scoreIn{n})
		})
		type copyIn struct{ File artifact.Ref[artifact.File] }
		copies := pipeline.Then(p, "copy", command.Run[part], parts, func(o part) command.Call[copyIn] {
			return command.With(deed("copy", "{File}", "{out.File}"), copyIn(o))
		})
		files := pipeline.Gather(copies, func(o part) artifact.Ref[artifact.File] { return o.File })
		return pipeline.Step(p, "join", command.Run[artifact.Ref[string]], command.With(deed("write", "{out}", "{Ns:value} {Parts:value}"), joinIn{files, ns}))
	})
	text := pipelinetest.Run(t, p, struct{}{}).Value()
	if !strings.HasPrefix(text, "[1,20,300] [\"") || strings.Count(text, "File\"") != 3 {
		t.Errorf("it is %s", text)
	}
}

// The version of a program is in the cache key if it is an input.
func TestVersionAsInput(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	version := filepath.Join(t.TempDir(), "version")
	type in struct{ Version artifact.Ref[string] }
	p := pipeline.Define("versions", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
		v := pipeline.Step(p, "version", command.Run[artifact.Ref[string]], command.With(deed("copy", version, "{out}"), struct{}{}), step.Config{Cache: step.Never})
		spec := deed("write", "{out}", "x")
		spec.Env = map[string]string{"VERSION": "{Version:value}"}
		return pipeline.Step(p, "work", command.Run[artifact.Ref[string]], command.With(spec, in{v}))
	})
	for i, want := range []metadata.StepState{metadata.StepSucceeded, metadata.StepCached, metadata.StepSucceeded} {
		if err := os.WriteFile(version, []byte("python 3."+strconv.Itoa(i/2)), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := runWith(t, client, p, struct{}{}); got.steps["work"].State != want || got.steps["version"].State != metadata.StepSucceeded {
			t.Errorf("run %d: %v, want %v", i, got.states(), want)
		}
	}
}

// simple is a pipeline of one step without inputs and outputs.
func simple(spec command.Spec, opts ...step.Option) *pipeline.Pipeline[struct{}, struct{}] {
	return pipeline.Define("simple", func(p *pipeline.Builder, _ struct{}) struct{} {
		return pipeline.Step(p, "run", command.Run[struct{}], command.With(spec, struct{}{}), opts...)
	})
}

func TestReports(t *testing.T) {
	t.Parallel()
	lines := []string{
		"::tenon metric loss=0.5", "::tenon metric a=b c=-1e-3", "::tenon  metric  nan = NaN ", "::tenon progress 3/10", "::tenon progress 4",
		"::tenon", "::tenon metric", "::tenon metric x", "::tenon metric =1", "::tenon metric x=one", "::tenon metric " + strings.Repeat("n", 201) + "=1",
		"::tenon progress -1/2", "::tenon progress 1/x", "::tenon progress 99999999999999999999", "::tenon cake", "::tenon metric x=", "::tenon metric y=1e999", "::tenon \xff",
	}
	want := map[string]float64{"loss": 0.5, "a=b c": -1e-3}
	for how, spec := range map[string]command.Spec{
		"printed": deed("print", append(lines, "::tenonic", " ::tenon metric no=1")...),
		"file":    deed("report", append(lines, "", "metric no=1")...),
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := runWith(t, pipelinetest.Open(t), simple(spec), struct{}{})
			if r.err != nil {
				t.Fatal(r.err)
			}
			got := map[string]float64{}
			for _, m := range r.metrics {
				got[m.Name] = m.Value
			}
			if x := got["nan"]; x == x {
				t.Errorf("nan is %v", x)
			}
			delete(got, "nan")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			text := r.log()
			if n := strings.Count(text, "WARN a report is malformed: "); n != 10 || strings.Count(text, "WARN more reports are malformed") != 1 {
				t.Errorf("%d are malformed in\n%s", n, text)
			}
			if how == "printed" && (!strings.Contains(text, "INFO ::tenonic\n") || !strings.Contains(text, "INFO  ::tenon metric no=1\n")) {
				t.Errorf("the log is\n%s", text)
			}
		})
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	spec := deed("fail", "to stderr", "\xffnot UTF-8", "  10%\r 100%\r", strings.Repeat("long", 20_000), "")
	r := runWith(t, pipelinetest.Open(t), simple(spec), struct{}{})
	var got []string
	for _, l := range r.lines {
		if l.Level != slog.LevelWarn {
			t.Errorf("level %v: %s", l.Level, l.Message)
		}
		got = append(got, fmt.Sprintf("%.20s %d", l.Message, len(l.Message)))
	}
	want := []string{"to stderr 9", "\uFFFDnot UTF-8 12", " 100% 5", "longlonglonglonglong 32768", "longlonglonglonglong 32768", "longlonglonglonglong 14464", " 0", "failed 6"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The error shows what was printed last, and is bounded.
	if text := r.err.Error(); !errors.Is(r.err, component.ErrFailedPrecondition) || !strings.Contains(text, "failed (exit status 3); the last it printed:\n    to stderr\n    \uFFFDnot UTF-8\n     100%\n    longlong") ||
		!strings.HasSuffix(text, "long...\n    failed") || len(text) > 2500 {
		t.Errorf("the error has %d bytes: %v", len(text), r.err)
	}
}

// 100 MB on two streams cost no memory, in whatever lines they come.
func TestFlood(t *testing.T) {
	// Not parallel: it measures the memory of the process, and replaces the default logger.
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(before) })
	for _, size := range [][2]string{{"50000", "1000"}, {"1", "50000000"}, {"500000", "2"}} {
		var m [2]runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m[0])
		if _, err := command.Run[struct{}](t.Context(), command.With(deed("flood", size[0], size[1]), struct{}{})); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&m[1])
		if grown := int64(m[1].HeapSys) - int64(m[0].HeapSys); grown > 32<<20 {
			t.Errorf("%v: %d MiB were used", size, grown>>20)
		}
	}
}
