package cli

import (
	"strings"

	"github.com/tenon-ml/tenon/metadata"
)

// costText sums up what was measured.
func costText(c metadata.Cost) string {
	var parts []string
	if c.CPU > 0 {
		parts = append(parts, duration(c.CPU)+" of CPU")
	}
	if c.PeakMemory > 0 {
		parts = append(parts, size(c.PeakMemory)+" of memory at most")
	}
	if c.Read > 0 {
		parts = append(parts, size(c.Read)+" read")
	}
	if c.Written > 0 {
		parts = append(parts, size(c.Written)+" written")
	}
	return strings.Join(parts, ", ")
}

// costColumns are the titles of the columns of what steps cost, as far as it was measured.
func costColumns(steps []stepView) []column {
	var sum metadata.Cost
	for _, s := range steps {
		sum = sum.Add(s.Cost)
	}
	var columns []column
	add := func(title string, measured bool) {
		if measured {
			columns = append(columns, column{title: title, right: true, minor: true})
		}
	}
	add("CPU", sum.CPU > 0)
	add("MEMORY", sum.PeakMemory > 0)
	return columns
}

// costCells are the cells of a step under columns.
func costCells(columns []column, c metadata.Cost) []cell {
	cells := make([]cell, len(columns))
	for i, col := range columns {
		switch {
		case col.title == "CPU" && c.CPU > 0:
			cells[i] = text(duration(c.CPU))
		case col.title == "MEMORY" && c.PeakMemory > 0:
			cells[i] = text(size(c.PeakMemory))
		}
	}
	return cells
}
