package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// runOptions are the flags of run.
type runOptions struct {
	input    inputOptions
	stack    string
	name     string
	tags     map[string]string
	noCache  bool
	parallel int
	runner   string
	format   format
}

func (o *runOptions) flags(flags *pflag.FlagSet) {
	o.choices(flags)
	o.format.add(flags)
}

// choices adds the flags that say how to run, for commands with formats of their own.
func (o *runOptions) choices(flags *pflag.FlagSet) {
	o.input.flags(flags)
	flags.Var(&filled{&o.stack, 200}, "stack", "`name` of the stack to run on (default: the active one)")
	flags.Var(&filled{&o.name, 200}, "name", "`name` of the run, to find it by")
	flags.Var(&pairs{&o.tags, "team=vision"}, "tag", "`key=value` to find the run by; may be repeated")
	flags.BoolVar(&o.noCache, "no-cache", false, "run every step, although its result may be known")
	flags.Var(&whole{&o.parallel, 1, 1 << 20}, "parallel", "largest `number` of attempts at once (default: the stack's)")
	flags.Var(&filled{&o.runner, 200}, "runner", "`name` of the way to run every step, such as goroutine or process (default: the stack's)")
}

// config returns the run configuration: the file's, overlaid with the flags.
func (o *runOptions) config(file pipeline.RunConfig) (pipeline.RunConfig, error) {
	c := file
	if o.stack != "" {
		c.Stack = o.stack
	}
	if o.name != "" {
		c.Name = o.name
	}
	if o.parallel != 0 {
		c.Parallel = o.parallel
	}
	c.NoCache = c.NoCache || o.noCache
	if o.runner != "" {
		c.Steps = withRunner(c.Steps, o.runner)
	}
	for k, v := range o.tags {
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		c.Tags[k] = v
	}
	if err := c.Validate(); err != nil {
		return c, usage(err)
	}
	return c, nil
}

// withRunner lets every step run in one way.
func withRunner(steps step.Configs, runner string) step.Configs {
	all := step.Configs{"*": {}}
	maps.Copy(all, steps)
	for name, c := range all {
		c.Runner = runner
		all[name] = c
	}
	return all
}

func (c *cli) runCommand() *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:               "run" + c.nameArgument() + " [flags]",
		Short:             "Run a pipeline",
		Long:              "Run a pipeline, and wait for its end. Steps whose result is known are not run again.\n\nAn interrupt (Ctrl-C) cancels the run: running steps are asked to stop. A second one ends the program at once.",
		ValidArgsFunction: once(c.completePipelines),
		RunE:              func(cmd *cobra.Command, args []string) error { return c.runPipeline(cmd, o, args) },
	}
	o.flags(cmd.Flags())
	c.describe(cmd, func() { cmd.Example = c.runExamples() })
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// runPipeline runs the pipeline that a command line asks for.
func (c *cli) runPipeline(cmd *cobra.Command, o *runOptions, args []string) error {
	s, err := c.submission(cmd, o, args)
	if err != nil {
		return err
	}
	client, err := c.open(cmd.Context())
	if err != nil {
		return err
	}
	end, err := c.drive(cmd.Context(), client, s, o.format)
	if err == nil {
		err = c.report(cmd.Context(), client, o.format, end)
	}
	return errors.Join(err, client.Close())
}

// submission makes the run that a command line asks for. It checks everything that can be checked before anything is opened, so that bad input
// leaves no trace.
func (c *cli) submission(cmd *cobra.Command, o *runOptions, args []string) (s pipeline.Submission, err error) {
	p, err := c.choose(cmd, args)
	if err != nil {
		return s, err
	}
	in, err := c.input(p, &o.input)
	if err != nil {
		return s, err
	}
	config, err := o.config(in.config)
	if err != nil {
		return s, err
	}
	program, err := p.Build(in.params)
	if err != nil {
		return s, err
	}
	return pipeline.Submission{Pipeline: p, Params: in.params, Program: program, Config: config}, c.preflight(cmd.Context(), program, config, in)
}

// ending is how a run ended.
type ending struct {
	id          string
	steps       int // of the graph
	skipped     []string
	err         error
	interrupted bool
}

// telling returns an observer that shows what happens, and how to answer a step that waits for a person.
func (c *cli) telling(shown progress) func(pipeline.Event) {
	return func(e pipeline.Event) {
		shown.event(e)
		if e.Kind == pipeline.EventStep && e.StepState == metadata.StepWaiting {
			shown.note("to answer: " + c.call("run approve "+e.Run+" "+shellQuote(e.Step)) + ", or reject")
		}
	}
}

