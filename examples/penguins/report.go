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
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// ReportIn is the input of report.
type ReportIn struct {
	Quality    artifact.Ref[Quality]
	Evaluation artifact.Ref[Evaluation]
	Plot       artifact.Ref[image.Image]
}

// Report writes one page of HTML that needs no other file. An artifact.File is stored as it is, under its own name.
func Report(ctx context.Context, in ReportIn) (artifact.Ref[artifact.File], error) {
	var page bytes.Buffer
	if err := writePage(&page, in.Quality.Value(), in.Evaluation.Value(), in.Plot.Value()); err != nil {
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

func writePage(w io.Writer, q Quality, e Evaluation, plot image.Image) error {
	page, err := template.New("report.html").Parse(reportHTML)
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, plot); err != nil {
		return err
	}
	return page.Execute(w, map[string]any{
		"Species":    slices.Clone(Species), // a copy: what is handed on as it is might be changed, and then counts as code of all that read it
		"Columns":    slices.Clone(columns),
		"Quality":    q,
		"Evaluation": e,
		"Plot":       template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())),
	})
}
