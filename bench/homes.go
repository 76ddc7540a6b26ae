package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/fullhome"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// homeEnv names a directory that keeps the full home from one call to the next: it takes a minute to make.
const homeEnv = "TENON_BENCH_FULL_HOME"

// fullRuns is how many runs the full home has, of about a thousand attempts each.
const fullRuns = 1000

// homes are two state directories that differ in how much is recorded in them: one run, and very many. They are made when they are first needed.
type homes struct {
	few, many func() (home, error)
	runs      int // that many has
}

// home is a state directory.
type home struct {
	dir  string
	runs int
	keys []string // cache keys of a run in the middle
}

func newHomes(dir string, runs int) *homes {
	kept := os.Getenv(homeEnv)
	if kept == "" {
		kept = filepath.Join(dir, "many")
	}
	return &homes{
		runs: runs,
		few:  sync.OnceValues(func() (home, error) { return makeHome(context.Background(), filepath.Join(dir, "few"), 1) }),
		many: sync.OnceValues(func() (home, error) { return makeHome(context.Background(), kept, runs) }),
	}
}

// makeHome makes a home with at least so many runs, unless it is there. One that was interrupted is made anew.
func makeHome(ctx context.Context, dir string, runs int) (home, error) {
	done := filepath.Join(dir, "complete")
	if _, err := os.Stat(done); errors.Is(err, fs.ErrNotExist) {
		if err := os.RemoveAll(dir); err != nil {
			return home{}, err
		}
	} else if err != nil {
		return home{}, err
	}
	client, err := tenon.Open(ctx, tenon.Config{Home: dir})
	if err != nil {
		return home{}, err
	}
	defer client.Close()
	store := client.Metadata()
	if _, err := os.Stat(done); err != nil {
		fmt.Fprintf(os.Stderr, "bench: making a home of %d runs\n", runs)
		if err := fillHome(ctx, client, runs); err != nil {
			return home{}, err
		}
		if err := os.WriteFile(done, nil, 0o600); err != nil {
			return home{}, err
		}
	}
	h := home{dir: dir}
	var ids []string
	for r, err := range metadata.All(ctx, store.Runs, metadata.RunQuery{Pipeline: team.Name()}) {
		if err != nil {
			return home{}, err
		}
		ids = append(ids, r.ID)
	}
	if h.runs = len(ids); h.runs < runs {
		return home{}, fmt.Errorf("%s has %d runs, not %d: delete it", dir, h.runs, runs)
	}
	for s, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: ids[len(ids)/2]}) {
		if err != nil {
			return home{}, err
		}
		if s.CacheKey != "" && len(h.keys) < metadata.LookupLimit {
			h.keys = append(h.keys, s.CacheKey)
		}
	}
	return h, nil
}

func fillHome(ctx context.Context, client *tenon.Client, runs int) error {
	run, err := team.Run(ctx, client, teamSize)
	if err != nil {
		return err
	}
	if _, err := run.Result(ctx); err != nil {
		return err
	}
	template, err := fullhome.Read(ctx, client.Metadata(), run.ID())
	if err != nil {
		return err
	}
	return template.Fill(ctx, client.Metadata(), runs-1)
}

// teamParams say how large the run of a team's day is.
type teamParams struct{ Elements, Links int }

// teamSize has 1000 attempts: a list, its elements, a chain and a report.
var teamSize = teamParams{Elements: 900, Links: 98}

// team is a pipeline of everything that grows a home: steps, elements, metrics, a log, content in the artifact store and a named version.
var team = pipeline.Define("team", func(p *pipeline.Builder, in teamParams) artifact.Ref[[]string] {
	elements := pipeline.Step(p, "list", list, listIn{in.Elements})
	scores := pipeline.Map(p, "score", score, elements, func(e artifact.Ref[int]) linkIn { return linkIn{e} })
	last := pipeline.Step(p, "s0", first, firstIn{})
	for i := 1; i < in.Links; i++ {
		last = pipeline.Step(p, fmt.Sprintf("s%d", i), link, linkIn{last})
	}
	return pipeline.Step(p, "report", report, reportIn{Last: last, Scores: pipeline.Gather(scores, func(out artifact.Ref[int]) artifact.Ref[int] { return out })})
})

func score(ctx context.Context, in linkIn) (artifact.Ref[int], error) {
	step.Metric(ctx, "score", float64(in.Prev.Value()))
	return artifact.New(in.Prev.Value() * 2), nil
}

type reportIn struct {
	Last   artifact.Ref[int]
	Scores artifact.Ref[[]int]
}

func report(ctx context.Context, in reportIn) (artifact.Ref[[]string], error) {
	var lines []string
	for i, s := range in.Scores.Value() {
		lines = append(lines, fmt.Sprintf("element %d scores %d", i, s))
	}
	step.Logger(ctx).Info("reported", "lines", len(lines))
	return artifact.New(lines), nil
}
