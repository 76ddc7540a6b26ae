package command_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

var update = flag.Bool("update", false, "write golden files")

type trainIn struct {
	Rows   artifact.Ref[[]row]
	Script artifact.Source
	LR     float64
}

type trainOut struct {
	Model artifact.Ref[artifact.File]
	Score artifact.Ref[float64]
}

type hidden struct {
	x int //nolint:unused // it is what the test is about
}

type noisy struct{ C chan int }

// args wires a step that trains with a command of these arguments.
func args(args ...string) func(*pipeline.Builder) {
	return spec(command.Spec{Args: args})
}

func spec(s command.Spec) func(*pipeline.Builder) {
	return func(p *pipeline.Builder) { train(p, s) }
}

func train(p *pipeline.Builder, s command.Spec) {
	rows := pipeline.Step(p, "rows", command.Run[rowsOut], command.With(command.Spec{Args: []string{"make", "{out.Rows}"}}, struct{}{}))
	pipeline.Step(p, "train", command.Run[trainOut], command.With(s, trainIn{Rows: rows.Rows, Script: artifact.From("train.py")}))
}

// wrong wires a step with input In and output Out.
func wrong[Out, In any](in In, args ...string) func(*pipeline.Builder) {
	return func(p *pipeline.Builder) {
		pipeline.Step(p, "wrong", command.Run[Out], command.With(command.Spec{Args: append([]string{"program"}, args...)}, in))
	}
}

var all = []string{"python3", "{Script}", "{Rows}", "{LR}", "{out.Model}", "{out.Score}"}

// mistakes are commands that must not build; each one's golden text tells its reader what to do.
var mistakes = map[string]func(*pipeline.Builder){
	"nothing":           args(),
	"no program":        args(append([]string{""}, all...)...),
	"unused":            args("python3", "{Script}"),
	"unknown":           args(append(all, "{Row}", "{out.Modell}", "{out}", "{param}")...),
	"form":              args(append(all, "{Rows:xml}", "{LR:json}", "{Script:csv}", "{params:x}")...),
	"form of output":    args("python3", "{Script}", "{Rows}", "{LR}", "{out.Model}", "{out.Score:value}"),
	"file name":         args("python3", "{Script}", "{Rows}", "{LR}", "{out.Model:../model}", "{out.Score}"),
	"two ways":          args(append(all, "{out.Model:model.onnx}")...),
	"one file name":     args("python3", "{Script}", "{Rows}", "{LR}", "{out.Model:Score.json}", "{out.Score}"),
	"braces":            args(append(all, "{Rows", "Rows}", "{print $1}", "{}", "{Rows:}", "{{{Rows}}")...),
	"nul":               args(append(all, "a\x00b")...),
	"stdin":             spec(command.Spec{Args: all, Stdin: "rows: {Rows}"}),
	"stdin of value":    spec(command.Spec{Args: all, Stdin: "{LR}"}),
	"stdin of output":   spec(command.Spec{Args: all, Stdin: "{out.Model}"}),
	"stdout of input":   spec(command.Spec{Args: all, Stdout: "{Rows}"}),
	"stdout of nothing": spec(command.Spec{Args: all, Stdout: "{out.Nothing}"}),
	"environment":       spec(command.Spec{Args: all, Env: map[string]string{"": "x", "A=B": "x", "OK": "{Nope}", "TENON_REPORT": "x"}, Inherit: []string{"TENON_COMMAND", "a\x00"}}),
	"files": spec(command.Spec{Args: all, Files: map[string]artifact.Source{
		"../up.py": artifact.From("x"), "/abs.py": artifact.From("x"), "a": artifact.From("x"), "a/b.py": artifact.From("x"), "": artifact.From("x"), "a//b": artifact.From("x"),
	}}),
	"no source": spec(command.Spec{Args: all, Files: map[string]artifact.Source{"train.py": {}}}),
	"list of refs": func(p *pipeline.Builder) {
		type in struct{ Parts []artifact.Ref[artifact.File] }
		pipeline.Step(p, "wrong", command.Run[struct{}], command.With(command.Spec{Args: []string{"cat", "{Parts}"}}, in{}))
	},
	"lost in JSON":     wrong[artifact.Ref[hidden]](struct{}{}, "{out}"),
	"no form in JSON":  wrong[struct{ N artifact.Ref[noisy] }](struct{}{}, "{out.N}"),
	"lost parameter":   wrong[struct{}](struct{ F func() }{}, "{params}"),
	"input no struct":  wrong[struct{}](3),
	"output no struct": wrong[int](struct{}{}),
	"single output":    wrong[artifact.Ref[int]](struct{}{}),
	"unset":            wrong[struct{}](struct{ X artifact.Ref[int] }{}, "{X}"),
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	line := regexp.MustCompile(`mistakes_test\.go:\d+`)
	for _, name := range slices.Sorted(maps.Keys(mistakes)) {
		_, err := pipeline.Define("p", func(p *pipeline.Builder, _ struct{}) struct{} {
			mistakes[name](p)
			return struct{}{}
		}).Graph(struct{}{})
		if !errors.Is(err, component.ErrInvalid) {
			t.Errorf("%s: the error is %v", name, err)
			continue
		}
		fmt.Fprintf(&got, "== %s\n%s\n", name, line.ReplaceAllString(err.Error(), "mistakes_test.go:N"))
	}
	const file = "testdata/mistakes.txt"
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

// What is no mistake when the pipeline is built is none when the step is called, and the other way round.
func TestMistakeInCall(t *testing.T) {
	t.Parallel()
	_, err := command.Run[trainOut](t.Context(), command.With(command.Spec{Args: []string{"python3"}}, trainIn{}))
	if !errors.Is(err, component.ErrInvalid) || !step.IsPermanent(err) || err.Error() != "command: In.Rows: the command does not use it: write {Rows} where its path belongs; to wait for a step use pipeline.After" {
		t.Errorf("the error is %v", err)
	}
	type in struct{ X artifact.Ref[int] }
	_, err = command.Run[struct{}](t.Context(), command.With(deed("nothing", "{X}"), in{}))
	if !errors.Is(err, component.ErrInvalid) || !step.IsPermanent(err) || err.Error() != "input X: the Ref has no value: make it with artifact.New" {
		t.Errorf("the error is %v", err)
	}
}
