package cli_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// numbersParams are the parameters of the pipeline that the scripts run.
type numbersParams struct {
	N     int             `doc:"how many numbers"`
	Fail  int             `doc:"number that cannot be doubled; 0 is none, -1 is all"`
	Flaky bool            `doc:"the number can be doubled at the second try"`
	Hold  bool            `doc:"wait for the end of the run"`
	Deaf  bool            `doc:"if held, do not hear that the run ends"`
	Limit int             `doc:"publish totals of more than this"`
	Label string          `doc:"word for the report"`
	Day   time.Time       `doc:"day of publication"`
	From  artifact.Source `doc:"file that is added to the report"`
}

func (p numbersParams) Validate() error {
	if p.N < 0 || p.N > 1_000_000 {
		return errors.New("n: must be 0 to 1000000")
	}
	return nil
}

type numbersOut struct {
	Total     artifact.Ref[int]
	Report    artifact.Ref[artifact.File]
	Published artifact.Ref[string]
}

// numbers is a pipeline with a map, a condition, several forms of artifacts, and the mishaps that its parameters ask for.
func numbers(name string) pipeline.Definition {
	return pipeline.Define(name, func(p *pipeline.Builder, in numbersParams) numbersOut {
		list := pipeline.Step(p, "list", makeList, listIn{N: in.N, Hold: in.Hold, Deaf: in.Deaf})
		doubled := pipeline.Map(p, "double", double, list, func(n artifact.Ref[int]) doubleIn {
			return doubleIn{Number: n, Fail: in.Fail, Flaky: in.Flaky}
		})
		sum := pipeline.Step(p, "total", total, totalIn{
			Numbers: pipeline.Gather(doubled, func(r artifact.Ref[int]) artifact.Ref[int] { return r }),
			Limit:   in.Limit,
		})
		report := pipeline.Step(p, "report", writeReport, reportIn{Total: sum.Total, Label: in.Label, From: in.From})
		published := pipeline.Step(p, "publish", publish, publishIn{Total: sum.Total, Day: in.Day}, pipeline.When(sum.Large))
		return numbersOut{Total: sum.Total, Report: report.File, Published: published}
	},
		pipeline.Doc("doubles numbers and adds them up"),
		pipeline.Defaults(numbersParams{N: 3, Limit: 5, Label: "numbers", From: artifact.FromBytes("none.txt", nil)}))
}

// asks is a pipeline that asks a person.
func asks() pipeline.Definition {
	return pipeline.Define("asks", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
		answer := pipeline.Wait(p, "review", "Is it holding?", struct{}{})
		return pipeline.Step(p, "thank", thank, thankIn{Answer: answer})
	})
}

type thankIn struct {
	Answer artifact.Ref[pipeline.Approval]
}

func thank(_ context.Context, in thankIn) (artifact.Ref[string], error) {
	return artifact.New("thank you, " + in.Answer.Value().By), nil
}

type listIn struct {
	N    int
	Hold bool
	Deaf bool
}

func makeList(ctx context.Context, in listIn) (artifact.Ref[[]int], error) {
	if in.Hold {
		step.Logger(ctx).Info("holding")
		if in.Deaf {
			select {}
		}
		<-ctx.Done()
		return artifact.Ref[[]int]{}, ctx.Err()
	}
	list := make([]int, in.N)
	for i := range list {
		list[i] = i + 1
	}
	step.Logger(ctx).Info("made numbers", "count", in.N)
	return artifact.New(list), nil
}

type doubleIn struct {
	Number artifact.Ref[int]
	Fail   int
	Flaky  bool
}

func double(ctx context.Context, in doubleIn) (artifact.Ref[int], error) {
	n := in.Number.Value()
	attempt, _ := step.Info(ctx)
	if (n == in.Fail || in.Fail < 0) && (!in.Flaky || attempt.Number == 1) {
		step.Logger(ctx).Error("cannot double", "number", n)
		return artifact.Ref[int]{}, fmt.Errorf("the number %d is unlucky", n)
	}
	return artifact.New(2 * n), nil
}

type totalIn struct {
	Numbers artifact.Ref[[]int]
	Limit   int
}

type totalOut struct {
	Total artifact.Ref[int]
	Large artifact.Ref[bool]
}

func total(ctx context.Context, in totalIn) (totalOut, error) {
	sum := 0
	for i, n := range in.Numbers.Value() {
		sum += n
		step.Metric(ctx, "sum", float64(sum))
		step.Progress(ctx, int64(i+1), int64(len(in.Numbers.Value())))
	}
	return totalOut{Total: artifact.New(sum), Large: artifact.New(sum > in.Limit)}, nil
}

type reportIn struct {
	Total artifact.Ref[int]
	Label string
	From  artifact.Source
}

type reportOut struct {
	File   artifact.Ref[artifact.File]
	Folder artifact.Ref[artifact.Dir]
	Rows   artifact.Ref[[]row]
	Image  artifact.Ref[image.Image]
}

// row is what goes into a table.
type row struct {
	Number int
	Name   string
}

func writeReport(ctx context.Context, in reportIn) (reportOut, error) {
	fmt.Println("printed by a step")
	dir, err := step.TempDir(ctx)
	if err != nil {
		return reportOut{}, err
	}
	file, folder := filepath.Join(dir, "report.txt"), filepath.Join(dir, "folder")
	text := fmt.Appendf(nil, "the total of %s is %d\n", in.Label, in.Total.Value())
	from, err := in.From.Open(ctx)
	if err != nil {
		return reportOut{}, err
	}
	defer from.Close()
	more, err := io.ReadAll(from)
	if err != nil {
		return reportOut{}, err
	}
	if err := os.WriteFile(file, append(text, more...), 0o600); err != nil {
		return reportOut{}, err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return reportOut{}, err
	}
	if err := os.WriteFile(filepath.Join(folder, "inner.txt"), []byte("inner\n"), 0o600); err != nil {
		return reportOut{}, err
	}
	return reportOut{
		File:   artifact.New(artifact.File(file)),
		Folder: artifact.New(artifact.Dir(folder)),
		Rows:   artifact.New([]row{{1, "one"}, {2, "two, or \"more\""}}),
		Image:  artifact.New[image.Image](image.NewGray(image.Rect(0, 0, 3, 2))),
	}, nil
}

type publishIn struct {
	Total artifact.Ref[int]
	Day   time.Time
}

func publish(_ context.Context, in publishIn) (artifact.Ref[string], error) {
	return artifact.New(fmt.Sprintf("published on %s: %d", in.Day.Format(time.DateOnly), in.Total.Value())), nil
}
