package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) runShowCommand() *cobra.Command {
	var (
		f        format
		pipe     string
		elements bool
		watch    bool
	)
	cmd := &cobra.Command{
		Use:   "show RUN [flags]",
		Short: "Show a run: its steps, metrics, outputs and results",
		Long: "Show a run: its steps, metrics, outputs and results.\n\n" +
			"With --watch its progress is shown first, until it has ended, whatever program runs it: the exit code is 0 if it succeeded,\n" +
			"else 1. An interrupt ends the watching and leaves the run alone.",
		Example:           "tenon run show LAST\ntenon run show LAST --watch\ntenon run show LAST --pipeline penguins\ntenon run show 0199f3c2-7a1b -o json",
		Args:              arguments(1, 1, runReference),
		ValidArgsFunction: once(c.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				run, err := findRun(cmd.Context(), client.Metadata(), args[0], pipe)
				if err != nil {
					return err
				}
				if watch && !run.State.Ended() {
					if err := c.watch(cmd.Context(), client.Metadata(), run, f); err != nil {
						return err
					}
					if run, err = client.Metadata().Run(cmd.Context(), run.ID); err != nil {
						return err
					}
				}
				view, err := readRun(cmd.Context(), client.Metadata(), run, elements)
				if err != nil {
					return err
				}
				var broken []metadata.Step
				if !f.json() && !elements {
					if broken, err = failedElements(cmd.Context(), client.Metadata(), run.ID); err != nil {
						return err
					}
				}
				err = c.show(f, view, func(b *strings.Builder) { c.runText(b, view, elements, broken) })
				if err == nil && watch && run.State != metadata.RunSucceeded {
					err = &exitError{code: exitFailed}
				}
				return err
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().Var(&filled{&pipe, 200}, "pipeline", "look only among runs of the pipeline with this `name`")
	cmd.Flags().BoolVar(&elements, "elements", false, "list the elements of mapped steps too")
	cmd.Flags().BoolVar(&watch, "watch", false, "show the progress of the run until it has ended")
	f.add(cmd.Flags())
	return cmd
}

// failedElements returns the first elements that failed.
func failedElements(ctx context.Context, store metadata.Store, run string) ([]metadata.Step, error) {
	var failed []metadata.Step
	for s, err := range pages(func(cur metadata.Cursor) (metadata.Page[metadata.Step], error) {
		cur.Limit = 2 * mostMishaps
		return store.Steps(ctx, metadata.StepQuery{Run: run, States: []metadata.StepState{metadata.StepFailed}, Cursor: cur})
	}) {
		if err != nil {
			return nil, err
		}
		if s.Index >= 0 {
			failed = append(failed, s)
		}
		if len(failed) == mostMishaps {
			break
		}
	}
	return failed, nil
}

func (c *cli) runText(b *strings.Builder, v runView, elements bool, broken []metadata.Step) {
	heading := func(s string) { b.WriteString("\n" + c.out.paint(bold, s) + "\n") }
	facts := grid{columns: []column{{}, {flex: true, wrap: true}}}
	fact := func(name, value string) {
		if value != "" {
			facts.add(cell{name, dim}, text(value))
		}
	}
	took := span(v.Started, v.Finished, c.now())
	facts.add(cell{"run", dim}, cell{v.ID, bold})
	fact("name", oneLine(v.Name))
	fact("pipeline", oneLine(v.Pipeline))
	state := string(v.State)
	if took != "" {
		state += ", " + took
	}
	facts.add(cell{"state", dim}, cell{state, runStyle(v.State)})
	fact("created", when(v.Created, c.now()))
	fact("stack", oneLine(v.Stack))
	fact("tags", tagText(v.Tags))
	fact("params", paramText(v.Params))
	fact("driver", driverText(v))
	fact("cost", costText(v.Cost))
	facts.write(b, c.out)
	if v.Error != "" {
		b.WriteString("\n" + c.out.paint(red, errorText(v.Error)) + "\n")
	}
	if v.State == metadata.RunFailed || v.State == metadata.RunCancelled {
		b.WriteString("\n" + c.out.paint(dim, "to go on with it: "+c.call("run resume "+v.ID)) + "\n")
	}
	heading("Steps")
	c.stepGrid(b, v.withPending(), broken)
	c.questions(b, v)
	c.outputGrid(b, v, heading)
	if !elements {
		v.Metrics = gathered(v.Metrics)
	}
	c.metricGrid(b, v.Metrics, heading)
	if len(v.Outputs) > 0 {
		heading("Results")
		g := grid{indent: "  ", columns: []column{{}, {flex: true}, {}}}
		for _, name := range slices.Sorted(maps.Keys(v.Outputs)) {
			g.add(cell{name, bold}, text(brief(v.Outputs[name])), cell{factsOf(v.Outputs[name]), dim})
		}
		g.write(b, c.out)
	}
}

func when(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime) + " (" + ago(t, now) + ")"
}

func driverText(v runView) string {
	if v.State.Ended() || v.Driver.PID == 0 {
		return ""
	}
	return fmt.Sprintf("process %d on %s", v.Driver.PID, oneLine(v.Driver.Host))
}

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

// questions says how to answer the steps that wait for a person.
func (c *cli) questions(b *strings.Builder, v runView) {
	for _, s := range v.Steps {
		if s.State == metadata.StepWaiting {
			b.WriteString("\n  " + c.out.paint(dim, "to answer: "+c.call("run approve "+v.ID+" "+shellQuote(s.StepKey.Step))+", or reject") + "\n")
		}
	}
}

// call is how a person calls a command of tenon from here.
func (c *cli) call(command string) string {
	text := "tenon " + command
	if home, err := filepath.Abs(c.home); c.home != "" && (err != nil || !c.isUsual(home)) {
		text += " --home " + shellQuote(c.home)
	}
	return text
}

// isUsual reports whether a state directory is that of a command without --home, in whatever directory it is called.
func (c *cli) isUsual(home string) bool {
	usual := c.env("TENON_HOME")
	if user, err := os.UserHomeDir(); usual == "" && err == nil {
		usual = filepath.Join(user, ".tenon")
	}
	return filepath.IsAbs(usual) && filepath.Clean(usual) == home
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

func (c *cli) stepGrid(b *strings.Builder, steps []stepView, broken []metadata.Step) {
	costs := costColumns(steps)
	g := grid{indent: "  ", columns: []column{{}, {title: "STEP", flex: true}, {title: "STATE"}, {title: "TIME", right: true, minor: true}, {title: "TRIES", right: true, minor: true}}}
	g.columns = append(append(g.columns, costs...), column{title: "DETAIL", flex: true, wrap: true})
	add := func(s metadata.Step, cost metadata.Cost, question string) {
		look := appearance(stateOf(s.State))
		took, tries := span(s.Started, s.Finished, c.now()), ""
		if s.State == metadata.StepCached || s.State == metadata.StepSkipped || s.State == metadata.StepCancelled && s.Attempts == 0 {
			took = ""
		}
		if s.Attempts > 0 {
			tries = strconv.Itoa(s.Attempts)
		}
		style := dim
		if s.State == metadata.StepFailed {
			style = red
		}
		detail := c.why(s)
		if s.State == metadata.StepWaiting {
			detail, style = oneLine(question), bold
		}
		row := []cell{{look.symbol, look.style}, text(elementName(s.Step, s.Index)), {string(s.State), look.style}, text(took), text(tries)}
		g.add(append(append(row, costCells(costs, cost)...), cell{detail, style})...)
	}
	for _, s := range steps {
		add(s.Step, s.Cost, s.Question)
		for _, e := range broken {
			if e.Step == s.StepKey.Step {
				add(e, metadata.Cost{}, "")
			}
		}
	}
	g.write(b, c.out)
}

// why explains the state of a step.
func (c *cli) why(s metadata.Step) string {
	var parts []string
	if s.Elements > 0 && (s.State != metadata.StepFailed || s.Error == "") { // the error counts them
		parts = append(parts, count(s.Elements, "element"))
	}
	switch s.State {
	case metadata.StepCached:
		if s.Origin != nil {
			parts = append(parts, "from run "+shortID(s.Origin.Run)+", computed "+ago(s.Computed, c.now()))
		}
	case metadata.StepSkipped:
		parts = append(parts, oneLine(s.Skip))
	case metadata.StepFailed, metadata.StepCancelled, metadata.StepRetrying:
		parts = append(parts, briefError(s.Error))
	case metadata.StepSucceeded:
		if s.Uncached != "" {
			parts = append(parts, "not cached: "+oneLine(s.Uncached))
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

func (c *cli) outputGrid(b *strings.Builder, v runView, heading func(string)) {
	g := grid{indent: "  ", columns: []column{{title: "OUTPUT", flex: true}, {title: "VALUE", flex: true}, {title: "FACTS", minor: true}}}
	for _, s := range v.Steps {
		for _, o := range s.Outputs {
			name := elementName(s.StepKey.Step, s.Index)
			if o.Name != "output" {
				name += "/" + o.Name
			}
			g.add(text(name), text(brief(o.Record)), cell{factsOf(o.Record), dim})
		}
	}
	if len(g.rows) > 0 {
		heading("Outputs")
		g.write(b, c.out)
	}
}

func (c *cli) metricGrid(b *strings.Builder, metrics []metricView, heading func(string)) {
	g := grid{indent: "  ", columns: []column{
		{title: "STEP", flex: true}, {title: "METRIC", flex: true}, {title: "LAST", right: true},
		{title: "MIN", right: true, minor: true}, {title: "MAX", right: true, minor: true}, {title: "POINTS", right: true, minor: true}, {minor: true},
	}}
	for _, m := range metrics {
		last, least, most, of := number(float64(m.Last)), "", "", ""
		if m.Points > 1 {
			least, most = number(float64(m.Min)), number(float64(m.Max))
		}
		if m.elements > 1 {
			last, of = "", "of "+count(m.elements, "element")
		}
		g.add(text(elementName(m.Step, m.Index)), text(oneLine(m.Name)), text(last), text(least), text(most), text(strconv.Itoa(m.Points)), cell{of, dim})
	}
	if len(g.rows) > 0 {
		heading("Metrics")
		g.write(b, c.out)
	}
}

// resultNames lists the results of a run, those that were skipped among them.
func resultNames(run metadata.Run, skipped []string) []string {
	names := append(slices.Collect(maps.Keys(run.Outputs)), skipped...)
	slices.Sort(names)
	return slices.Compact(names)
}

// brief is one line that shows a value: a file by its name, a table by its columns, anything else by how it begins.
func brief(rec artifact.Record) string {
	const most = 60
	if name, ok := rec.Meta["name"].(string); ok && name != "" {
		return fit(oneLine(name), most)
	}
	if names := columnNames(rec); len(names) > 0 {
		return fit(oneLine(strings.Join(names, ", ")), most)
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(plainText(rec.Preview)), "\n")
	switch {
	case first == "":
		return fit(oneLine(rec.Type), most)
	case rest != "":
		return fit(first, most-2) + " …"
	}
	return fit(first, most)
}

// columnNames returns the names of the columns of a table.
func columnNames(rec artifact.Record) []string {
	columns, _ := rec.Meta["columns"].([]any)
	var names []string
	for _, c := range columns {
		column, _ := c.(map[string]any)
		if name, ok := column["name"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// factsOf is what a codec found out about a value: its size and extent.
func factsOf(rec artifact.Record) string {
	var parts []string
	if rec.Size >= 1024 { // the size of a number says nothing
		parts = append(parts, size(rec.Size))
	}
	if n, ok := wholeOf(rec.Meta["rows"]); ok {
		parts = append(parts, count(n, "row"))
	}
	if w, ok := wholeOf(rec.Meta["width"]); ok {
		if h, ok := wholeOf(rec.Meta["height"]); ok {
			parts = append(parts, fmt.Sprintf("%d×%d", w, h))
		}
	}
	if n, ok := wholeOf(rec.Meta["files"]); ok {
		parts = append(parts, count(n, "file"))
	}
	if len(rec.Elements) > 0 {
		parts = append(parts, count(len(rec.Elements), "element"))
	}
	return strings.Join(parts, ", ")
}

// wholeOf returns a number that a codec found out.
func wholeOf(meta any) (n int, ok bool) {
	switch n := meta.(type) {
	case float64: // from JSON
		return int(n), true
	case int:
		return n, true
	}
	return 0, false
}
