package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"
)

// row is one line of the table.
type row struct {
	name, title string
	unit        unit
	measure     measurement
	budget      budget
	baselines   []baseline
	// show turns a figure into what the budget is about.
	show func(figure int64) string
}

// baseline is what else does the comparable part of a row's work.
type baseline struct {
	name    string
	measure measurement
}

// measurement does the work once in a directory of its own, which is empty, and returns the figure, of which less is better.
type measurement func(ctx context.Context, dir string) (int64, error)

// unit is what a figure is in.
type unit string

const nanoseconds unit = "ns"

// budget is what the row is to meet; its zero value is met by nothing and missed by nothing.
type budget struct {
	text  string
	most  int64   // the greatest figure, 0: any
	ratio float64 // the greatest ratio to the first baseline, 0: any
}

// unavailable is the error of a measurement that cannot be made here, and says why.
type unavailable struct{ why string }

func (u unavailable) Error() string { return u.why }

// result is a measured row, as it is printed.
type result struct {
	Name      string     `json:"name"`
	Title     string     `json:"title"`
	Unit      unit       `json:"unit"`
	Figure    int64      `json:"figure,omitempty"` // the median
	Best      int64      `json:"best,omitempty"`
	Worst     int64      `json:"worst,omitempty"`
	Budget    string     `json:"budget,omitempty"`
	Met       *bool      `json:"met,omitempty"` // absent without a budget
	Skipped   string     `json:"skipped,omitempty"`
	Baselines []compared `json:"baselines,omitempty"`
	show      func(int64) string
}

// compared is a measured baseline.
type compared struct {
	Name    string  `json:"name"`
	Figure  int64   `json:"figure,omitempty"`
	Ratio   float64 `json:"ratio,omitempty"` // the row's figure by this one: under 1, Tenon takes less
	Skipped string  `json:"skipped,omitempty"`
}

// run measures the row and its baselines in turn, so that a machine that changes its speed changes all of them.
func (r row) run(ctx context.Context, rounds int) (result, error) {
	out := result{Name: r.name, Title: r.title, Unit: r.unit, Budget: r.budget.text, show: r.show}
	all := []measurement{r.measure}
	for _, b := range r.baselines {
		all = append(all, b.measure)
	}
	figures, skipped := make([][]int64, len(all)), make([]string, len(all))
	for range rounds {
		for i, measure := range all {
			if skipped[i] != "" {
				continue
			}
			figure, err := once(ctx, measure)
			if why, is := errors.AsType[unavailable](err); is {
				skipped[i] = why.why
			} else if err != nil {
				return result{}, err
			} else {
				figures[i] = append(figures[i], figure)
			}
		}
	}
	if out.Skipped = skipped[0]; out.Skipped != "" {
		return out, nil
	}
	out.Figure, out.Best, out.Worst = median(figures[0]), slices.Min(figures[0]), slices.Max(figures[0])
	for i, b := range r.baselines {
		c := compared{Name: b.name, Skipped: skipped[i+1]}
		if c.Skipped == "" {
			c.Figure = median(figures[i+1])
			c.Ratio = float64(out.Figure) / float64(c.Figure)
		}
		out.Baselines = append(out.Baselines, c)
	}
	out.Met = r.budget.met(out)
	return out, nil
}

// met reports whether a result is within the budget, nil if that cannot be told.
func (b budget) met(r result) *bool {
	met := b.most == 0 || r.Figure <= b.most
	switch {
	case b.most == 0 && b.ratio == 0:
		return nil
	case b.ratio == 0:
	case len(r.Baselines) == 0 || r.Baselines[0].Skipped != "":
		return nil
	default:
		met = met && r.Baselines[0].Ratio <= b.ratio
	}
	return &met
}

func once(ctx context.Context, measure measurement) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "tenon-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	return measure(ctx, dir)
}

func median(figures []int64) int64 {
	figures = slices.Sorted(slices.Values(figures))
	return figures[len(figures)/2]
}

// took makes a measurement of something that tells how long its work took.
func took(fn func(ctx context.Context, dir string) (time.Duration, error)) measurement {
	return func(ctx context.Context, dir string) (int64, error) {
		d, err := fn(ctx, dir)
		return d.Nanoseconds(), err
	}
}
