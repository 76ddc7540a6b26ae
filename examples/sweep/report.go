package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// ReportIn is the input of report. It takes no model: then it would be skipped whenever promote is.
type ReportIn struct {
	Scores artifact.Ref[[]Score]
	Best   artifact.Ref[Score]
	Good   artifact.Ref[bool]
	Plot   artifact.Ref[image.Image]
	Folds  int
	Bar    float64
}

// Report writes one page of HTML that needs no other file. An artifact.File is stored as it is, under its own name.
func Report(ctx context.Context, in ReportIn) (artifact.Ref[artifact.File], error) {
	var page bytes.Buffer
	if err := writePage(&page, in); err != nil {
		return artifact.Ref[artifact.File]{}, fmt.Errorf("render the report: %w", err)
	}
	dir, err := step.TempDir(ctx)
	if err != nil {
		return artifact.Ref[artifact.File]{}, err
	}
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		return artifact.Ref[artifact.File]{}, err
	}
	step.Logger(ctx).Info("to read it: go run ./cmd/tenon artifact get LAST/report -o report.html")
	return artifact.New(artifact.File(file)), nil
}

//go:embed report.html
var reportHTML string

func writePage(w io.Writer, in ReportIn) error {
	percent := func(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
	page, err := template.New("report.html").Funcs(template.FuncMap{"percent": percent}).Parse(reportHTML)
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, in.Plot.Value()); err != nil {
		return err
	}
	return page.Execute(w, map[string]any{
		"Best":   in.Best.Value(),
		"Good":   in.Good.Value(),
		"Bar":    in.Bar,
		"Folds":  in.Folds,
		"Scores": ranked(in.Scores.Value()),
		"Plot":   template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())),
	})
}
