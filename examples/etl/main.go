// Etl turns monthly files of flights into a table and a chart of how late the flights of each airport are.
//
//	go run ./examples/etl                        # three months: clean and summarise each, combine, chart
//	go run ./examples/etl                        # again: everything comes from the cache
//	go run ./examples/etl run --set late=60      # the cleaned flights stay, and are summarised anew
//	go run ./examples/etl params                 # what else can be set
//
// Each month is a file of its own, and a part of the graph of its own. So when the file of one month changes, exactly that month is computed
// again, and combined with what is known of the others. These files are what the program holds, but any may be named:
//
//	go run ./examples/etl run --set 'flights=[examples/etl/data/2001-01.parquet, examples/etl/data/2001-02.parquet]'
//	go run ./examples/etl run --set 'flights=[examples/etl/data/2001-01.parquet, examples/etl/data/2001-02.parquet, examples/etl/data/2001-03.parquet]'
//
// The first of these cleans two files, as they have another name than before; but what comes of it is known already, and so is its summary. The
// second one cleans only the third.
//
// Flights pass through row by row, so that a file may be larger than memory. The samples in data were taken from the three million rows of
// flights-3m.parquet in the npm package vega-datasets, which run in seconds:
//
//	go run ./examples/etl run --set 'flights=[flights-3m.parquet]'
//
// What to look at next: the chart, and a cleaned table, which is a Parquet file for any other tool.
//
//	go run ./cmd/tenon artifact get LAST/chart -o chart.png
//	go run ./cmd/tenon artifact get LAST/2001-01/clean -o clean.parquet
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"image"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

var (
	//go:embed data/2001-01.parquet
	january []byte
	//go:embed data/2001-02.parquet
	february []byte
	//go:embed data/2001-03.parquet
	march []byte
)

// Params are what can be set from outside: --set late=60.
type Params struct {
	Flights  []artifact.Source `doc:"Parquet files of flights: paths or https URLs"`
	Late     int64             `doc:"minutes of delay above which a flight is late"`
	Airports int               `doc:"airports in the chart, the busiest ones, 1 to 60"`
}

// Validate is called before anything runs.
func (p Params) Validate() error {
	switch {
	case len(p.Flights) == 0:
		return errors.New("flights: must name at least one file")
	case p.Late < 0:
		return errors.New("late: must not be negative")
	case p.Airports < 1 || p.Airports > 60:
		return errors.New("airports: must be 1 to 60")
	}
	seen := map[string]bool{}
	for i, file := range p.Flights {
		if file.IsZero() {
			return fmt.Errorf("flights: number %d names no file", i+1)
		}
		if seen[file.URI()] {
			return fmt.Errorf("flights: %s is named twice, and would be counted twice", file)
		}
		seen[file.URI()] = true
	}
	return nil
}

// Results are what the pipeline is for.
type Results struct {
	Summary artifact.Ref[string]
	Delays  artifact.Ref[[]Delay]
	Chart   artifact.Ref[image.Image]
}

// ETL is the pipeline. How many steps it has depends on its parameters alone.
var ETL = pipeline.Define("etl", func(p *pipeline.Builder, in Params) Results {
	var parts []artifact.Ref[[]Sum]
	names := fileNames(in.Flights)
	for i, file := range in.Flights {
		parts = append(parts, pipeline.Sub(p, names[i], OneFile, FileParams{File: file, Late: in.Late}))
	}
	all := pipeline.Step(p, "combine", Combine, CombineIn{Parts: parts, Late: in.Late})
	chart := pipeline.Step(p, "chart", Chart, ChartIn{Delays: all.Delays, Late: in.Late, Airports: in.Airports})
	return Results{Summary: all.Summary, Delays: all.Delays, Chart: chart}
},
	pipeline.Doc("shows how late the flights of each airport are, month by month"),
	pipeline.Defaults(Params{
		Flights: []artifact.Source{
			artifact.FromBytes("2001-01.parquet", january),
			artifact.FromBytes("2001-02.parquet", february),
			artifact.FromBytes("2001-03.parquet", march),
		},
		Late:     15,
		Airports: 20,
	}),
)

// FileParams are the parameters of what is done to each file.
type FileParams struct {
	File artifact.Source
	Late int64
}

// OneFile is the part of the pipeline that each file goes through alone, so that files that have not changed come from the cache.
var OneFile = pipeline.Define("file", func(p *pipeline.Builder, in FileParams) artifact.Ref[[]Sum] {
	flights := pipeline.Step(p, "clean", Clean, CleanIn{File: in.File})
	return pipeline.Step(p, "summarise", Summarise, SummariseIn{Flights: flights, Late: in.Late})
})

func main() { tenon.Main(ETL) }
