package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/pipeline"
)

// fewChanges is how many changes of a step are shown, unless all are asked for.
const fewChanges = 3

// planText prints a plan for people.
func (c *cli) planText(b *strings.Builder, p pipeline.Plan, all bool) {
	width, _ := c.out.size()
	b.WriteString(wrap(c.out.paint(bold, p.Pipeline)+": "+planHeadline(p), width) + "\n\n")
	shown, rest := planShown(p, all)
	g := grid{indent: "  ", columns: []column{{}, {flex: true}, {}, {right: true, minor: true}, {flex: true, wrap: true}}}
	for _, s := range shown {
		look := planLook(s.Action)
		took := ""
		if s.Took > 0 {
			took = duration(s.Took)
		}
		for i, line := range orBlank(planReasons(s, all)) {
			if i == 0 {
				g.add(cell{look.symbol, look.style}, cell{s.Name, planStyle(s.Action)}, cell{string(s.Action), look.style}, cell{took, dim}, cell{line, planStyle(s.Action)})
			} else {
				g.add(text(""), text(""), text(""), text(""), text(line))
			}
		}
	}
	g.write(b, c.out)
	if rest != "" {
		b.WriteString("  " + c.out.paint(dim, "… "+rest+"; --all shows them") + "\n")
	}
	if note := planNote(p); note != "" {
		b.WriteString("\n" + c.out.paint(dim, wrap(note, width)) + "\n")
	}
}

func orBlank(lines []string) []string {
	if len(lines) == 0 {
		return []string{""}
	}
	return lines
}

// planHeadline says in one line what a run would do: "3 of 7 steps would run, 1 depends on their results, about 1.2s".
func planHeadline(p pipeline.Plan) string {
	run, depend, ask := p.Count(pipeline.ActionRun), p.Count(pipeline.ActionDepends), p.Count(pipeline.ActionAsk)
	if !p.Runs() {
		if n := p.Count(pipeline.ActionSkip); n > 0 {
			return fmt.Sprintf("nothing would run: %d of %s cached, %d skipped", len(p.Steps)-n, count(len(p.Steps), "step"), n)
		}
		return "nothing would run: " + count(len(p.Steps), "step") + " cached"
	}
	text := fmt.Sprintf("%d of %s would run", run, count(len(p.Steps), "step"))
	if depend > 0 {
		text += fmt.Sprintf(", %d may", depend)
	}
	if ask > 0 {
		text += fmt.Sprintf(", %d would wait for a person", ask)
	}
	if p.Took > 0 {
		text += ", about " + duration(p.Took)
	}
	return text
}

// planNote explains what the table leaves open.
func planNote(p pipeline.Plan) string {
	var notes []string
	if p.Count(pipeline.ActionDepends) > 0 {
		notes = append(notes, "A step that depends on another runs too, unless the results are those of before.")
	}
	if n := len(p.Unmeasured); n > 0 && p.Took > 0 {
		few := p.Unmeasured[:min(n, 3)]
		names := enumerate(few)
		if n > len(few) {
			names = strings.Join(few, ", ") + " and " + count(n-len(few), "other")
		}
		notes = append(notes, "The time leaves out "+names+", which never ran before.")
	}
	return strings.Join(notes, " ")
}

// planShown chooses the steps to show: all of a few; of many those that may run. Rest says what is left out.
func planShown(p pipeline.Plan, all bool) (shown []pipeline.PlannedStep, rest string) {
	if all || len(p.Steps) <= mostRows/2 {
		return p.Steps, ""
	}
	var left []string
	quiet := func(s pipeline.PlannedStep) bool {
		return s.Action == pipeline.ActionCached || s.Action == pipeline.ActionSkip
	}
	shown = slices.DeleteFunc(slices.Clone(p.Steps), quiet)
	if n := p.Count(pipeline.ActionCached); n > 0 {
		left = append(left, fmt.Sprintf("%d cached", n))
	}
	if n := p.Count(pipeline.ActionSkip); n > 0 {
		left = append(left, fmt.Sprintf("%d skipped", n))
	}
	if n := len(shown) - mostRows; n > 0 {
		shown = shown[:mostRows]
		left = append(left, fmt.Sprintf("%d more that may run", n))
	}
	return shown, strings.Join(left, ", ")
}

// planReasons says why, one line for each change.
func planReasons(s pipeline.PlannedStep, all bool) []string {
	var lines []string
	switch {
	case s.Reason != "":
		lines = append(lines, oneLine(s.Reason))
	case s.From != "" && s.Elements != nil:
		return []string{count(s.Elements.Total, "element") + ", from run " + shortID(s.From)}
	case s.From != "":
		return []string{"from run " + shortID(s.From)}
	case s.Action == pipeline.ActionRun && len(s.Changes) == 0 && s.Since != "":
		lines = append(lines, "its result is no longer in the cache")
	case s.Action == pipeline.ActionRun && len(s.Changes) == 0:
		lines = append(lines, "it never ran before")
	}
	most := len(s.Changes)
	if !all && most > fewChanges+1 {
		most = fewChanges
	}
	for _, c := range s.Changes[:most] {
		lines = append(lines, oneLine(c.Text))
	}
	if n := len(s.Changes) - most; n > 0 {
		lines = append(lines, fmt.Sprintf("and %d more changes; --all shows them", n))
	}
	if s.Action == pipeline.ActionDepends && s.Reason == "" && len(s.After) > 0 {
		lines = append(lines, "depends on "+enumerate(s.After))
	}
	if e := s.Elements; e != nil && e.Total > 0 {
		lines = append(lines, elementsText(e))
	}
	return lines
}

// elementsText says what becomes of elements: "6 of 36 elements would run".
func elementsText(e *pipeline.PlannedElements) string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(len(e.Run), "would run")
	add(e.Depends, "may")
	add(e.Cached, "cached")
	add(e.Skip, "skipped")
	return "of " + count(e.Total, "element") + " " + strings.Join(parts, ", ")
}

func planLook(a pipeline.Action) look {
	switch a {
	case pipeline.ActionRun:
		return look{"●", cyan}
	case pipeline.ActionDepends:
		return look{"○", cyan}
	case pipeline.ActionAsk:
		return look{"◔", yellow}
	case pipeline.ActionCached:
		return look{"✓", dim}
	}
	return look{"–", dim}
}

// planStyle is that of the name and the reasons of a step.
func planStyle(a pipeline.Action) string {
	if a == pipeline.ActionCached || a == pipeline.ActionSkip {
		return dim
	}
	return ""
}
