package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"reflect"

	"example.com/edits/features"
	"example.com/edits/registry"
	"example.com/edits/shapes"
	. "example.com/edits/text"
	"example.com/lib"
	"example.com/versioned"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type text = artifact.Ref[string]

type in struct{ Start int }

// threshold comes from a flag.
var threshold float64

func program(limit float64, c step.Config) *pipeline.Pipeline[struct{}, text] {
	return pipeline.Define("edits", func(p *pipeline.Builder, _ struct{}) text {
		parts := []text{
			pipeline.Step(p, "numbers", numbers, in{1}),
			pipeline.Step(p, "words", words, in{2}),
			pipeline.Step(p, "figures", figures, in{3}),
			pipeline.Step(p, "tables", tables, in{4}),
			pipeline.Step(p, "chosen", choices["chosen"], in{5}),
			pipeline.Step(p, "literal", func(_ context.Context, in in) (text, error) {
				return artifact.New(fmt.Sprint("literal", in.Start, literalHelper())), nil
			}, in{6}),
			pipeline.Step(p, "generic", generic[small], in{7}),
			pipeline.Step(p, "captures", func(_ context.Context, in in) (text, error) {
				return artifact.New(fmt.Sprint("captures", limit > 2)), nil
			}, in{8}),
			pipeline.Step(p, "decorated", decorated(plain), in{9}, step.Config{Version: "1"}),
			pipeline.Step(p, "method", model{rate: 2}.fit, in{10}, step.Config{Cache: step.Pure}),
			pipeline.Step(p, "embedded", embedded, in{11}),
			pipeline.Step(p, "library", library, in{12}),
			pipeline.Step(p, "wide", generic[large], in{13}),
			pipeline.Step(p, "inferred", boxed, box[word]{14, ""}),
			pipeline.Step(p, "foreign", versioned.Call[giver, text], giver{15}),
			pipeline.Step(p, "picked", picked, in{16}),
			pipeline.Step(p, "receiver", model{rate: 3}.fit, in{17}),
		}
		all := parts[0]
		for i, part := range parts[1:] {
			all = pipeline.Step(p, fmt.Sprint("join", i), join, joinIn{all, part})
		}
		return all
	})
}

type joinIn struct{ A, B text }

func join(_ context.Context, in joinIn) (text, error) {
	return artifact.New(in.A.Value() + " " + in.B.Value()), nil
}

// numbers uses package features: a helper, a group of constants, variables.
func numbers(_ context.Context, in in) (text, error) {
	return artifact.New(fmt.Sprint("numbers", features.Scale(in.Start), features.Weekday(in.Start), features.Limit(), features.Table["b"])), nil
}

// words uses what package text exports, by a dot import: a generic function and its constraint.
func words(_ context.Context, in in) (text, error) {
	total := 10 // hides the function of that name
	return artifact.New(fmt.Sprint("words", Longest("a bb ccc"), Max(in.Start, total), Name[token]())), nil
}

type token struct{}

func (token) Name() string { return "token" }

// total is hidden in words.
func total() int { return 1 }

// figures uses package shapes: methods, some of which only other packages call.
func figures(_ context.Context, in in) (text, error) {
	var s shapes.Shape = shapes.Square{Base: shapes.Base{Side: in.Start}}
	data, err := json.Marshal(s)
	return artifact.New(fmt.Sprint("figures", s.Area(), shapes.Sorted(3, 1, 2), string(data))), err
}

// tables uses what others put into package registry.
func tables(_ context.Context, in in) (text, error) {
	return artifact.New(fmt.Sprint("tables", registry.All(), registry.Mode, total())), nil
}

var choices = map[string]func(context.Context, in) (text, error){"chosen": chosen}

func chosen(_ context.Context, in in) (text, error) {
	double := func(x int) int { return 2 * x }
	return artifact.New(fmt.Sprint("chosen", double(in.Start))), nil
}

func literalHelper() int { return 1 }

type small struct{ A int8 }

type large struct{ A [9]int8 }

func (large) String() string { return "large" }

type counted interface{ comparable }

func generic[T counted](_ context.Context, in in) (text, error) {
	var zero T
	return artifact.New(fmt.Sprint("generic", genericHelper(in.Start), reflect.TypeFor[T]().Size(), zero)), nil
}

func genericHelper(x int) int { return x }

// box is the input of boxed, whose type argument is inferred from it.
type box[T any] struct {
	Start int
	Extra T
}

func boxed[T any](_ context.Context, in box[T]) (text, error) {
	return artifact.New(fmt.Sprint("boxed", in.Start, any(in.Extra))), nil
}

type word string

func (w word) String() string { return "word" }

// giver is called back by a function of another module.
type giver struct{ Start int }

// Give implements what package versioned wants.
func (g giver) Give() text { return artifact.New(fmt.Sprint("given", g.Start, versioned.Version)) }

// picked is a step function in a variable.
var picked = first

func first(_ context.Context, in in) (text, error) {
	return artifact.New(fmt.Sprint("first", in.Start)), nil
}

func second(_ context.Context, in in) (text, error) {
	return artifact.New(fmt.Sprint("second", in.Start)), nil
}

func plain(_ context.Context, in in) (text, error) {
	return artifact.New(fmt.Sprint("plain", in.Start)), nil
}

func decorated(f func(context.Context, in) (text, error)) func(context.Context, in) (text, error) {
	return func(ctx context.Context, in in) (text, error) { return f(ctx, in) }
}

type model struct{ rate int }

func (m model) fit(_ context.Context, in in) (text, error) {
	return artifact.New(fmt.Sprint("model", m.rate*in.Start)), nil
}

//go:embed page.txt
var page string

//go:embed pages/*
var pages embed.FS

func embedded(_ context.Context, in in) (text, error) {
	list, err := pages.ReadDir("pages")
	return artifact.New(fmt.Sprint("embedded", page, list)), err
}

func library(_ context.Context, in in) (text, error) {
	return artifact.New(fmt.Sprint("library", lib.Answer())), nil
}
