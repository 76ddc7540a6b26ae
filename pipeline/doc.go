// Package pipeline wires steps into a static, typed graph.
//
// A pipeline is a Go function that calls [Step] for each step. What one step returns is what the next one takes, and the
// compiler checks every edge:
//
//	var Penguins = pipeline.Define("penguins", func(p *pipeline.Builder, in Params) artifact.Ref[float64] {
//		data := pipeline.Step(p, "load", Load, LoadIn{CSV: in.CSV})
//		model := pipeline.Step(p, "train", Train, TrainIn{Rows: data.Train, LR: in.LR})
//		return pipeline.Step(p, "evaluate", Evaluate, EvalIn{Model: model, Rows: data.Test})
//	})
//
// In a step's input struct every field of type artifact.Ref is an edge, also inside nested structs, arrays, slices, maps and pointers;
// every other exported field is a parameter, recorded with the run and part of the cache key. A step's output is a struct
// of Refs, a single Ref (named "output"), or struct{}.
//
// The function runs when the graph is first needed, and it must be deterministic: a pure function of its parameters.
// Mistakes do not panic; they are collected and reported together as an [Error], each with step, field and file:line.
//
// Dynamic parts are data as well: [Map] runs a step for each element of a list, [Then] continues each element without waiting for the
// others, [Gather] makes a list again, [When] makes a step conditional and [FirstOf] joins alternatives. [Sub] uses a pipeline
// as a part of another, and [Use] what an earlier run of one has made. [Wait] asks a person before the run goes on.
//
// [Pipeline.Run] runs a pipeline through a [Client], which package tenon opens. Package pipelinetest runs one in a unit
// test.
package pipeline
