package pipeline_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// result runs a pipeline in a temporary home and returns its result.
func result[P, Out any](p *pipeline.Pipeline[P, Out], params P) (out Out, err error) {
	err = withClient(func(ctx context.Context, client *tenon.Client) error {
		run, err := p.Run(ctx, client, params)
		if err != nil {
			return err
		}
		out, err = run.Result(ctx)
		return err
	})
	return out, err
}

// withClient calls do with a client on a temporary home.
func withClient(do func(context.Context, *tenon.Client) error) error {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "pipeline-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		return err
	}
	defer client.Close()
	return do(ctx, client)
}

type SplitIn struct{ Text string }

func Split(_ context.Context, in SplitIn) (artifact.Ref[[]string], error) {
	return artifact.New(strings.Fields(in.Text)), nil
}

type CountIn struct {
	Words artifact.Ref[[]string]
	Least int // letters
}

func Count(_ context.Context, in CountIn) (artifact.Ref[int], error) {
	n := 0
	for _, w := range in.Words.Value() {
		if len(w) >= in.Least {
			n++
		}
	}
	return artifact.New(n), nil
}

type Params struct {
	Text  string
	Least int
}

// A pipeline is a function that wires steps: what one returns is what the next one takes.
func ExampleDefine() {
	words := pipeline.Define("words", func(p *pipeline.Builder, in Params) artifact.Ref[int] {
		split := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		return pipeline.Step(p, "count", Count, CountIn{Words: split, Least: in.Least})
	}, pipeline.Doc("counts the long words of a text"), pipeline.Defaults(Params{Least: 5}))

	in := words.Params() // the defaults
	in.Text = "a tenon fits exactly one mortise"
	n, err := result(words, in)
	fmt.Println(n.Value(), err)
	// Output: 3 <nil>
}

