package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// column of a grid.
type column struct {
	title string
	right bool // numbers
	flex  bool // gives way when the screen is narrow
	wrap  bool // if flex: in further lines, so that nothing is lost
	minor bool // left out when the screen is too narrow for all
}

// cell of a grid.
type cell struct{ text, style string }

// grid is an aligned table. Columns without any text are left out.
type grid struct {
	indent  string
	columns []column
	rows    [][]cell
}

func (g *grid) add(cells ...cell) { g.rows = append(g.rows, cells) }

// text is a cell in the default style.
func text(s string) cell { return cell{text: s} }

// write lays the grid out for the screen.
func (g *grid) write(b *strings.Builder, s *screen) {
	limit, _ := s.size()
	widths := g.widths(limit)
	titles := make([]cell, len(g.columns))
	titled := false
	for i, c := range g.columns {
		titles[i] = cell{c.title, dim}
		titled = titled || c.title != ""
	}
	if titled {
		g.line(b, s, widths, titles)
	}
	for _, r := range g.rows {
		g.line(b, s, widths, r)
	}
}

// line writes one row, in several lines if a cell wraps.
func (g *grid) line(b *strings.Builder, s *screen, widths []int, cells []cell) {
	for cells != nil {
		var rest []cell
		var line strings.Builder
		line.WriteString(g.indent)
		gap := 0
		for i, w := range widths {
			if w == 0 {
				continue
			}
			c := cells[i]
			if g.columns[i].wrap {
				var more string
				if c.text, more, _ = strings.Cut(wrap(c.text, w), "\n"); more != "" {
					if rest == nil {
						rest = make([]cell, len(cells))
					}
					rest[i] = cell{strings.ReplaceAll(more, "\n", " "), c.style}
				}
			}
			shown := fit(c.text, w)
			fill := w - textWidth(shown)
			if g.columns[i].right {
				gap += fill
			}
			if shown != "" {
				line.WriteString(strings.Repeat(" ", gap))
				line.WriteString(s.paint(c.style, shown))
				gap = 0
			}
			if !g.columns[i].right {
				gap += fill
			}
			gap += 2
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
		cells = rest
	}
}

// widths returns the width of each column, 0 for those left out.
func (g *grid) widths(limit int) []int {
	natural := make([]int, len(g.columns))
	for i, c := range g.columns {
		for _, r := range g.rows {
			natural[i] = max(natural[i], textWidth(r[i].text))
		}
		if natural[i] > 0 {
			natural[i] = max(natural[i], textWidth(c.title))
		}
	}
	for {
		widths, fits := g.shrink(natural, limit)
		last := -1
		for i, c := range g.columns {
			if c.minor && natural[i] > 0 {
				last = i
			}
		}
		if fits || last < 0 {
			return widths
		}
		natural[last] = 0
	}
}

// shrink takes from the widest flexible columns what is over the limit, and reports whether that was enough.
func (g *grid) shrink(natural []int, limit int) (widths []int, fits bool) {
	const least = 8
	widths = slices.Clone(natural)
	total := len(g.indent) - 2
	for _, w := range widths {
		if w > 0 {
			total += w + 2
		}
	}
	over := total - limit
	for ; limit > 0 && over > 0; over-- {
		widest := -1
		for i, c := range g.columns {
			if c.flex && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return widths, false
		}
		widths[widest]--
	}
	return widths, true
}

// writeJSON writes v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// duration in the precision that people read: 12ms, 1.2s, 3m04s, 1h02m.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return ""
	case d < time.Millisecond:
		return "<1ms"
	case d < 999500*time.Microsecond:
		return strconv.FormatInt(int64(d.Round(time.Millisecond)/time.Millisecond), 10) + "ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < 59500*time.Millisecond:
		return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + "s"
	}
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	if d < 48*time.Hour {
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// span is the duration between two times, "" if the first is not known. Until is used while the second is not known.
func span(from, to, until time.Time) string {
	if from.IsZero() {
		return ""
	}
	if to.IsZero() {
		to = until
	}
	return duration(max(0, to.Sub(from)))
}

// size of content in bytes.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, u := float64(n)/1024, 0
	for f >= 999.5 && u < len(units)-1 {
		f, u = f/1024, u+1
	}
	digits := 1
	if f >= 99.95 {
		digits = 0
	}
	return strconv.FormatFloat(f, 'f', digits, 64) + " " + units[u:u+1] + "iB"
}

// ago is a time relative to now, or a date if that says more.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := now.Sub(t)
	switch {
	case d < 0 && d > -time.Minute, d >= 0 && d < 2*time.Second:
		return "just now"
	case d < 0:
		return t.Local().Format(time.DateTime)
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", d/time.Hour)
	case d < 30*24*time.Hour:
		return fmt.Sprintf("%dd ago", d/(24*time.Hour))
	}
	return t.Local().Format(time.DateOnly)
}

// number is a metric's value for people.
func number(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }

// shortID is the part of an ID that is shown. It is unique unless two were made in the same millisecond.
func shortID(id string) string { return id[:min(13, len(id))] }

// shortIDs shortens the IDs of a list as far as they stay different.
func shortIDs(ids []string) []string {
	short := make([]string, len(ids))
	for _, n := range []int{13, 18, 23, 36} { // the ends of a UUID's groups
		seen := make(map[string]bool, len(ids))
		for i, id := range ids {
			short[i] = id[:min(n, len(id))]
			seen[short[i]] = true
		}
		if len(seen) == len(ids) {
			break
		}
	}
	return short
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
