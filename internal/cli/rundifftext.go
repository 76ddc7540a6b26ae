package cli

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/jsonfloat"
	"github.com/tenon-ml/tenon/metadata"
)

// sameFloat compares as people do: NaN is like NaN.
func sameFloat(a, b jsonfloat.Float) bool {
	return a == b || math.IsNaN(float64(a)) && math.IsNaN(float64(b))
}

func (c *cli) diffText(b *strings.Builder, v diffView, sides [2]side, all bool) {
	c.diffHead(b, sides, all)
	d := diffLayout{c: c, b: b}
	section(&d, "Parameters", v.Params, func(_ string, raw json.RawMessage) string { return settingText(raw) })
	section(&d, "Code", atOnce(v.Code), func(_ string, code codeView) string { return shortDigest(code.Fingerprint) + ", " + code.Mode })
	c.declsText(b, v.Decls)
	section(&d, "Configuration", v.Config, configText)
	section(&d, "Inputs", v.Inputs, func(_ string, in inputView) string { return inputText(in) })
	section(&d, "Steps", v.Steps, func(_ string, end endView) string { return endText(end) })
	section(&d, "Metrics", v.Metrics, func(_ string, m metricView) string { return number(float64(m.Last)) })
	section(&d, "Results", v.Results, resultTexts(v.Results))
	if len(d.none) > 0 && !all {
		width, _ := c.out.size()
		b.WriteString("\n" + c.out.paint(dim, wrap("no difference in "+enumerate(d.none), width)) + "\n")
	}
}

// diffHead says which runs these are.
func (c *cli) diffHead(b *strings.Builder, sides [2]side, all bool) {
	g := grid{columns: []column{{}, {title: "A", flex: true, wrap: true}, {title: "B", flex: true, wrap: true}}}
	fact := func(name string, of func(s side) (text, style string), always bool) {
		textA, styleA := of(sides[0])
		textB, styleB := of(sides[1])
		if always || all || textA != textB {
			g.add(cell{name, dim}, cell{textA, styleA}, cell{textB, styleB})
		}
	}
	ids := shortIDs([]string{sides[0].ID, sides[1].ID})
	g.add(cell{"run", dim}, cell{ids[0], bold}, cell{ids[1], bold})
	fact("name", func(s side) (string, string) { return oneLine(s.Name), "" }, true)
	fact("pipeline", func(s side) (string, string) { return oneLine(s.Pipeline), "" }, false)
	fact("state", func(s side) (string, string) {
		state := string(s.State)
		if took := span(s.Started, s.Finished, c.now()); took != "" {
			state += ", " + took
		}
		return state, runStyle(s.State)
	}, true)
	fact("created", func(s side) (string, string) { return when(s.Created, c.now()), "" }, true)
	fact("tags", func(s side) (string, string) { return tagText(s.Tags), "" }, false)
	g.write(b, c.out)
}

// diffLayout writes sections.
type diffLayout struct {
	c    *cli
	b    *strings.Builder
	none []string // sections without anything in them
}

// section writes one table.
func section[T any](d *diffLayout, title string, list []difference[T], show func(name string, v T) string) {
	if len(list) == 0 {
		d.none = append(d.none, strings.ToLower(title))
		return
	}
	g := grid{indent: "  ", columns: []column{{}, {flex: true}, {flex: true}, {title: "A", flex: true, wrap: true}, {title: "B", flex: true, wrap: true}, {title: "CHANGE", right: true, minor: true}}}
	for _, e := range list {
		mark, style := "≠", yellow
		if e.Change == same {
			mark, style = "=", dim
		}
		g.add(cell{mark, style}, text(oneLine(e.Step)), text(oneLine(e.Name)), sideCell(e, e.A, show), sideCell(e, e.B, show), cell{growth(e), dim})
	}
	d.b.WriteString("\n" + d.c.out.paint(bold, title) + "\n")
	g.write(d.b, d.c.out)
}

func sideCell[T any](e difference[T], v *T, show func(string, T) string) cell {
	switch {
	case v == nil:
		return cell{"–", dim}
	case e.Change == same:
		return cell{show(e.Name, *v), dim}
	}
	return text(show(e.Name, *v))
}

// growth is by how much a metric changed.
func growth[T any](e difference[T]) string {
	if e.A == nil || e.B == nil {
		return ""
	}
	a, ok := any(*e.A).(metricView)
	b, _ := any(*e.B).(metricView)
	by := float64(b.Last - a.Last)
	if !ok || by == 0 || math.IsNaN(by) || math.IsInf(by, 0) {
		return ""
	}
	if by > 0 {
		return "+" + number(by)
	}
	return number(by)
}

// atOnce makes one line of steps whose code is the same, as it is where the whole program is fingerprinted.
func atOnce(list []difference[codeView]) []difference[codeView] {
	if len(list) < 2 {
		return list
	}
	first := list[0]
	for _, e := range list {
		if e.Change != first.Change || !sameCode(e.A, first.A) || !sameCode(e.B, first.B) {
			return list
		}
	}
	first.Step = "all " + count(len(list), "step")
	return []difference[codeView]{first}
}

func sameCode(a, b *codeView) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Fingerprint == b.Fingerprint)
}

// shortDigest is as much of a digest as people compare.
func shortDigest(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(len(hex), 12)]
}

// configText is a setting for people: durations with their unit, sizes in bytes.
func configText(name string, raw json.RawMessage) string {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	switch last := name[strings.LastIndexByte(name, '.')+1:]; {
	case err != nil:
		return settingText(raw)
	case n == -1:
		return "none"
	case slices.Contains([]string{"timeout", "ttl", "backoff", "max_backoff"}, last):
		return time.Duration(n).String()
	case last == "memory":
		return size(n)
	}
	return string(raw)
}

// settingText is a JSON value for people, a string without its quotes.
func settingText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		return oneLine(s)
	}
	return oneLine(string(raw))
}

func inputText(in inputView) string {
	text := shortDigest(string(in.Digest))
	if in.URI != "" {
		text = oneLine(in.URI) + ", " + text
	}
	if in.Version > 0 {
		text = "version " + strconv.Itoa(in.Version) + ", " + text
	}
	return text
}

func endText(end endView) string {
	text := string(end.State)
	if end.Seconds > 0 && (end.State == metadata.StepSucceeded || end.State == metadata.StepFailed) {
		text += ", " + duration(time.Duration(end.Seconds*float64(time.Second)))
	}
	if end.Elements > 0 {
		text += ", " + count(end.Elements, "element")
	}
	if end.Error != "" {
		text += ", " + fit(briefError(end.Error), 200)
	}
	return text
}

// resultTexts shows results: by their digest, too, where they look alike and are not.
func resultTexts(list []difference[artifact.Record]) func(name string, rec artifact.Record) string {
	show := func(rec artifact.Record) string {
		text := fit(brief(rec), 40)
		if facts := factsOf(rec); facts != "" {
			text += ", " + facts
		}
		return text
	}
	alike := map[string]bool{}
	for _, d := range list {
		alike[d.Name] = d.Change == changed && show(*d.A) == show(*d.B)
	}
	return func(name string, rec artifact.Record) string {
		if alike[name] {
			return show(rec) + ", " + shortDigest(string(rec.Digest))
		}
		return show(rec)
	}
}

// enumerate joins words as people do.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
