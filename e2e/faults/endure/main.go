// Endure is a program that a test kills again and again. Its pipeline has a step of every kind: mapped ones and what continues them, lists that
// are gathered again, conditions, retries, checkpoints, and artifacts of all sizes; with 96 elements there are 200 steps. Each step writes down
// when it begins and when it has done its work. With "tenon" as its first argument it is the command of that name.
package main

import (
	"os"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/points"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// Params are what can be set from outside.
type Params struct {
	Items int `doc:"elements of the mapped steps"`
}

// Results are what has to be the same however often the program was killed.
type Results struct {
	Report artifact.Ref[string]
	Sums   artifact.Ref[[]string]
	Table  artifact.Ref[[]Row]
	File   artifact.Ref[artifact.File]
	Chosen artifact.Ref[string]
}

// Endure is the pipeline.
var Endure = pipeline.Define("endure", func(p *pipeline.Builder, in Params) Results {
	anew := step.Config{Cache: step.Never} // what is done again is not found in the cache, where nobody would see it
	list := pipeline.Step(p, "list", List, ListIn(in))
	blobs := pipeline.Map(p, "blob", Blob, list.Items, func(item artifact.Ref[Item]) BlobIn { return BlobIn{item} })
	sums := pipeline.Then(p, "sum", Sum, blobs, func(blob artifact.Ref[[]byte]) SumIn { return SumIn{blob} }, anew)
	all := pipeline.Gather(sums, func(sum artifact.Ref[string]) artifact.Ref[string] { return sum })
	empty := pipeline.Map(p, "empty", Blob, list.None, func(item artifact.Ref[Item]) BlobIn { return BlobIn{item} })
	none := pipeline.Gather(empty, func(blob artifact.Ref[[]byte]) artifact.Ref[[]byte] { return blob })

	long := pipeline.Step(p, "long", Long, LongIn{Stages: 24}, anew)
	table := pipeline.Step(p, "table", Table, TableIn{Rows: 12_000})
	file := pipeline.Step(p, "file", File, FileIn{MiB: 6}, pipeline.After("table"))

	verdict := pipeline.Step(p, "judge", Judge, JudgeIn{Sums: all, None: none})
	good := pipeline.Step(p, "promote", Choose, ChooseIn{Word: "promoted", Sums: all}, pipeline.When(verdict.Good))
	bad := pipeline.Step(p, "reject", Choose, ChooseIn{Word: "rejected", Sums: all}, pipeline.When(verdict.Bad))
	chosen := pipeline.FirstOf(p, bad, good)
	report := pipeline.Step(p, "report", Report, ReportIn{Sums: all, Long: long, Table: table, File: file, Chosen: chosen},
		step.Config{External: step.On})
	return Results{Report: report, Sums: all, Table: table, File: file, Chosen: chosen}
},
	pipeline.Defaults(Params{Items: 6}),
	// A test also kills single workers: their attempts fail.
	pipeline.StepDefaults(step.Config{Retry: step.Retry{Attempts: 50, Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond}}),
)

func main() {
	points.Watch()
	if len(os.Args) > 1 && os.Args[1] == "tenon" {
		os.Args = os.Args[1:]
		tenon.Main()
	}
	tenon.Main(Endure)
}
