package cli

import (
	"fmt"
	"strings"

	"github.com/tenon-ml/tenon/pipeline"
)

// planMarkdown prints a plan for the comment of a pull request. A step's name, a value or a path may hold anything: it is escaped.
func planMarkdown(b *strings.Builder, p pipeline.Plan, all bool) {
	fmt.Fprintf(b, "### Plan of %s\n\n**%s**\n", escapeMarkdown(p.Pipeline), escapeMarkdown(planHeadline(p)))
	var cached, skipped []string
	rows, most := 0, mostRows
	if all {
		most = len(p.Steps)
	}
	for _, s := range p.Steps {
		switch s.Action {
		case pipeline.ActionCached:
			cached = append(cached, s.Name)
			continue
		case pipeline.ActionSkip:
			skipped = append(skipped, s.Name+": "+s.Reason)
			continue
		}
		if rows++; rows > most {
			continue
		}
		if rows == 1 {
			b.WriteString("\n| Step | | Why | Time |\n|---|---|---|---:|\n")
		}
		took := ""
		if s.Took > 0 {
			took = duration(s.Took)
		}
		reasons := planReasons(s, all)
		for i := range reasons {
			reasons[i] = escapeMarkdown(reasons[i])
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", escapeMarkdown(s.Name), s.Action, strings.Join(reasons, "<br>"), took)
	}
	if rows > most {
		fmt.Fprintf(b, "\n… and %d more.\n", rows-most)
	}
	details(b, count(len(cached), "step")+" from the cache", cached)
	details(b, count(len(skipped), "step")+" skipped", skipped)
	if note := planNote(p); note != "" {
		b.WriteString("\n" + escapeMarkdown(note) + "\n")
	}
}

// details is a list that is folded away.
func details(b *strings.Builder, summary string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n", summary)
	for _, item := range items {
		b.WriteString("- " + escapeMarkdown(item) + "\n")
	}
	b.WriteString("\n</details>\n")
}

// escapeMarkdown makes text mean itself in a cell of a table.
func escapeMarkdown(s string) string {
	const special = "\\`*_{}[]<>()#+!|~&@"
	var b strings.Builder
	for _, r := range oneLine(s) {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
