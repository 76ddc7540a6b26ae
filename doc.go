// Package tenon is an embeddable SDK for machine-learning and data pipelines.
//
// Steps are plain Go functions, pipelines are Go functions that wire them, and the compiler checks every edge. The same program
// runs with "go run ." on a laptop, caches what it computed, and keeps lineage, logs and metrics of every run:
//
//	type Params struct {
//		LR float64 `doc:"learning rate"`
//	}
//
//	var Penguins = pipeline.Define("penguins", func(p *pipeline.Builder, in Params) artifact.Ref[float64] {
//		data := pipeline.Step(p, "load", Load, LoadIn{})
//		model := pipeline.Step(p, "train", Train, TrainIn{Rows: data.Train, LR: in.LR})
//		return pipeline.Step(p, "evaluate", Evaluate, EvalIn{Model: model, Rows: data.Test})
//	}, pipeline.Defaults(Params{LR: 0.1}))
//
//	func main() { tenon.Main(Penguins) }
//
// [Main] makes a command line of pipelines. A program with a main of its own opens a [Client] and runs pipelines
// from Go:
//
//	client, err := tenon.Open(ctx)
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	run, err := Penguins.Run(ctx, client, Params{LR: 0.2})
//	if err != nil {
//		return err
//	}
//	accuracy, err := run.Result(ctx)
//
// A program whose steps run in processes of their own calls [RunWorker] before it opens a client. What a run did not come to, since its program
// was killed, [Client.Recover] and the Resume method of the pipeline go on with.
//
// Where to read on:
//
//   - artifact: what steps exchange: Ref, File, Dir, Blob, Table, Source, codecs, and the artifact store
//   - step: the configuration of a step and its surroundings while it runs
//   - command: steps that are programs in any language
//   - hook: who is told how runs and steps ended
//   - pipeline: Define, Step, Map, Then, Gather, When, FirstOf, Sub, Use, Wait
//   - pipeline/pipelinetest: run a pipeline in a unit test
//   - stack, component: what a run executes on, and how to plug other parts in
//   - metadata: the records of everything that ran
package tenon
