package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/metadata"
)

// frame is a board as it is drawn at one moment.
type frame struct {
	width, height int // 0 is unlimited
	color         bool
	now           time.Time
	bare          bool // without the line that sums up: something else does
}

// render returns the lines of the board, at most height of them: all steps if they fit, else the ones that are active or
// changed last, with the number of the others.
func (f frame) render(b *board) []string {
	room := len(b.rows)
	if f.height > 0 && room+1 > f.height {
		room = max(1, f.height-2)
	}
	shown := b.pick(room)
	names := 0
	for _, i := range shown {
		names = max(names, textWidth(b.rows[i].name))
	}
	if f.width > 0 {
		names = min(names, max(8, f.width/3))
	}
	lines := make([]string, 0, len(shown)+2)
	for _, i := range shown {
		lines = append(lines, f.row(&b.rows[i], names))
	}
	if hidden := len(b.rows) - len(shown); hidden > 0 {
		lines = append(lines, f.clip(paint(f.color, dim, "  … "+f.rest(b, shown))))
	}
	if f.bare {
		return lines
	}
	return append(lines, f.footer(b))
}

// pick chooses at most room rows, in the order of the graph.
func (b *board) pick(room int) []int {
	all := make([]int, len(b.rows))
	for i := range all {
		all[i] = i
	}
	if room >= len(all) {
		return all
	}
	rank := func(i int) int {
		switch s := b.rows[i].state; {
		case s.active():
			return 0
		case s == failed:
			return 1
		case s.ended():
			return 2
		case s == ready:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(all, func(x, y int) int {
		if d := rank(x) - rank(y); d != 0 {
			return d
		}
		return b.rows[y].changed - b.rows[x].changed
	})
	chosen := all[:room]
	slices.Sort(chosen)
	return chosen
}

// rest counts the rows that are not shown, by state.
func (f frame) rest(b *board, shown []int) string {
	counts := b.counts
	for _, i := range shown {
		counts[b.rows[i].state]--
	}
	counts[pending] += counts[ready]
	counts[ready] = 0
	return strconv.Itoa(len(b.rows)-len(shown)) + " more: " + tally(counts)
}

// tally lists counts by state: "3 cached, 1 failed".
func tally(counts [numStates]int) string {
	var parts []string
	for s := pending; s < numStates; s++ {
		if counts[s] > 0 {
			parts = append(parts, strconv.Itoa(counts[s])+" "+s.String())
		}
	}
	return strings.Join(parts, ", ")
}

func (f frame) footer(b *board) string {
	counts := b.counts
	counts[pending], counts[ready] = 0, 0
	text := strconv.Itoa(b.ended()) + "/" + count(len(b.rows), "step")
	if d := span(b.started, b.finished, f.now); d != "" {
		text += " · " + d
	}
	if t := tally(counts); t != "" {
		text += " · " + strings.ReplaceAll(t, ", ", " · ")
	}
	if b.state == metadata.RunCancelling {
		text = "cancelling · " + text
	}
	return f.clip(paint(f.color, dim, "  "+text))
}

func (f frame) row(r *row, names int) string {
	const stateWidth, timeWidth = 9, 6
	narrow := f.width > 0 && f.width < 60
	look := appearance(r.state)
	var line strings.Builder
	line.WriteString(paint(f.color, look.style, look.symbol) + " ")
	name := pad(fit(r.name, names), names)
	if r.state == pending || r.state == ready {
		name = paint(f.color, dim, name)
	}
	line.WriteString(name)
	if !narrow {
		line.WriteString("  " + paint(f.color, look.style, pad(r.state.String(), stateWidth)))
	}
	took := ""
	if r.state != cached && r.state != skipped {
		took = span(r.started, r.finished, f.now)
	}
	line.WriteString("  " + strings.Repeat(" ", max(0, timeWidth-textWidth(took))) + paint(f.color, dim, took))
	if detail := f.detail(r); detail != "" {
		line.WriteString("  " + detail)
	}
	return f.clip(strings.TrimRight(line.String(), " "))
}

// detail is what there is to say of a step beside its state.
func (f frame) detail(r *row) string {
	var parts []string
	if done, total, known := r.progress(); known && (r.state.active() || r.mapped && r.state.ended() && total > 0) {
		parts = append(parts, f.bar(r, done, total))
	}
	if r.attempt > 1 {
		parts = append(parts, paint(f.color, dim, "attempt "+strconv.Itoa(r.attempt)))
	}
	if told := r.mapped && r.counts[failed] > 0; r.reason != "" && !told {
		style := dim
		if r.state == failed {
			style = red
		}
		parts = append(parts, paint(f.color, style, briefError(r.reason)))
	}
	return strings.Join(parts, "  ")
}

// bar draws how far a step is; with an unknown total it only counts.
func (f frame) bar(r *row, done, total int64) string {
	if total <= 0 {
		return strconv.FormatInt(done, 10)
	}
	done = max(0, min(done, total))
	parts := []string{strconv.FormatInt(done, 10) + "/" + strconv.FormatInt(total, 10)}
	if n := r.counts[failed]; n > 0 {
		parts = append(parts, paint(f.color, red, strconv.Itoa(n)+" failed"))
	}
	for _, s := range []state{cached, cancelled} {
		if n := r.counts[s]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+s.String())
		}
	}
	label := strings.Join(parts, ", ")
	if r.state.ended() {
		return label
	}
	cells := 20
	if f.width > 0 {
		cells = max(5, min(cells, f.width/5))
	}
	full := int(int64(cells) * min(done, 1<<40) / min(total, 1<<40))
	if total > 1<<40 {
		full = int(float64(cells) * float64(done) / float64(total))
	}
	return paint(f.color, cyan, strings.Repeat("━", full)) + paint(f.color, dim, strings.Repeat("─", cells-full)) + " " + label
}

func (f frame) clip(line string) string { return fit(line, f.width) }

type look struct{ symbol, style string }

// appearance of a state.
func appearance(s state) look {
	switch s {
	case running:
		return look{"●", cyan}
	case retrying:
		return look{"↻", yellow}
	case waiting:
		return look{"◔", yellow}
	case succeeded:
		return look{"✓", green}
	case cached:
		return look{"✓", dim}
	case skipped:
		return look{"–", dim}
	case failed:
		return look{"✗", red}
	case cancelled:
		return look{"✗", yellow}
	}
	return look{"○", dim}
}