// drive submits a run, shows its progress and waits for its end. After an interrupt it waits for the graceful end of the run.
func (c *cli) drive(ctx context.Context, client Client, s pipeline.Submission, f format) (ending, error) {
	defer holdPipes()()
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	shown := c.progress(newBoard(s.Program.Graph), f, func(err error) { cancel(&exitError{exitBrokenPipe, nil}) })
	defer shown.close()
	defer c.redirect(shown, f)()
	defer c.notes.during(shown)()
	s.Config.Observer = c.telling(shown)
	handle, err := client.Submit(runCtx, s)
	if err != nil {
		return ending{}, refusedInput(err)
	}
	stopNote := context.AfterFunc(runCtx, func() {
		shown.note("cancelling: waiting for the running steps; interrupt again to end at once")
	})
	_, skipped, err := handle.Wait(context.WithoutCancel(ctx))
	stopNote()
	if cause := context.Cause(runCtx); cause != nil && errors.As(cause, new(*exitError)) {
		return ending{}, cause
	}
	return ending{id: handle.ID(), steps: len(s.Program.Graph.Nodes), skipped: skipped, err: err, interrupted: ctx.Err() != nil}, nil
}

// refusedInput marks an error about a submission as bad input, if it names a stack, a source or a step that does not exist.
func refusedInput(err error) error {
	if code := component.CodeOf(err); code == component.NotFound || code == component.Invalid {
		return usage(err)
	}
	return err
}

// progress chooses how to show a run.
func (c *cli) progress(b *board, f format, broken func(error)) progress {
	if !c.err.live() {
		return newLines(c.err.w, b, broken)
	}
	l := newLive(c.err, b, c.now, broken)
	l.summed = c.out.file != nil && !f.json()
	return l
}

// report prints how a run ended and turns it into an exit code.
func (c *cli) report(ctx context.Context, client Client, f format, end ending) error {
	ctx = context.WithoutCancel(ctx)
	run, err := client.Metadata().Run(ctx, end.id)
	if err != nil {
		return errors.Join(end.err, err)
	}
	if f.json() {
		view, err := readRun(ctx, client.Metadata(), run, false, true)
		if err != nil {
			return err
		}
		err = writeJSON(c.out.w, view)
		if err != nil {
			return err
		}
	} else if err := c.summary(ctx, client, run, end); err != nil {
		return err
	}
	switch {
	case run.State == metadata.RunSucceeded && end.err != nil:
		return fmt.Errorf("read the results of run %s: %w", run.ID, end.err)
	case run.State == metadata.RunSucceeded:
		return nil
	case end.interrupted:
		return &exitError{code: exitInterrupted}
	}
	return &exitError{code: exitFailed}
}

// summary prints the end of a run for people.
func (c *cli) summary(ctx context.Context, client Client, run metadata.Run, end ending) error {
	counts, err := client.Metadata().CountSteps(ctx, run.ID)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("\n" + c.headline(run, end.steps, counts) + "\n")
	if run.Error != "" {
		b.WriteString("  " + strings.ReplaceAll(errorText(run.Error), "\n", "\n  ") + "\n")
	}
	results := grid{indent: "  ", columns: []column{{}, {flex: true}, {}}}
	for _, name := range resultNames(run, end.skipped) {
		if rec, ok := run.Outputs[name]; ok {
			results.add(cell{name, bold}, text(brief(rec)), cell{factsOf(rec), dim})
		} else {
			results.add(cell{name, bold}, cell{"skipped", dim}, text(""))
		}
	}
	if len(results.rows) > 0 {
		b.WriteString("\n")
		results.write(&b, c.out)
	}
	b.WriteString("\n  " + c.out.paint(dim, c.call("run show "+run.ID)) + "\n")
	_, err = c.out.w.Write([]byte(b.String()))
	return err
}

// headline says how a run ended, in one line. Counts are of steps and, in place of mapped steps, of their elements.
func (c *cli) headline(run metadata.Run, steps int, counts map[metadata.StepState]int) string {
	total := 0
	for _, n := range counts {
		total += n
	}
	look := look{"✗", red}
	switch {
	case run.State == metadata.RunSucceeded:
		look = appearance(succeeded)
	case run.State == metadata.RunCancelled:
		look = appearance(cancelled)
	case !run.State.Ended():
		look = appearance(running)
	}
	text := c.out.paint(look.style, look.symbol) + " " + c.out.paint(bold, run.Pipeline) + " " + c.out.paint(look.style, string(run.State))
	if !run.Started.IsZero() {
		text += " in " + span(run.Started, run.Finished, c.now())
	}
	what := count(total, "step")
	if total > steps {
		what += " and elements"
	}
	text += fmt.Sprintf(", %d of %s cached", counts[metadata.StepCached], what)
	if n := counts[metadata.StepFailed]; n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	if n := counts[metadata.StepSkipped]; n > 0 {
		text += fmt.Sprintf(", %d skipped", n)
	}
	return text
}

// shellQuote quotes a word for a shell if it needs it.
func shellQuote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%=,"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
