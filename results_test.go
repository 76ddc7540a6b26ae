package tenon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/pipeline"
)

type elementIn struct {
	Element artifact.Ref[int]
}

type returned struct {
	Squares artifact.Ref[[]int]
	Text    artifact.Ref[string]
	File    artifact.Ref[artifact.File]
	Never   artifact.Ref[int]
}

type made struct {
	Numbers artifact.Ref[[]int]
	Text    artifact.Ref[string]
	File    artifact.Ref[artifact.File]
	No      artifact.Ref[bool]
}

// returning is a pipeline that returns all kinds of results, in a directory of the test.
func returning(dir string) *pipeline.Pipeline[squaresParams, returned] {
	return pipeline.Define("returning", func(p *pipeline.Builder, in squaresParams) returned {
		m := pipeline.Step(p, "make", func(_ context.Context, in squaresParams) (made, error) {
			file := filepath.Join(dir, "report.txt")
			return made{
				artifact.New([]int{1, 2, in.Count}), artifact.New(strings.Repeat("long", 2000)), artifact.New(artifact.File(file)), artifact.New(false),
			}, os.WriteFile(file, []byte("read me"), 0o600)
		}, in)
		squares := pipeline.Map(p, "square", func(_ context.Context, in elementIn) (artifact.Ref[int], error) {
			return artifact.New(in.Element.Value() * in.Element.Value()), nil
		}, m.Numbers, func(e artifact.Ref[int]) elementIn { return elementIn{e} })
		never := pipeline.Step(p, "never", fail, struct{}{}, pipeline.When(m.No))
		return returned{pipeline.Gather(squares, func(s artifact.Ref[int]) artifact.Ref[int] { return s }), m.Text, m.File, never}
	})
}

// What a run returned can be read by any process that has the pipeline.
func TestResultOfARecordedRun(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	p := returning(t.TempDir())
	run, err := p.Run(t.Context(), open(t, tenon.Config{Home: home}), squaresParams{Count: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); !errors.Is(err, pipeline.ErrSkipped) {
		t.Fatal(err)
	}
	client := open(t, tenon.Config{Home: home})
	out, err := p.Result(t.Context(), client, run.ID())
	if !errors.Is(err, pipeline.ErrSkipped) || !strings.Contains(err.Error(), "result Never") {
		t.Fatalf("the error is %v", err)
	}
	file, err := os.ReadFile(string(out.File.Value()))
	if err != nil || string(file) != "read me" || !slices.Equal(out.Squares.Value(), []int{1, 4, 9}) || len(out.Text.Value()) != 8000 {
		t.Errorf("got %v, %d bytes of text, %q in the file (%v)", out.Squares.Value(), len(out.Text.Value()), file, err)
	}
	if params, err := p.ParamsOf(t.Context(), client, run.ID()); err != nil || params.Count != 3 {
		t.Errorf("the parameters are %+v, %v", params, err)
	}
}

func TestResultThatIsNone(t *testing.T) {
	t.Parallel()
	client := open(t, tenon.Config{Home: t.TempDir()})
	broken := pipeline.Define("broken", func(p *pipeline.Builder, _ struct{}) artifact.Ref[int] {
		return pipeline.Step(p, "fail", fail, struct{}{})
	})
	failed, err := broken.Run(t.Context(), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = failed.Result(t.Context())
	started := make(chan struct{})
	slow := waiting(started)
	running, err := slow.Run(t.Context(), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	text := pipeline.Define("squares", func(p *pipeline.Builder, _ squaresParams) artifact.Ref[string] {
		return artifact.Ref[string]{}
	})
	named := pipeline.Define("squares", func(p *pipeline.Builder, _ squaresParams) struct{ Total artifact.Ref[int] } {
		return struct{ Total artifact.Ref[int] }{}
	})
	done, err := squares.Run(t.Context(), client, squaresParams{Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := done.Result(t.Context()); err != nil {
		t.Fatal(err)
	}
	result := func(_ any, err error) error { return err }
	for name, test := range map[string]struct {
		err  error
		code component.Code
		text string
	}{
		"no such run":    {result(slow.Result(t.Context(), client, "none")), component.NotFound, `run "none" does not exist`},
		"no client":      {result(slow.Result(t.Context(), nil, "none")), component.Invalid, "the client is nil"},
		"it runs":        {result(slow.Result(t.Context(), client, running.ID())), component.FailedPrecondition, "has no results yet: it is running"},
		"it failed":      {result(broken.Result(t.Context(), client, failed.ID())), component.Unknown, "failed: step fail: the disk is full of eels"},
		"other pipeline": {result(slow.Result(t.Context(), client, done.ID())), component.Invalid, "is of pipeline squares, not of waiting"},
		"other type":     {result(text.Result(t.Context(), client, done.ID())), component.Invalid, "result output is of type int, want string"},
		"other names":    {result(named.Result(t.Context(), client, done.ID())), component.Invalid, "has no result Total"},
	} {
		if test.err == nil || component.CodeOf(test.err) != test.code || !strings.Contains(test.err.Error(), test.text) {
			t.Errorf("%s: the error is %v, of code %s", name, test.err, component.CodeOf(test.err))
		}
	}
	if err := client.Cancel(t.Context(), running.ID(), tenon.Remark{}); err != nil {
		t.Fatal(err)
	}
	_, want := running.Result(t.Context())
	if _, err := slow.Result(t.Context(), client, running.ID()); !errors.Is(err, tenon.ErrCanceled) || fmt.Sprint(err) != fmt.Sprint(want) {
		t.Errorf("cancelled: %v, want %v", err, want)
	}
}
