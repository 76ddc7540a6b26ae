package main

import (
	"context"
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// ChartIn is the input of chart.
type ChartIn struct {
	Delays   artifact.Ref[[]Delay]
	Late     int64
	Airports int
}

// Chart draws the share of late flights, an airport in each row and a month in each column. An image is stored as PNG.
func Chart(ctx context.Context, in ChartIn) (artifact.Ref[image.Image], error) {
	g := newGrid(in.Delays.Value(), in.Airports)
	if len(g.months) == 0 {
		return artifact.Ref[image.Image]{}, step.Permanent(fmt.Errorf("no month has %d flights, of which a share would mean something", fewest))
	}
	p := plot.New()
	p.Title.Text = fmt.Sprintf("Share of flights more than %d minutes late", in.Late)
	p.Title.Padding, p.Title.TextStyle.Font.Size = 12, 14
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font.Variant = "Sans"
	}
	p.Add(g)
	p.NominalX(g.months...)
	p.NominalY(g.airports...)
	p.X.Padding, p.Y.Padding = 4, 4
	p.Y.Tick.Label.YAlign = -0.56 // level with the numbers
	width, height := vg.Length(len(g.months))*columnWidth+margin, vg.Length(len(g.airports))*rowHeight+margin
	canvas := vgimg.NewWith(vgimg.UseWH(max(width, 4.5*vg.Inch), height), vgimg.UseDPI(144))
	p.Draw(draw.Crop(draw.New(canvas), 10, -14, 10, -12))
	step.Logger(ctx).Info("to look at it: go run ./cmd/tenon artifact get LAST/chart -o chart.png")
	return artifact.New[image.Image](canvas.Image()), nil
}

const (
	columnWidth = 0.9 * vg.Inch
	rowHeight   = 0.24 * vg.Inch
	margin      = 1.1 * vg.Inch
)

// Plot implements plot.Plotter.
func (g grid) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	label := p.X.Tick.Label
	label.XAlign, label.YAlign = text.XCenter, -0.4 // digits stand on the line, nothing hangs below it
	for at, share := range g.share {
		left, right := x(float64(at[0])-0.5)+1, x(float64(at[0])+0.5)-1
		low, high := y(float64(at[1])-0.5)+0.5, y(float64(at[1])+0.5)-0.5
		heat := g.heat(share)
		c.FillPolygon(shade(heat), []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}})
		label.Color = color.Black
		if heat > 0.55 {
			label.Color = color.White
		}
		c.FillText(label, vg.Point{X: (left + right) / 2, Y: (low + high) / 2}, fmt.Sprintf("%.0f %%", 100*share))
	}
}

// DataRange implements plot.DataRanger.
func (g grid) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -0.5, float64(len(g.months)) - 0.5, -0.5, float64(len(g.airports)) - 0.5
}

// shades are the colours for 0, one half and 1.
var shades = [3]color.RGBA{{0xFD, 0xF1, 0xE3, 0xFF}, {0xE6, 0x7E, 0x22, 0xFF}, {0x6E, 0x2C, 0x00, 0xFF}}

func shade(heat float64) color.Color {
	heat *= 2
	from, to := shades[0], shades[1]
	if heat > 1 {
		from, to, heat = shades[1], shades[2], heat-1
	}
	between := func(a, b uint8) uint8 { return uint8(float64(a) + heat*(float64(b)-float64(a)) + 0.5) }
	return color.RGBA{between(from.R, to.R), between(from.G, to.G), between(from.B, to.B), 0xFF}
}
