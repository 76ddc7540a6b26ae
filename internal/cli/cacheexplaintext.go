package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/internal/why"
	"github.com/tenon-ml/tenon/metadata"
)

// manyDecls are so many changed declarations as a person reads.
const manyDecls = 20

func (c *cli) explainText(b *strings.Builder, x *explained) {
	style := map[lookup]string{hit: green, miss: yellow}[x.outcome]
	g := grid{columns: []column{{}, {flex: true, wrap: true}}}
	fact := func(name, text, style string) {
		if text != "" {
			g.add(cell{name, dim}, cell{text, style})
		}
	}
	fact("step", elementName(oneLine(x.row.Step), x.row.Index), bold)
	fact("run", c.runNamed(x.run.Run), "")
	fact("cache", string(x.outcome)+": "+oneLine(x.reason), style)
	if x.outcome == hit {
		fact("computed", when(x.row.Computed, c.now()), "")
	}
	fact("remedy", oneLine(x.remedy), "")
	if x.old != nil {
		fact("against", c.runNamed(x.old.run), "")
	}
	fact("key", x.row.CacheKey, "")
	g.write(b, c.out)
	c.explainDifferences(b, x)
	c.explainKey(b, x)
	for _, note := range x.noteTexts() {
		width, _ := c.out.size()
		b.WriteString("\n" + c.out.paint(dim, wrap(note, width)) + "\n")
	}
}

func (c *cli) runNamed(r metadata.Run) string {
	return strings.TrimSpace(oneLine(r.Name) + " (" + r.ID + "), " + ago(r.Created, c.now()))
}

// explainDifferences lists what differs from the earlier result, what comes first in the key first.
func (c *cli) explainDifferences(b *strings.Builder, x *explained) {
	if x.old == nil {
		return
	}
	b.WriteString("\n" + c.out.paint(bold, "Differences") + "\n")
	if len(x.diffs) == 0 {
		b.WriteString("  none\n")
		return
	}
	g := grid{indent: "  ", columns: []column{{}, {flex: true}, {flex: true, wrap: true}}}
	for i, d := range x.diffs {
		style := ""
		if i == 0 {
			style = bold
		}
		field := d.Field()
		mark := "≠"
		for _, line := range differenceLines(d) {
			g.add(cell{mark, yellow}, cell{oneLine(field), style}, cell{oneLine(line), style})
			mark, field = "", ""
		}
	}
	g.write(b, c.out)
}

// differenceLines say how a field changed, without its name.
func differenceLines(d why.Difference) []string {
	change := orNone(d.Old) + " → " + orNone(d.New)
	switch {
	case len(d.Decls) > 0:
		lines := make([]string, 0, min(len(d.Decls), manyDecls+1))
		for i, decl := range d.Decls {
			if i == manyDecls {
				lines = append(lines, fmt.Sprintf("%d more: -o json lists all", len(d.Decls)-i))
				break
			}
			lines = append(lines, decl.String())
		}
		return lines
	case d.Note != "":
		return []string{d.Note}
	case d.Kind == why.InInput && d.NewStep != nil:
		return []string{change + ", from step " + elementName(d.NewStep.Step, d.NewStep.Index) + movedFrom(d)}
	}
	return []string{change}
}

// movedFrom says that an input came from another step before.
func movedFrom(d why.Difference) string {
	if d.OldStep == nil || d.OldStep.Step == d.NewStep.Step && d.OldStep.Index == d.NewStep.Index {
		return ""
	}
	return ", before from " + elementName(d.OldStep.Step, d.OldStep.Index)
}

func orNone(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// explainKey lists what the key is made of.
func (c *cli) explainKey(b *strings.Builder, x *explained) {
	g := grid{indent: "  ", columns: []column{{flex: true}, {flex: true, wrap: true}}}
	differs := map[string]bool{}
	for _, d := range x.diffs {
		differs[d.Field()] = true
	}
	for _, r := range keyRows(x) {
		style := dim
		if differs[r.field] {
			style = yellow
		}
		g.add(cell{oneLine(r.field), style}, text(oneLine(r.value)))
	}
	b.WriteString("\n" + c.out.paint(bold, "Key") + "\n")
	g.write(b, c.out)
}

type keyRow struct{ field, value string }

func keyRows(x *explained) []keyRow {
	f := x.facts
	rows := []keyRow{{"code", codeText(f.Code)}}
	add := func(kind why.Kind, name, value string) { rows = append(rows, keyRow{string(kind) + " " + name, value}) }
	for _, p := range f.Params {
		add(why.InParam, p.Name, fit(string(p.Value), 200))
	}
	rows = append(rows, keyRow{string(why.InVersion), orNone(f.Version)})
	for _, s := range f.Build {
		if name, value, _ := strings.Cut(s, "="); value != "" { // what is not set is of no interest
			add(why.InBuild, name, value)
		}
	}
	for _, s := range f.Sources {
		add(why.InSource, s.Field, s.URI+", "+shortDigest(s.Digest))
	}
	for _, in := range f.Inputs {
		value := orNone(shortDigest(string(in.Digest)))
		switch {
		case in.Step != nil && in.Step.Run != x.run.ID:
			value += ", from step " + elementName(in.Step.Step, in.Step.Index) + " of run " + shortID(in.Step.Run)
		case in.Step != nil:
			value += ", from step " + elementName(in.Step.Step, in.Step.Index)
		default:
			value += ", from " + in.From.String()
		}
		add(why.InInput, in.Name, value)
	}
	for _, o := range f.Outputs {
		add(why.InOutput, o.Name, o.Type+", "+o.Codec)
	}
	return rows
}

func codeText(code why.Code) string {
	if code.Mode == "" {
		return "none: it waits for a person"
	}
	value := shortDigest(code.Fingerprint) + ", " + string(code.Mode)
	if n := code.Declarations(); n > 0 {
		value += " of " + count(n, "declaration")
	}
	return value + ", " + code.Func
}

// noteTexts say what limits the explanation.
func (x *explained) noteTexts() []string {
	var notes []string
	if x.executable() {
		notes = append(notes, "The code is known by the executable alone, so that any edit of the program makes every step run again. Started by \"go run\" on Linux, "+
			"only edits of what a step may reach count, and are named here.")
	}
	if since := x.run.Driver.Since; x.run.Epoch > 1 && !x.row.Finished.IsZero() && x.row.Finished.Before(since.Add(-time.Millisecond)) {
		notes = append(notes, "The run was resumed after this step had ended: its code and build are those of the program that resumed it.")
	}
	return notes
}
