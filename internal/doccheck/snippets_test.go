package doccheck

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// What follows is quoted by docs/writing-steps.md.

type Row struct{ X, Y float64 }

type Model struct{ Slope float64 }

type TrainIn struct {
	Rows   artifact.Ref[[]Row]   // an input
	Rate   artifact.Ref[float64] // an input
	Extra  []artifact.Ref[[]Row] // inputs, in any nesting of structs, slices, maps and pointers
	Epochs int                   // a parameter
	Hints  map[string]float64    // a parameter
}

type TrainOut struct {
	Model artifact.Ref[Model]
	Loss  artifact.Ref[float64]
}

func Train(ctx context.Context, in TrainIn) (TrainOut, error) {
	model, loss, err := descend(ctx, in.Rows.Value(), in.Rate.Value(), in.Epochs)
	if err != nil {
		return TrainOut{}, err
	}
	return TrainOut{Model: artifact.New(model), Loss: artifact.New(loss)}, nil
}

func descend(ctx context.Context, rows []Row, rate float64, epochs int) (m Model, loss float64, err error) {
	for epoch := range epochs {
		if err := ctx.Err(); err != nil {
			return m, loss, err
		}
		gradient := 0.0
		loss = 0
		for _, r := range rows {
			d := m.Slope*r.X - r.Y
			loss += d * d / float64(len(rows))
			gradient += d * r.X / float64(len(rows))
		}
		m.Slope -= rate * gradient
		step.Progress(ctx, int64(epoch+1), int64(epochs))
	}
	return m, loss, nil
}

type LoadIn struct{ CSV artifact.Source }

func Load(ctx context.Context, in LoadIn) (artifact.Ref[[]Row], error) {
	f, err := in.CSV.Open(ctx) // in.CSV.Path(ctx) is a local path
	if err != nil {
		return artifact.Ref[[]Row]{}, err
	}
	defer f.Close()
	rows, err := parse(f)
	return artifact.New(rows), err
}

func parse(r io.Reader) ([]Row, error) {
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, record := range records {
		x, err := strconv.ParseFloat(record[0], 64)
		if err != nil {
			return nil, err
		}
		y, err := strconv.ParseFloat(record[1], 64)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{x, y})
	}
	return rows, nil
}

type RatesIn struct{ From, To float64 }

// Rates returns learning rates, each half of the one before.
func Rates(_ context.Context, in RatesIn) (artifact.Ref[[]float64], error) {
	var rates []float64
	for r := in.From; r >= in.To; r /= 2 {
		rates = append(rates, r)
	}
	return artifact.New(rates), nil
}

type BestIn struct {
	Models artifact.Ref[[]Model]
	Losses artifact.Ref[[]float64]
}

type BestOut struct {
	Model artifact.Ref[Model]
	Good  artifact.Ref[bool]
}

func Best(_ context.Context, in BestIn) (BestOut, error) {
	best, least := Model{}, math.Inf(1)
	for i, loss := range in.Losses.Value() {
		if loss < least {
			best, least = in.Models.Value()[i], loss
		}
	}
	return BestOut{artifact.New(best), artifact.New(least < 0.01)}, nil
}

type PublishIn struct{ Model artifact.Ref[Model] }

func Publish(ctx context.Context, in PublishIn) (artifact.Ref[artifact.File], error) {
	dir, err := step.TempDir(ctx)
	if err != nil {
		return artifact.Ref[artifact.File]{}, err
	}
	file := filepath.Join(dir, "model.txt")
	err = os.WriteFile(file, fmt.Appendf(nil, "y = %.2fx\n", in.Model.Value().Slope), 0o600)
	return artifact.New(artifact.File(file)), err
}

type SearchParams struct {
	CSV    artifact.Source `doc:"rows of x and y"`
	Epochs int             `doc:"passes over the rows"`
}

