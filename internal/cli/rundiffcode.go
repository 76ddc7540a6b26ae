package cli

import (
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/internal/why"
)

// declDiff is a declaration that changed, and the steps that reach it.
type declDiff struct {
	why.Decl
	Steps []string `json:"steps"`
}

// declDiffs lists the declarations that changed, as far as they are recorded of both runs.
func declDiffs(a, b side, code []difference[codeView]) []declDiff {
	all := []declDiff{}
	place := map[why.Decl]int{}
	for _, d := range code {
		if d.Change != changed || !a.made.Has(d.A.Fingerprint) || !b.made.Has(d.B.Fingerprint) {
			continue
		}
		for _, decl := range why.Decls(a.made.Parts(d.A.Fingerprint), b.made.Parts(d.B.Fingerprint)) {
			i, ok := place[decl]
			if !ok {
				i = len(all)
				place[decl] = i
				all = append(all, declDiff{Decl: decl})
			}
			all[i].Steps = append(all[i].Steps, d.Step)
		}
	}
	return all
}

// declsText lists changed declarations under the code of the steps.
func (c *cli) declsText(b *strings.Builder, decls []declDiff) {
	g := grid{indent: "  ", columns: []column{{}, {flex: true, wrap: true}, {flex: true, minor: true}}}
	for _, d := range decls[:min(len(decls), manyDecls)] {
		g.add(cell{"≠", yellow}, text(oneLine(d.String())), cell{stepsText(d.Steps), dim})
	}
	g.write(b, c.out)
	if more := len(decls) - manyDecls; more > 0 {
		b.WriteString("  " + strconv.Itoa(more) + " more: -o json lists all\n")
	}
}

func stepsText(steps []string) string {
	if len(steps) > 3 {
		return count(len(steps), "step")
	}
	return oneLine(strings.Join(steps, ", "))
}
