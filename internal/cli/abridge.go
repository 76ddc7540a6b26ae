package cli

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/metadata"
)

const (
	// mostRows bounds the rows of a table of a run, unless all are asked for.
	mostRows = 100
	// mostParams bounds the parameters of a run in bytes, unless all are asked for.
	mostParams = 500
)

// abridged chooses the steps to show: all if they are few, otherwise those that somebody may have to look at, and as many others as there is room
// for. Their order stays. What is left out is counted by state.
func abridged(steps []stepView) (shown []stepView, rest map[metadata.StepState]int) {
	if len(steps) <= mostRows {
		return steps, nil
	}
	keep, room := make([]bool, len(steps)), mostRows
	choose := func(wanted func(metadata.StepState) bool) {
		for i := range steps {
			if room > 0 && !keep[i] && wanted(steps[i].State) {
				keep[i] = true
				room--
			}
		}
	}
	choose(notable)
	choose(func(metadata.StepState) bool { return true })
	rest = map[metadata.StepState]int{}
	for i, s := range steps {
		if keep[i] {
			shown = append(shown, s)
		} else {
			rest[s.State]++
		}
	}
	return shown, rest
}

// notable reports whether somebody may have to look at a step, or wait for it.
func notable(s metadata.StepState) bool {
	switch s {
	case metadata.StepFailed, metadata.StepWaiting, metadata.StepRetrying, metadata.StepRunning:
		return true
	}
	return false
}

// restText says what is left out, and how to see it.
func (c *cli) restText(b *strings.Builder, rest map[metadata.StepState]int) {
	var parts []string
	n := 0
	for _, s := range metadata.StepStates() {
		if rest[s] > 0 {
			n += rest[s]
			parts = append(parts, strconv.Itoa(rest[s])+" "+string(s))
		}
	}
	if n > 0 {
		c.hidden(b, count(n, "more step")+": "+strings.Join(parts, ", "))
	}
}

func (c *cli) hidden(b *strings.Builder, what string) {
	b.WriteString("  " + c.out.paint(dim, "… "+what+"; --all shows them") + "\n")
}

// abridge shortens a table to its first rows, and returns how many it has lost.
func (g *grid) abridge() (lost int) {
	lost = max(0, len(g.rows)-mostRows)
	g.rows = g.rows[:len(g.rows)-lost]
	return lost
}

// paramText is a JSON value in one line for people, with spaces at which it may be wrapped. What is long is cut off, unless all is asked for.
func paramText(raw json.RawMessage, all bool) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case all || len(raw) <= mostParams:
		return oneLine(jsonText(raw, math.MaxInt))
	}
	text := strings.ReplaceAll(strings.ToValidUTF8(string(raw[:mostParams]), ""), ",", ", ")
	return oneLine(text) + " … of " + size(int64(len(raw))) + "; --all shows them"
}