var Search = pipeline.Define("search", func(p *pipeline.Builder, in SearchParams) artifact.Ref[artifact.File] {
	rows := pipeline.Step(p, "load", Load, LoadIn{CSV: in.CSV})
	rates := pipeline.Step(p, "rates", Rates, RatesIn{From: 0.4, To: 0.01})
	// train runs once for each rate, in parallel
	fits := pipeline.Map(p, "train", Train, rates, func(rate artifact.Ref[float64]) TrainIn {
		return TrainIn{Rows: rows, Rate: rate, Epochs: in.Epochs}
	})
	best := pipeline.Step(p, "best", Best, BestIn{
		Models: pipeline.Gather(fits, func(f TrainOut) artifact.Ref[Model] { return f.Model }),
		Losses: pipeline.Gather(fits, func(f TrainOut) artifact.Ref[float64] { return f.Loss }),
	})
	return pipeline.Step(p, "publish", Publish, PublishIn{Model: best.Model}, pipeline.When(best.Good))
}, pipeline.Defaults(SearchParams{CSV: artifact.FromBytes("rows.csv", rowsCSV), Epochs: 50}))

var rowsCSV = []byte("1,2.01\n2,3.98\n3,6.02\n")

func TestTrain(t *testing.T) {
	rows := []Row{{X: 1, Y: 2}, {X: 2, Y: 4}}
	out, err := Train(t.Context(), TrainIn{Rows: artifact.New(rows), Rate: artifact.New(0.1), Epochs: 100})
	if err != nil {
		t.Fatal(err)
	}
	if slope := out.Model.Value().Slope; math.Abs(slope-2) > 1e-6 {
		t.Errorf("the slope is %v, want 2", slope)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t) // a client on a temporary home
	run, err := Search.Run(t.Context(), client, Search.Params())
	if err != nil {
		t.Fatal(err)
	}
	file, err := run.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(string(file.Value()))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(text)); got != "y = 2.00x" {
		t.Errorf("published %q", got)
	}
}

func TestSearchSkips(t *testing.T) {
	t.Parallel()
	_, err := pipelinetest.Try(t, Search, SearchParams{CSV: artifact.FromBytes("rows.csv", []byte("1,0\n1,9\n")), Epochs: 5})
	if !errors.Is(err, tenon.ErrSkipped) {
		t.Errorf("error %v, want ErrSkipped: no model is good", err)
	}
}

// inside shows what a step can say through its context.
func inside(ctx context.Context, n, done, total int64, loss float64) error {
	step.Logger(ctx).Info("fitting", "rows", n) // stored with the run: tenon run logs
	step.Metric(ctx, "loss", loss)              // recorded with the attempt
	step.Progress(ctx, done, total)             // a bar on the terminal
	dir, err := step.TempDir(ctx)               // for files of this attempt
	if err != nil {
		return err
	}
	attempt, inRun := step.Info(ctx) // run, step, number; attempt.Key is the same in every retry
	if !inRun {
		return step.Permanent(fmt.Errorf("not in a run: %s", dir)) // an error that no retry cures
	}
	_ = attempt
	return nil
}

func TestInside(t *testing.T) {
	t.Parallel()
	if err := inside(t.Context(), 1, 1, 2, 0.5); !step.IsPermanent(err) {
		t.Errorf("outside a run: error %v, want a permanent one", err)
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	configured := pipeline.Define("configured", func(p *pipeline.Builder, in RatesIn) artifact.Ref[artifact.File] {
		rates := pipeline.Step(p, "rates", Rates, in)
		best := pipeline.Step(p, "best", Best, BestIn{
			Models: pipeline.Step(p, "models", models, struct{}{}),
			Losses: rates,
		})
		return pipeline.Step(p, "publish", Publish, PublishIn{Model: best.Model},
			step.Config{
				Timeout:   time.Hour,
				Retry:     step.Retry{Attempts: 3, Backoff: 5 * time.Second},
				Resources: step.Resources{CPU: 2, Memory: 4 << 30},
			},
			pipeline.When(best.Good),
		)
	})
	if _, err := configured.Graph(RatesIn{From: 1, To: 1}); err != nil {
		t.Error(err)
	}
}

func models(context.Context, struct{}) (artifact.Ref[[]Model], error) {
	return artifact.New([]Model{{Slope: 1}}), nil
}