// A step's name, its configuration and its conditions are said where it is wired.
func ExampleStep() {
	words := pipeline.Define("words", func(p *pipeline.Builder, in Params) artifact.Ref[int] {
		split := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		return pipeline.Step(p, "count", Count, CountIn{Words: split, Least: in.Least},
			step.Config{Retry: step.Retry{Attempts: 3}, Cache: step.Never})
	})
	g, err := words.Graph(Params{Text: "a tenon fits", Least: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(g)
	// Output:
	// pipeline words, 2 steps
	//
	// split
	//   param  Text    "a tenon fits"
	//   out    output  []string
	//
	// count
	//   param  Least   4
	//   in     Words   from split
	//   out    output  int
	//
	// results
	//   output = count  int
}

// Mistakes are found when the graph is built, all together, before anything runs.
func ExampleError() {
	words := pipeline.Define("words", func(p *pipeline.Builder, in Params) artifact.Ref[int] {
		pipeline.Step(p, "split it", Split, SplitIn{in.Text})
		return pipeline.Step(p, "count", Count, CountIn{Least: in.Least})
	})
	_, err := words.Graph(Params{})
	var mistakes *pipeline.Error
	if errors.As(err, &mistakes) {
		for _, m := range mistakes.Problems {
			fmt.Printf("step %s, field %q: %v\n", m.Step, m.Field, m.Err)
		}
	}
	// Output:
	// step split it, field "": name "split it": use at most 100 letters, digits, '.', '_' and '-', beginning with a letter or digit
	// step count, field "Words": the Ref is not set: pass the Ref that an earlier step returned
}

type LengthIn struct{ Word artifact.Ref[string] }

func Length(_ context.Context, in LengthIn) (artifact.Ref[int], error) {
	return artifact.New(len(in.Word.Value())), nil
}

type SquareIn struct{ N artifact.Ref[int] }

func Square(_ context.Context, in SquareIn) (artifact.Ref[int], error) {
	return artifact.New(in.N.Value() * in.N.Value()), nil
}

func itself(r artifact.Ref[int]) artifact.Ref[int] { return r }

// Map runs a step for each element of a list that another step made, Gather makes a list of the results.
func ExampleMap() {
	lengths := pipeline.Define("lengths", func(p *pipeline.Builder, in Params) artifact.Ref[[]int] {
		words := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		each := pipeline.Map(p, "length", Length, words, func(w artifact.Ref[string]) LengthIn { return LengthIn{w} })
		return pipeline.Gather(each, itself)
	})
	list, err := result(lengths, Params{Text: "a tenon fits exactly one mortise"})
	fmt.Println(list.Value(), err)
	none, err := result(lengths, Params{})
	fmt.Println(none.Value(), err)
	// Output:
	// [1 5 4 7 3 7] <nil>
	// [] <nil>
}

// Then continues each element as soon as it is done.
func ExampleThen() {
	squares := pipeline.Define("squares", func(p *pipeline.Builder, in Params) artifact.Ref[[]int] {
		words := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		lengths := pipeline.Map(p, "length", Length, words, func(w artifact.Ref[string]) LengthIn { return LengthIn{w} })
		squares := pipeline.Then(p, "square", Square, lengths, func(n artifact.Ref[int]) SquareIn { return SquareIn{n} })
		return pipeline.Gather(squares, itself)
	})
	list, err := result(squares, Params{Text: "a tenon fits"})
	fmt.Println(list.Value(), err)
	// Output: [1 25 16] <nil>
}

type LargeIn struct {
	N    artifact.Ref[int]
	Over int
}

type LargeOut struct{ Yes, No artifact.Ref[bool] }

func Large(_ context.Context, in LargeIn) (LargeOut, error) {
	yes := in.N.Value() > in.Over
	return LargeOut{artifact.New(yes), artifact.New(!yes)}, nil
}

type TellIn struct {
	N    artifact.Ref[int]
	What string
}

func Tell(_ context.Context, in TellIn) (artifact.Ref[string], error) {
	return artifact.New(fmt.Sprintf("%s: %d", in.What, in.N.Value())), nil
}

// When makes a step conditional, FirstOf joins alternatives.
func ExampleWhen() {
	report := pipeline.Define("report", func(p *pipeline.Builder, in Params) artifact.Ref[string] {
		words := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		n := pipeline.Step(p, "count", Count, CountIn{Words: words})
		large := pipeline.Step(p, "large", Large, LargeIn{N: n, Over: 3})
		long := pipeline.Step(p, "long", Tell, TellIn{N: n, What: "long"}, pipeline.When(large.Yes))
		short := pipeline.Step(p, "short", Tell, TellIn{N: n, What: "short"}, pipeline.When(large.No))
		return pipeline.FirstOf(p, long, short)
	})
	for _, text := range []string{"a tenon", "a tenon fits exactly one mortise"} {
		told, err := result(report, Params{Text: text})
		fmt.Println(told.Value(), err)
	}
	// Output:
	// short: 2 <nil>
	// long: 6 <nil>
}

// A result whose step was skipped has no value.
func ExampleWhen_skipped() {
	report := pipeline.Define("report", func(p *pipeline.Builder, in Params) artifact.Ref[string] {
		words := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		n := pipeline.Step(p, "count", Count, CountIn{Words: words})
		large := pipeline.Step(p, "large", Large, LargeIn{N: n, Over: 3})
		return pipeline.Step(p, "long", Tell, TellIn{N: n, What: "long"}, pipeline.When(large.Yes))
	})
	_, err := result(report, Params{Text: "a tenon"})
	fmt.Println(errors.Is(err, pipeline.ErrSkipped))
	// Output: true
}

// A pipeline can be a part of another.
func ExampleSub() {
	count := pipeline.Define("count", func(p *pipeline.Builder, in Params) artifact.Ref[int] {
		words := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		return pipeline.Step(p, "count", Count, CountIn{Words: words, Least: in.Least})
	})
	both := pipeline.Define("both", func(p *pipeline.Builder, in Params) artifact.Ref[string] {
		short := pipeline.Sub(p, "short", count, in)
		pipeline.Sub(p, "long", count, Params{Text: in.Text, Least: 5})
		return pipeline.Step(p, "tell", Tell, TellIn{N: short, What: "words"})
	})
	g, err := both.Graph(Params{Text: "a tenon fits"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(g.Mermaid())
	// Output:
	// flowchart TD
	//   n0["short/split"]
	//   n1["short/count"]
	//   n2["long/split"]
	//   n3["long/count"]
	//   n4["tell"]
	//   n0 -->|"Words"| n1
	//   n2 -->|"Words"| n3
	//   n1 -->|"N"| n4
}

// Use takes what an earlier run of another pipeline made: in the newest version, or in one that is named.
func ExampleUse() {
	split := pipeline.Define("split", func(p *pipeline.Builder, in Params) artifact.Ref[[]string] {
		return pipeline.Step(p, "split", Split, SplitIn{in.Text})
	})
	count := pipeline.Define("count", func(p *pipeline.Builder, in Params) artifact.Ref[int] {
		return pipeline.Step(p, "count", Count, CountIn{Words: pipeline.Use[[]string](p, "split/output@latest"), Least: in.Least})
	})
	err := withClient(func(ctx context.Context, client *tenon.Client) error {
		_, err := count.Run(ctx, client, Params{})
		fmt.Println(err)
		for _, text := range []string{"a tenon", "a tenon fits exactly one mortise"} {
			words, err := split.Run(ctx, client, Params{Text: text})
			if err != nil {
				return err
			}
			if _, err := words.Result(ctx); err != nil {
				return err
			}
			counted, err := count.Run(ctx, client, Params{})
			if err != nil {
				return err
			}
			n, err := counted.Result(ctx)
			if err != nil {
				return err
			}
			fmt.Println(n.Value())
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// plan pipeline count: use artifact split/output@latest: no run of pipeline split has made a named artifact yet: run it first; its results are named when it succeeds, but for lists that pipeline.Gather made
	// 2
	// 6
}

// Publish is a step with an effect outside, which its input makes wait for a person.
func Publish(_ context.Context, in PublishIn) (artifact.Ref[string], error) {
	return artifact.New(fmt.Sprintf("published %d, approved by %s", in.N.Value(), in.Approval.Value().By)), nil
}

type PublishIn struct {
	N        artifact.Ref[int]
	Approval artifact.Ref[pipeline.Approval]
}

// Wait asks a person, who answers with "tenon run approve" or "tenon run reject".
func ExampleWait() {
	published := pipeline.Define("published", func(p *pipeline.Builder, in Params) artifact.Ref[string] {
		words := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		n := pipeline.Step(p, "count", Count, CountIn{Words: words})
		approval := pipeline.Wait(p, "review", "Publish this number?", SquareIn{n}, step.Config{Timeout: 24 * time.Hour})
		return pipeline.Step(p, "publish", Publish, PublishIn{N: n, Approval: approval})
	})
	g, err := published.Graph(Params{Text: "a tenon fits"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(g.Mermaid())
	// Output:
	// flowchart TD
	//   n0["split"]
	//   n1["count"]
	//   n2{{"review"}}
	//   n3["publish"]
	//   n0 -->|"Words"| n1
	//   n1 -->|"N"| n2
	//   n1 -->|"N"| n3
	//   n2 -->|"Approval"| n3
}

type CleanIn struct{ Dir string }

func Clean(_ context.Context, _ CleanIn) (struct{}, error) { return struct{}{}, nil }

// After orders steps that exchange nothing.
func ExampleAfter() {
	ordered := pipeline.Define("ordered", func(p *pipeline.Builder, in CleanIn) artifact.Ref[[]string] {
		pipeline.Step(p, "clean", Clean, in)
		return pipeline.Step(p, "split", Split, SplitIn{"a b"}, pipeline.After("clean"))
	})
	g, err := ordered.Graph(CleanIn{"/tmp/out"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(g.Mermaid())
	// Output:
	// flowchart TD
	//   n0["clean"]
	//   n1["split"]
	//   n0 -.->|"after"| n1
}

// Point has a form of its own, which no built-in codec keeps.
type Point struct{ x, y uint32 }

type PlotIn struct{ X, Y uint32 }

func Plot(_ context.Context, in PlotIn) (artifact.Ref[Point], error) {
	return artifact.New(Point{in.X, in.Y}), nil
}

type NormIn struct{ Point artifact.Ref[Point] }

func Norm(_ context.Context, in NormIn) (artifact.Ref[uint32], error) {
	p := in.Point.Value()
	return artifact.New(p.x + p.y), nil
}

// A codec teaches a pipeline how to store a type.
func ExampleCodecs() {
	points := artifact.Codec[Point]{
		Name: "example/point", Version: 1,
		Encode: func(w io.Writer, p Point) error { return binary.Write(w, binary.LittleEndian, [2]uint32{p.x, p.y}) },
		Decode: func(r io.Reader) (Point, error) {
			var v [2]uint32
			err := binary.Read(r, binary.LittleEndian, &v)
			return Point{v[0], v[1]}, err
		},
	}
	norm := pipeline.Define("norm", func(p *pipeline.Builder, in PlotIn) artifact.Ref[uint32] {
		return pipeline.Step(p, "norm", Norm, NormIn{pipeline.Step(p, "plot", Plot, in)})
	}, pipeline.Codecs(points))
	n, err := result(norm, PlotIn{3, 4})
	fmt.Println(n.Value(), err)
	// Output: 7 <nil>
}

// The graph is a value: it prints as text, JSON, DOT and Mermaid, and has a digest that does not depend on how the program was built.
func ExamplePipeline_Graph() {
	words := pipeline.Define("words", func(p *pipeline.Builder, in Params) artifact.Ref[int] {
		split := pipeline.Step(p, "split", Split, SplitIn{in.Text})
		return pipeline.Step(p, "count", Count, CountIn{Words: split, Least: in.Least})
	})
	g, err := words.Graph(Params{Text: "a tenon fits", Least: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(g.DOT())
	// Output:
	// digraph "words" {
	//   rankdir=TB;
	//   node [shape=box, style=rounded, fontname="Helvetica"];
	//   edge [fontname="Helvetica", fontsize=10];
	//   "split" [label="split"];
	//   "count" [label="count"];
	//   "split" -> "count" [label="Words"];
	// }
}
