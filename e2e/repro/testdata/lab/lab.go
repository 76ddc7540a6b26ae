package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type params struct {
	Birds artifact.Source
	Notes artifact.Source // a directory
	Unit  float64
}

type bird struct {
	Name string
	Mass string // in grams, as it was written
}

type loadIn struct{ Birds, Notes artifact.Source }

// load repeats the birds, so that they are larger than what travels in a record.
func load(ctx context.Context, in loadIn) (artifact.Ref[[]bird], error) {
	var birds []bird
	if _, err := in.Notes.Path(ctx); err != nil {
		return artifact.New(birds), err
	}
	r, err := in.Birds.Open(ctx)
	if err != nil {
		return artifact.New(birds), err
	}
	defer r.Close()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, mass, _ := strings.Cut(lines.Text(), ",")
		for i := range 1000 {
			birds = append(birds, bird{fmt.Sprint(name, i), mass})
		}
	}
	return artifact.New(birds), nil
}

type scale struct{ unit float64 }

type weighIn struct {
	Birds artifact.Ref[[]bird]
	Notes artifact.Source
}

// weigh fails for a mass that is no number.
func (s scale) weigh(ctx context.Context, in weighIn) (artifact.Ref[[]float64], error) {
	dir, err := in.Notes.Path(ctx)
	if err != nil {
		return artifact.Ref[[]float64]{}, err
	}
	notes, err := os.ReadFile(dir + "/sub/notes.txt")
	if err != nil {
		return artifact.Ref[[]float64]{}, err
	}
	from := 0
	if _, err := step.Restore(ctx, &from); err != nil {
		return artifact.Ref[[]float64]{}, err
	}
	step.Logger(ctx).Info("weighing", "notes", strings.TrimSpace(string(notes)), "from", from)
	var masses []float64
	for i, b := range in.Birds.Value() {
		if i == 500 {
			if err := step.Checkpoint(ctx, i); err != nil {
				return artifact.Ref[[]float64]{}, err
			}
		}
		m, err := strconv.ParseFloat(b.Mass, 64)
		if err != nil {
			return artifact.Ref[[]float64]{}, fmt.Errorf("row %d, %s: %w", i, b.Name, err)
		}
		masses = append(masses, m*s.unit)
	}
	return artifact.New(masses), nil
}

type checkIn struct {
	Bird artifact.Ref[bird]
	Unit float64
}

// check panics for a bird without a mass.
func check(_ context.Context, in checkIn) (artifact.Ref[string], error) {
	b := in.Bird.Value()
	return artifact.New(strings.Fields(b.Mass)[0]), nil
}

type countIn struct{ Masses artifact.Ref[[]string] }

var first = command.Spec{Args: []string{"sh", "-c", "cat {Word} >&2; exit 3"}, Stdout: "{out}"}

type firstIn struct{ Word artifact.Ref[string] }

// Lab is the pipeline.
var Lab = pipeline.Define("lab", func(p *pipeline.Builder, in params) struct{} {
	birds := pipeline.Step(p, "load", load, loadIn{in.Birds, in.Notes})
	pipeline.Step(p, "weigh", scale{in.Unit}.weigh, weighIn{birds, in.Notes}, step.Config{Version: "1"})
	few := pipeline.Step(p, "few", func(_ context.Context, in struct{ Birds artifact.Ref[[]bird] }) (artifact.Ref[[]bird], error) {
		all := in.Birds.Value()
		return artifact.New([]bird{all[0], all[1000], all[2000]}), nil
	}, struct{ Birds artifact.Ref[[]bird] }{birds})
	checked := pipeline.Map(p, "check", check, few, func(b artifact.Ref[bird]) checkIn { return checkIn{b, in.Unit} },
		step.Config{Tolerate: step.Tolerance{Count: 1}})
	masses := pipeline.Gather(checked, func(r artifact.Ref[string]) artifact.Ref[string] { return r })
	word := pipeline.Step(p, "count", func(_ context.Context, in countIn) (artifact.Ref[string], error) {
		if len(in.Masses.Value()) == 0 {
			return artifact.Ref[string]{}, errors.New("there is none")
		}
		return artifact.New(strings.Join(in.Masses.Value(), " ")), nil
	}, countIn{masses})
	pipeline.Step(p, "print", command.Run[artifact.Ref[string]], command.With(first, firstIn{word}))
	return struct{}{}
}, pipeline.Defaults(params{Birds: artifact.From("birds.csv"), Notes: artifact.From("notes"), Unit: 0.001}))
