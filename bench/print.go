package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// printer prints the results of one run.
type printer interface {
	begin(m machine, rounds int) error
	row(r result) error
	end() error
}

// newPrinter returns the printer of a format.
func newPrinter(out io.Writer, format string) (printer, error) {
	switch format {
	case "markdown":
		return &markdown{out: out}, nil
	case "json":
		return &document{out: out}, nil
	default:
		return nil, fmt.Errorf("o: %q is neither markdown nor json", format)
	}
}

// markdown prints each row when it is measured. A row with several baselines has a line for each.
type markdown struct{ out io.Writer }

func (p *markdown) begin(m machine, rounds int) error {
	_, err := fmt.Fprintf(p.out, "%s; median of %d rounds.\n\n| work | measured | budget | met | baseline in the same run | ratio |\n|---|---|---|---|---|---|\n", m, rounds)
	return err
}

func (p *markdown) row(r result) error {
	var measured, met string
	switch {
	case r.Skipped != "":
		measured = "not measured: " + r.Skipped
	case r.Met != nil && *r.Met:
		measured, met = r.show(r.Figure), "yes"
	case r.Met != nil:
		measured, met = r.show(r.Figure), "**no**"
	default:
		measured = r.show(r.Figure)
	}
	cells := []string{r.Title, measured, r.Budget, met}
	lines := r.Baselines
	if len(lines) == 0 {
		lines = []compared{{}}
	}
	for _, b := range lines {
		name, ratio := b.Name, ""
		switch {
		case b.Skipped != "":
			name = fmt.Sprintf("%s, not measured: %s", b.Name, b.Skipped)
		case name != "":
			name, ratio = fmt.Sprintf("%s (%s)", r.show(b.Figure), b.Name), fmt.Sprintf("%.2f", b.Ratio)
		}
		line := strings.Join(append(cells[:4:4], name, ratio), " | ")
		if _, err := fmt.Fprintf(p.out, "| %s |\n", strings.ReplaceAll(line, "\n", " ")); err != nil {
			return err
		}
		cells = make([]string, 4)
	}
	return nil
}

func (p *markdown) end() error { return nil }

// document prints everything at the end, as one JSON object.
type document struct {
	out     io.Writer
	Machine machine  `json:"machine"`
	Rounds  int      `json:"rounds"`
	Rows    []result `json:"rows"`
}

func (p *document) begin(m machine, rounds int) error {
	p.Machine, p.Rounds = m, rounds
	return nil
}

func (p *document) row(r result) error {
	p.Rows = append(p.Rows, r)
	return nil
}

func (p *document) end() error {
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	return e.Encode(p)
}
