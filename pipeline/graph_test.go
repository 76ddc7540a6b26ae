package pipeline_test

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type row struct {
	Name  string
	Value float64
}

type loadIn struct {
	CSV   artifact.Source
	Since time.Time
	Limit *int
}

type loadOut struct {
	Train, Test artifact.Ref[[]row]
	Grid        artifact.Ref[[]float64]
}

func load(context.Context, loadIn) (loadOut, error) {
	return loadOut{
		artifact.New([]row{{"a", 1}, {"b", math.NaN()}}), artifact.New([]row{{"c", 3}}),
		artifact.New([]float64{0.1, 0.2}),
	}, nil
}

type nested struct {
	ByName map[string][]artifact.Ref[[]row]
	Weight float64
}

type fitIn struct {
	Rows artifact.Ref[[]row]
	Rate artifact.Ref[float64]
	Deep nested
	More *nested
	Tags []string
}

type model struct{ W []float64 }

func fit(_ context.Context, in fitIn) (artifact.Ref[model], error) {
	return artifact.New(model{[]float64{in.Rate.Value(), float64(len(in.Rows.Value()))}}), nil
}

type scoreIn struct {
	Model artifact.Ref[model]
	Rows  artifact.Ref[[]row]
}

type scoreOut struct {
	Score artifact.Ref[float64]
	Good  artifact.Ref[bool]
}

func score(_ context.Context, in scoreIn) (scoreOut, error) {
	s := in.Model.Value().W[0] * float64(len(in.Rows.Value()))
	return scoreOut{artifact.New(s), artifact.New(s > 0.15)}, nil
}

type bestIn struct{ Scores artifact.Ref[[]float64] }

func best(_ context.Context, in bestIn) (scoreOut, error) {
	top := 0.0
	for _, s := range in.Scores.Value() {
		top = math.Max(top, s)
	}
	return scoreOut{artifact.New(top), artifact.New(top > 0.15)}, nil
}

type textIn struct {
	Score artifact.Ref[float64]
	Text  string
}

func say(_ context.Context, in textIn) (artifact.Ref[string], error) {
	return artifact.New(in.Text), nil
}

type everythingParams struct {
	CSV  artifact.Source
	Text string
}

type everythingOut struct {
	Scores artifact.Ref[[]float64]
	Word   artifact.Ref[string]
}

// everything uses each way of wiring once.
var everything = pipeline.Define("everything", func(p *pipeline.Builder, in everythingParams) everythingOut {
	data := pipeline.Step(p, "load", load, loadIn{CSV: in.CSV, Since: time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)})
	models := pipeline.Map(p, "fit", fit, data.Grid, func(rate artifact.Ref[float64]) fitIn {
		return fitIn{
			Rows: data.Train, Rate: rate, Tags: []string{},
			Deep: nested{ByName: map[string][]artifact.Ref[[]row]{"x y": {data.Test, data.Train}, "a": nil}, Weight: math.Inf(1)},
		}
	}, step.Config{Tolerate: step.Tolerance{Count: 1}})
	scores := pipeline.Then(p, "score", score, models, func(m artifact.Ref[model]) scoreIn {
		return scoreIn{Model: m, Rows: data.Test}
	})
	list := pipeline.Gather(scores, func(o scoreOut) artifact.Ref[float64] { return o.Score })
	top := pipeline.Step(p, "best", best, bestIn{list})
	yes := pipeline.Step(p, "yes", say, textIn{top.Score, in.Text}, pipeline.When(top.Good))
	no := pipeline.Sub(p, "otherwise", sayNo, sayNoParams{})
	return everythingOut{list, pipeline.FirstOf(p, yes, no)}
}, pipeline.Defaults(everythingParams{CSV: artifact.From("testdata/rows.csv"), Text: "good"}))

type sayNoParams struct{}

var sayNo = pipeline.Define("say-no", func(p *pipeline.Builder, _ sayNoParams) artifact.Ref[string] {
	first := pipeline.Step(p, "first", makeNumber, none{})
	zero := pipeline.Step(p, "zero", func(_ context.Context, in numberIn) (artifact.Ref[float64], error) {
		return artifact.New(float64(in.X.Value())), nil
	}, numberIn{first})
	return pipeline.Step(p, "say", say, textIn{zero, "no"}, pipeline.After("first"))
})

type deployIn struct {
	Model    artifact.Ref[model]
	Approval artifact.Ref[pipeline.Approval]
}

