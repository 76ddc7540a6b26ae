package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/internal/export"
)

const (
	// mostColumns are looked at: no screen has room for more.
	mostColumns = 100
	// mostCell is how many bytes of a cell are looked at.
	mostCell = 400
)

// glanceRows renders the first rows of a table: a line of names, one of types, and one a row.
func (c *cli) glanceRows(ctx context.Context, g *glance, content *export.Content, width, rows int) error {
	t, err := export.OpenTable(ctx, content)
	if err != nil {
		return err
	}
	defer t.Close()
	all := t.Columns()
	shown := all[:min(len(all), mostColumns)]
	table := grid{}
	names, types := make([]cell, len(shown)), make([]cell, len(shown))
	for i, col := range shown {
		table.columns = append(table.columns, column{right: col.Number, flex: col.Type == "string", minor: i > 0})
		names[i], types[i] = cell{columnText(col.Name), bold}, cell{columnType(col.Type), dim}
	}
	table.add(names...)
	table.add(types...)
	read := 0
	for row, err := range t.Rows(ctx) {
		if err != nil {
			return err
		}
		if read++; read > rows-2 {
			read--
			break
		}
		cells := make([]cell, len(shown))
		for i, col := range shown {
			cells[i] = cellOf(row.Cell(i), col)
		}
		table.add(cells...)
	}
	var left []string
	for i, w := range table.widths(width) {
		if w == 0 {
			left = append(left, columnText(all[i].Name))
		}
	}
	for _, col := range all[len(shown):] {
		left = append(left, columnText(col.Name))
	}
	table.write(&g.text, c.out)
	g.rest = c.leftOut(t.NumRows(), read, left, width)
	if g.rest == "" {
		g.text.WriteString(c.out.paint(dim, count(read, "row")) + "\n")
	}
	return nil
}

// leftOut says which rows and columns are not shown.
func (c *cli) leftOut(total int64, shown int, columns []string, width int) string {
	text := count(shown, "row")
	switch more := total > int64(shown); {
	case more:
		text = fmt.Sprintf("%d of %d rows", shown, total)
	case len(columns) == 0:
		return ""
	}
	if len(columns) == 0 {
		return text
	}
	text += ", without " + count(len(columns), "column") + ": " + strings.Join(columns[:min(len(columns), mostColumns)], ", ")
	if width > 0 {
		text = fit(text, width-2)
	}
	return text
}

// columnText is never empty, or the column would not be shown.
func columnText(name string) string {
	if name = oneLine(clipBytes(name, mostCell)); name == "" {
		return `""`
	}
	return name
}

func columnType(t string) string {
	if t == "[]uint8" {
		return "bytes"
	}
	return t
}

// cellOf is a value as a table shows it: floats in six digits if they have many, bytes as their number.
func cellOf(v export.Cell, col export.Column) cell {
	switch {
	case v.Null():
		return cell{"null", dim}
	case col.Type == "[]uint8":
		return text(count(v.Len(), "byte"))
	}
	s := v.Text()
	if strings.HasPrefix(col.Type, "float") && len(s) > 10 {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return text(number(f))
		}
	}
	return text(oneLine(clipBytes(s, mostCell)))
}
