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

	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) runShowCommand() *cobra.Command {
	var (
		f        format
		pipe     string
		elements bool
		all      bool
		watch    bool
	)
	cmd := &cobra.Command{
		Use:   "show RUN [flags]",
		Short: "Show a run: its steps, metrics, outputs and results",
		Long: "Show a run: its steps, metrics, outputs and results.\n\n" +
			"With --watch its progress is shown first, until it has ended, whatever program runs it: the exit code is 0 if it succeeded,\n" +
			"else 1. An interrupt ends the watching and leaves the run alone.\n\n" +
			"Of a run of many steps those are shown that failed, wait or run, and the first others; --all and -o json show all.",
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
				view, err := readRun(cmd.Context(), client.Metadata(), run, elements, f.json())
				if err != nil {
					return err
				}
				var broken []metadata.Step
				if !f.json() && !elements {
					if broken, err = failedElements(cmd.Context(), client.Metadata(), run.ID); err != nil {
						return err
					}
				}
				err = c.show(f, view, func(b *strings.Builder) { c.runText(b, view, elements, all, broken) })
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
	cmd.Flags().BoolVar(&all, "all", false, "show all steps, outputs, metrics and parameters, however many there are")
	cmd.Flags().BoolVar(&watch, "watch", false, "show the progress of the run until it has ended")
	f.add(cmd.Flags())
	return cmd
}

// failedElements returns the first elements that failed.
func failedElements(ctx context.Context, store metadata.Store, run string) ([]metadata.Step, error) {
	var failed []metadata.Step
	q := metadata.StepQuery{Run: run, States: []metadata.StepState{metadata.StepFailed}, Cursor: metadata.Cursor{Limit: 2 * mostMishaps}}
	for s, err := range metadata.All(ctx, store.Steps, q) {
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

func (c *cli) runText(b *strings.Builder, v runView, elements, all bool, broken []metadata.Step) {
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
	fact("params", paramText(v.Params, all))
	fact("driver", driverText(v))
	fact("cost", costText(v.Cost))
	facts.write(b, c.out)
	if v.Error != "" {
		b.WriteString("\n" + c.out.paint(red, errorText(v.Error)) + "\n")
	}
	if v.State == metadata.RunFailed || v.State == metadata.RunCancelled {
		b.WriteString("\n" + c.out.paint(dim, "to go on with it: "+c.call("run resume "+v.ID)) + "\n")
		if failed := slices.IndexFunc(v.Steps, failedItself); failed >= 0 {
			b.WriteString(c.out.paint(dim, "to call the failed step in a Go test: "+c.call("run repro "+v.ID+" "+shellQuote(elementName(v.Steps[failed].StepKey.Step, v.Steps[failed].Index)))) + "\n")
		}
	}
	heading("Steps")
	v.Steps = v.withPending()
	var rest map[metadata.StepState]int
	if all = all || elements; !all {
		v.Steps, rest = abridged(v.Steps)
	}
	c.stepGrid(b, v.Steps, broken)
	c.restText(b, rest)
	c.questions(b, v)
	c.outputGrid(b, v, all, heading)
	if !elements {
		v.Metrics = gathered(v.Metrics)
	}
	c.metricGrid(b, v.Metrics, all, heading)
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

func (c *cli) outputGrid(b *strings.Builder, v runView, all bool, heading func(string)) {
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
	c.tableOf("Outputs", "output", b, g, all, heading)
}

// failedItself reports whether an attempt of a step failed that is not mapped.
func failedItself(s stepView) bool {
	return s.State == metadata.StepFailed && s.Elements == 0 && s.Attempts > 0
}

// tableOf writes a table under its heading, if it has rows.
func (c *cli) tableOf(title, noun string, b *strings.Builder, g grid, all bool, heading func(string)) {
	if len(g.rows) == 0 {
		return
	}
	lost := 0
	if !all {
		lost = g.abridge()
	}
	heading(title)
	g.write(b, c.out)
	if lost > 0 {
		c.hidden(b, count(lost, "more "+noun))
	}
}

func (c *cli) metricGrid(b *strings.Builder, metrics []metricView, all bool, heading func(string)) {
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
	c.tableOf("Metrics", "metric", b, g, all, heading)
}

// resultNames lists the results of a run, those that were skipped among them.
func resultNames(run metadata.Run, skipped []string) []string {
	names := append(slices.Collect(maps.Keys(run.Outputs)), skipped...)
	slices.Sort(names)
	return slices.Compact(names)
}