type reviewIn struct {
	Best  scoreOut
	Where string
}

type reviewedOut struct {
	Model    artifact.Ref[model]
	Approval artifact.Ref[pipeline.Approval]
}

// reviewed uses artifacts of earlier runs in each place where a Ref may stand, and waits for a person.
var reviewed = pipeline.Define("reviewed", func(p *pipeline.Builder, _ none) reviewedOut {
	old := pipeline.Use[model](p, "everything/Model@3")
	rows := pipeline.Use[[]row](p, "rows/Test")
	scores := pipeline.Map(p, "score", score, pipeline.Use[[]model](p, "everything/Models@latest"), func(m artifact.Ref[model]) scoreIn {
		return scoreIn{Model: m, Rows: rows}
	})
	top := pipeline.Step(p, "best", best, bestIn{pipeline.Gather(scores, func(o scoreOut) artifact.Ref[float64] { return o.Score })},
		pipeline.When(pipeline.Use[bool](p, "everything/Good")))
	refit := pipeline.Step(p, "refit", fit, fitIn{Rows: rows, Rate: top.Score})
	approval := pipeline.Wait(p, "review", "Deploy the best model?", reviewIn{top, "production"})
	chosen := pipeline.FirstOf(p, refit, old)
	pipeline.Step(p, "deploy", ignore[deployIn], deployIn{chosen, approval})
	return reviewedOut{old, approval}
})

func TestGoldenGraph(t *testing.T) {
	t.Parallel()
	goldenGraph(t, everything, everything.Params())
	goldenGraph(t, reviewed, none{})
}

func goldenGraph[P, Out any](t *testing.T, p *pipeline.Pipeline[P, Out], params P) {
	t.Helper()
	g, err := p.Graph(params)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("testdata", p.Name())
	golden(t, filepath.Join(dir, "graph.json"), string(body)+"\n")
	golden(t, filepath.Join(dir, "graph.dot"), g.DOT())
	golden(t, filepath.Join(dir, "graph.mmd"), g.Mermaid())
	golden(t, filepath.Join(dir, "graph.txt"), g.String())

	digest, err := g.Digest()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(dir, "digest.txt"), digest+"\n")
	parsed, err := graph.Parse(body)
	if err != nil {
		t.Fatalf("the golden graph is refused: %v", err)
	}
	if again, _ := parsed.Digest(); string(again) != digest {
		t.Errorf("reading the graph changes its digest: %s, want %s", again, digest)
	}
}

func TestGraphDependsOnParameters(t *testing.T) {
	t.Parallel()
	digest := func(p everythingParams) string {
		g, err := everything.Graph(p)
		if err != nil {
			t.Fatal(err)
		}
		d, err := g.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	params := everything.Params()
	if digest(params) != digest(everything.Params()) {
		t.Error("the same parameters give two digests")
	}
	params.Text = "better"
	if digest(params) == digest(everything.Params()) {
		t.Error("another parameter gives the same digest")
	}
}

// Empty and nil differ in Go, so they differ in the graph.
func TestEmptyAndNilDiffer(t *testing.T) {
	t.Parallel()
	type in struct {
		Refs []artifact.Ref[int]
		Tags []string
	}
	digest := func(value in) string {
		g, err := pipeline.Define("p", func(p *pipeline.Builder, _ none) struct{} {
			return pipeline.Step(p, "use", ignore[in], value)
		}).Graph(none{})
		if err != nil {
			t.Fatal(err)
		}
		d, _ := g.Digest()
		return d
	}
	seen := map[string]bool{}
	for _, v := range []in{{}, {Refs: []artifact.Ref[int]{}}, {Tags: []string{}}, {Tags: []string{""}}} {
		seen[digest(v)] = true
	}
	if len(seen) != 4 {
		t.Errorf("4 different inputs give %d graphs", len(seen))
	}
}

func BenchmarkBuild(b *testing.B) {
	p := pipeline.Define("chain", func(p *pipeline.Builder, _ none) artifact.Ref[int] {
		last := pipeline.Step(p, "first", makeNumber, none{})
		for i := range 1000 {
			last = pipeline.Step(p, "s"+string(rune('a'+i%26))+time.Duration(i).String(), double, numberIn{last})
		}
		return last
	})
	for b.Loop() {
		if _, err := p.Graph(none{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1001, "ns/step")
}
