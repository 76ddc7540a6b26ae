//go:build unix

package command_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type Bird struct {
	Species string
	Mass    int
}

func Observe(context.Context, struct{}) (artifact.Ref[[]Bird], error) {
	return artifact.New([]Bird{{"Gentoo", 5700}, {"Adelie", 3750}, {"Chinstrap", 3733}}), nil
}

type SortIn struct {
	Birds  artifact.Ref[[]Bird]
	Column int
}

// sorter keeps the header and sorts the lines behind it. A placeholder is one argument, whatever its value holds.
var sorter = command.Spec{
	Args: []string{"sh", "-c", `head -n 1 "$1"; tail -n +2 "$1" | sort -t , -k "$2"`, "sh", "{Birds:csv}", "{Column}"},
	// What the program prints is the output.
	Stdout: "{out:csv}",
}

type FirstIn struct{ Birds artifact.Ref[[]Bird] }

func First(_ context.Context, in FirstIn) (artifact.Ref[string], error) {
	return artifact.New(in.Birds.Value()[0].Species), nil
}

// A program between two steps in Go: it reads the rows of one as CSV, and what it writes becomes rows for the other.
func Example() {
	lightest := pipeline.Define("lightest", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
		birds := pipeline.Step(p, "observe", Observe, struct{}{})
		sorted := pipeline.Step(p, "sort", command.Run[artifact.Ref[[]Bird]], command.With(sorter, SortIn{Birds: birds, Column: 2}))
		return pipeline.Step(p, "first", First, FirstIn{Birds: sorted})
	})
	species, err := result(lightest)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(species.Value())
	// Output: Chinstrap
}

// A step that runs a program is called in a unit test like any step.
func ExampleRun() {
	birds := []Bird{{"Gentoo", 5700}, {"Adelie", 3750}}
	sorted, err := command.Run[artifact.Ref[[]Bird]](context.Background(), command.With(sorter, SortIn{Birds: artifact.New(birds), Column: 1}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sorted.Value())
	// Output: [{Adelie 3750} {Gentoo 5700}]
}

func Rates(context.Context, struct{}) (artifact.Ref[[]float64], error) {
	return artifact.New([]float64{0.5, 0.1}), nil
}

type TryIn struct{ Rate artifact.Ref[float64] }

type TryOut struct{ Note artifact.Ref[string] }

type JoinIn struct{ Notes artifact.Ref[[]string] }

func Join(_ context.Context, in JoinIn) (artifact.Ref[string], error) {
	return artifact.New(strings.Join(in.Notes.Value(), "")), nil
}

// A program runs once for each element of a list. An input in the form "value" is an argument instead of a file.
func ExampleWith() {
	try := command.Spec{Args: []string{"echo", "tried {Rate:value}"}, Stdout: "{out.Note}"}
	search := pipeline.Define("search", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
		rates := pipeline.Step(p, "rates", Rates, struct{}{})
		tries := pipeline.Map(p, "try", command.Run[TryOut], rates, func(rate artifact.Ref[float64]) command.Call[TryIn] {
			return command.With(try, TryIn{Rate: rate})
		})
		notes := pipeline.Gather(tries, func(o TryOut) artifact.Ref[string] { return o.Note })
		return pipeline.Step(p, "join", Join, JoinIn{Notes: notes})
	})
	notes, err := result(search)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(notes.Value())
	// Output:
	// tried 0.5
	// tried 0.1
}

type VersionIn struct {
	Version artifact.Ref[string]
	Text    string
}

// The version of a program is in the cache key of a step if it is an input of the step. The step that asks for it runs each time; what takes its
// output runs again only when the program answers otherwise.
func ExampleSpec() {
	ask := command.Spec{Args: []string{"uname", "-s"}, Stdout: "{out}"}
	work := command.Spec{
		Args:   []string{"echo", "{Text}"},
		Env:    map[string]string{"VERSION": "{Version:value}"}, // an input must be used
		Stdout: "{out}",
	}
	versioned := pipeline.Define("versioned", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
		version := pipeline.Step(p, "version", command.Run[artifact.Ref[string]], command.With(ask, struct{}{}), step.Config{Cache: step.Never})
		return pipeline.Step(p, "work", command.Run[artifact.Ref[string]], command.With(work, VersionIn{Version: version, Text: "done"}))
	})
	text, err := result(versioned)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(text.Value())
	// Output: done
}

// A mistake in a command is found when the pipeline is built, and says where it is.
func ExampleSpec_mistake() {
	wrong := pipeline.Define("wrong", func(p *pipeline.Builder, _ struct{}) artifact.Ref[[]Bird] {
		birds := pipeline.Step(p, "observe", Observe, struct{}{})
		spec := command.Spec{Args: []string{"sort", "{Bird}"}, Stdout: "{out:csv}"}
		return pipeline.Step(p, "sort", command.Run[artifact.Ref[[]Bird]], command.With(spec, SortIn{Birds: birds}))
	})
	_, err := wrong.Graph(struct{}{})
	for line := range strings.Lines(err.Error()) {
		_, mistake, found := strings.Cut(line, ": step ")
		if found {
			fmt.Print(mistake)
		}
	}
	// Output:
	// sort: field Command.Args[1]: {Bird}: there is no field Bird in the input: known are Birds, Column
	// sort: field In.Birds: the command does not use it: write {Birds} where its path belongs; to wait for a step use pipeline.After
	// sort: field In.Column: the command does not use it: write {Column} where its value belongs, or {params} for a file with all parameters
}

// result runs a pipeline in a temporary home and returns its result.
func result[Out any](p *pipeline.Pipeline[struct{}, Out]) (out Out, err error) {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "command-example-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(home)
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		return out, err
	}
	defer client.Close()
	run, err := p.Run(ctx, client, struct{}{})
	if err != nil {
		return out, err
	}
	return run.Result(ctx)
}
