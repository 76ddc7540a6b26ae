package main

import (
	"context"
	"image"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/tenon-ml/tenon/artifact"
)

// PlotIn is the input of plot.
type PlotIn struct {
	Model artifact.Ref[Model]
	Test  artifact.Ref[[]Penguin]
	Loss  artifact.Ref[[]float64]
}

// Plot draws the test penguins, with those that the model got wrong, beside the training loss. An image is stored as PNG.
func Plot(_ context.Context, in PlotIn) (artifact.Ref[image.Image], error) {
	measured, err := scatter(in.Model.Value(), in.Test.Value())
	if err != nil {
		return artifact.Ref[image.Image]{}, err
	}
	loss, err := curve(in.Loss.Value())
	if err != nil {
		return artifact.Ref[image.Image]{}, err
	}
	canvas := vgimg.NewWith(vgimg.UseWH(10*vg.Inch, 4*vg.Inch), vgimg.UseDPI(144))
	halves := draw.Tiles{Rows: 1, Cols: 2, PadX: 24, PadTop: 8, PadBottom: 8, PadLeft: 8, PadRight: 16}
	page := draw.New(canvas)
	measured.Draw(halves.At(page, 0, 0))
	loss.Draw(halves.At(page, 1, 0))
	return artifact.New[image.Image](canvas.Image()), nil
}

// palette has a colour for each species, which also people who see few colours can tell apart.
var palette = []color.Color{
	color.RGBA{R: 0xE6, G: 0x7E, B: 0x22, A: 0xFF},
	color.RGBA{R: 0x8E, G: 0x44, B: 0xAD, A: 0xFF},
	color.RGBA{R: 0x16, G: 0x88, B: 0x7A, A: 0xFF},
}

func scatter(model Model, penguins []Penguin) (*plot.Plot, error) {
	p := newPlot("Test penguins", "bill length (mm)", "flipper length (mm)")
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Min, p.Y.Max = 175, 245 // room for the legend
	var wrong plotter.XYs
	for i, species := range Species {
		var points plotter.XYs
		for _, penguin := range ofSpecies(penguins, species) {
			at := plotter.XY{X: penguin.BillLength, Y: penguin.FlipperLength}
			points = append(points, at)
			if model.Predict(penguin) != species {
				wrong = append(wrong, at)
			}
		}
		if err := addPoints(p, species, points, draw.GlyphStyle{Color: palette[i], Radius: 3, Shape: draw.CircleGlyph{}}); err != nil {
			return nil, err
		}
	}
	return p, addPoints(p, "mistaken", wrong, draw.GlyphStyle{Color: color.Black, Radius: 6, Shape: draw.RingGlyph{}})
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
	p := newPlot("Training", "epoch", "cross-entropy")
	points := make(plotter.XYs, len(losses))
	for i, loss := range losses {
		points[i] = plotter.XY{X: float64(i), Y: loss}
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = palette[2], 2
	p.Add(line)
	p.Y.Min = 0
	return p, nil
}

// newPlot returns a plot without data.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding, p.X.Label.Padding, p.Y.Label.Padding = 8, 4, 4
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.Title.TextStyle.Font.Size, p.Legend.Padding = 14, 2
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 0xE4}, color.Gray{Y: 0xE4}
	p.Add(grid)
	return p
}
