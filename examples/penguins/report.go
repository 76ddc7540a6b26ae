package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// PlotIn is the input of plot.
type PlotIn struct {
	Model artifact.Ref[Model]
	Test  artifact.Ref[[]Penguin]
	Loss  artifact.Ref[[]float64]
}

// Plot draws the test penguins, those that the model got wrong, and the training loss. An image is stored as PNG.
func Plot(_ context.Context, in PlotIn) (artifact.Ref[image.Image], error) {
	measured, err := scatter(in.Model.Value(), in.Test.Value())
	if err != nil {
		return artifact.Ref[image.Image]{}, err
	}
	loss, err := curve(in.Loss.Value())
	if err != nil {
		return artifact.Ref[image.Image]{}, err
	}
	canvas := vgimg.New(10*vg.Inch, 4.5*vg.Inch)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Points(24), PadTop: vg.Points(8), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(16)}
	surface := draw.New(canvas)
	measured.Draw(tiles.At(surface, 0, 0))
	loss.Draw(tiles.At(surface, 1, 0))
	return artifact.New(image.Image(canvas.Image())), nil
}

var palette = []color.Color{
	color.RGBA{R: 0xE6, G: 0x7E, B: 0x22, A: 0xFF},
	color.RGBA{R: 0x8E, G: 0x44, B: 0xAD, A: 0xFF},
	color.RGBA{R: 0x16, G: 0x88, B: 0x7A, A: 0xFF},
}

func scatter(model Model, rows []Penguin) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "Test penguins"
	p.X.Label.Text, p.Y.Label.Text = "bill length (mm)", "flipper length (mm)"
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Max = 245 // room for the legend
	p.Add(plotter.NewGrid())
	var wrong plotter.XYs
	for i, species := range Species {
		var points plotter.XYs
		for _, row := range rows {
			if row.Species != species {
				continue
			}
			at := plotter.XY{X: row.BillLengthMM, Y: row.FlipperLength}
			points = append(points, at)
			if model.Predict(row) != species {
				wrong = append(wrong, at)
			}
		}
		if err := addPoints(p, species, points, draw.GlyphStyle{Color: palette[i], Radius: vg.Points(3), Shape: draw.CircleGlyph{}}); err != nil {
			return nil, err
		}
	}
	return p, addPoints(p, "misclassified", wrong, draw.GlyphStyle{Color: color.Black, Radius: vg.Points(6), Shape: draw.RingGlyph{}})
}

func addPoints(p *plot.Plot, name string, points plotter.XYs, style draw.GlyphStyle) error {
	if len(points) == 0 {
		return nil
	}
	s, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	s.GlyphStyle = style
	p.Add(s)
	p.Legend.Add(name, s)
	return nil
}

func curve(losses []float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "Training"
	p.X.Label.Text, p.Y.Label.Text = "epoch", "cross-entropy"
	p.Y.Min = 0
	p.Add(plotter.NewGrid())
	points := make(plotter.XYs, len(losses))
	for i, loss := range losses {
		points[i] = plotter.XY{X: float64(i), Y: loss}
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = palette[2], vg.Points(2)
	p.Add(line)
	return p, nil
}

// ReportIn is the input of report.
type ReportIn struct {
	Quality    artifact.Ref[Quality]
	Evaluation artifact.Ref[Evaluation]
	Plot       artifact.Ref[image.Image]
}

//go:embed report.html
var page string

// Report writes a page of HTML that stands alone. A File is stored as it is, under its own name.
func Report(ctx context.Context, in ReportIn) (artifact.Ref[artifact.File], error) {
	none := artifact.Ref[artifact.File]{}
	var img bytes.Buffer
	if err := png.Encode(&img, in.Plot.Value()); err != nil {
		return none, err
	}
	tmpl, err := template.New("report").Parse(page)
	if err != nil {
		return none, err
	}
	var html bytes.Buffer
	err = tmpl.Execute(&html, map[string]any{
		"Species": Species, "Quality": in.Quality.Value(), "Evaluation": in.Evaluation.Value(),
		"Plot": template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(img.Bytes())), //nolint:gosec // made here
	})
	if err != nil {
		return none, err
	}
	dir, err := step.TempDir(ctx)
	if err != nil {
		return none, err
	}
	path := filepath.Join(dir, "report.html")
	if err := os.WriteFile(path, html.Bytes(), 0o644); err != nil { //nolint:gosec // meant to be read by everybody
		return none, err
	}
	return artifact.New(artifact.File(path)), nil
}
