package main

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strconv"

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
	Scores artifact.Ref[[]Score]
	Best   artifact.Ref[Score]
}

// Plot draws the loss of every setting over the penalty, with a line for each degree. An image is stored as PNG.
func Plot(_ context.Context, in PlotIn) (artifact.Ref[image.Image], error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "Cross-validation", "penalty", "cross-entropy, with its standard error"
	p.Title.Padding, p.X.Label.Padding, p.Y.Label.Padding = 8, 4, 4
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.Title.TextStyle.Font.Size, p.Legend.Padding = 14, 2
	p.Legend.Top, p.Legend.XOffs = true, -160
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks(1), ticks(1, 2, 5)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 0xE4}, color.Gray{Y: 0xE4}
	p.Add(grid)
	for degree := 1; degree <= len(palette); degree++ {
		if err := addLine(p, degree, in.Scores.Value()); err != nil {
			return artifact.Ref[image.Image]{}, err
		}
	}
	ring, err := plotter.NewScatter(plotter.XYs{at(in.Best.Value())})
	if err != nil {
		return artifact.Ref[image.Image]{}, err
	}
	ring.GlyphStyle = draw.GlyphStyle{Color: color.Black, Radius: 7, Shape: draw.RingGlyph{}}
	p.Add(ring)
	p.Legend.Add("best", ring)
	p.Y.Max += 0.1
	canvas := vgimg.NewWith(vgimg.UseWH(8*vg.Inch, 4.5*vg.Inch), vgimg.UseDPI(144))
	p.Draw(draw.Crop(draw.New(canvas), 8, -16, 8, -8))
	return artifact.New[image.Image](canvas.Image()), nil
}

// palette has a colour for each degree, which also people who see few colours can tell apart.
var palette = []color.Color{
	color.RGBA{R: 0x16, G: 0x88, B: 0x7A, A: 0xFF},
	color.RGBA{R: 0x8E, G: 0x44, B: 0xAD, A: 0xFF},
	color.RGBA{R: 0xE6, G: 0x7E, B: 0x22, A: 0xFF},
	color.RGBA{R: 0x2C, G: 0x3E, B: 0x50, A: 0xFF},
}

// ticks marks the given multiples of the powers of ten on an axis of decimal logarithms.
func ticks(multiples ...float64) plot.TickerFunc {
	return func(low, high float64) []plot.Tick {
		var all []plot.Tick
		for exponent := math.Floor(low); exponent <= high; exponent++ {
			for _, m := range multiples {
				if at := exponent + math.Log10(m); at >= low && at <= high {
					all = append(all, plot.Tick{Value: at, Label: strconv.FormatFloat(m*math.Pow(10, exponent), 'g', 3, 64)})
				}
			}
		}
		return all
	}
}

// curve is what a line of the plot goes through.
type curve struct {
	plotter.XYs
	plotter.YErrors
}

// at returns where a score is drawn: both axes are logarithmic, and have no 0.
func at(s Score) plotter.XY {
	return plotter.XY{X: math.Log10(s.Penalty), Y: math.Log10(max(s.Loss, 1e-9))}
}

func addLine(p *plot.Plot, degree int, scores []Score) error {
	scores = slices.DeleteFunc(slices.Clone(scores), func(s Score) bool { return s.Degree != degree })
	if len(scores) == 0 {
		return nil
	}
	slices.SortFunc(scores, func(a, b Score) int { return cmp.Compare(a.Penalty, b.Penalty) })
	var c curve
	for _, s := range scores {
		low, high := s, s
		low.Loss, high.Loss = max(s.Loss-s.Error, s.Loss/10), s.Loss+s.Error
		c.XYs = append(c.XYs, at(s))
		c.YErrors = append(c.YErrors, struct{ Low, High float64 }{at(s).Y - at(low).Y, at(high).Y - at(s).Y})
	}
	line, points, err := plotter.NewLinePoints(c)
	if err != nil {
		return err
	}
	bars, err := plotter.NewYErrorBars(c)
	if err != nil {
		return err
	}
	line.Color, line.Width = palette[degree-1], 2
	points.GlyphStyle = draw.GlyphStyle{Color: palette[degree-1], Radius: 3, Shape: draw.CircleGlyph{}}
	bars.Color, bars.Width = palette[degree-1], 1
	p.Add(bars, line, points)
	p.Legend.Add(fmt.Sprintf("degree %d", degree), line, points)
	return nil
}
