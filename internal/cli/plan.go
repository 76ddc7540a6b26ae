package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/pipeline"
)

// exitChanges is the exit code of "plan --detailed-exitcode" if something would run; errors, also of usage, are exitFailed then.
const exitChanges = 2

// planOptions are the flags of plan: those of run, so that one word makes one of the other.
type planOptions struct {
	runOptions
	format   string
	detailed bool
	all      bool
}

func (c *cli) planCommand() *cobra.Command {
	o := &planOptions{}
	p := c.app.Program + " plan" + c.nameExample()
	cmd := &cobra.Command{
		Use:   "plan" + c.nameArgument() + " [flags]",
		Short: "Say what a run would do, and why",
		Long: "Say what a run with the same flags would do, before it does anything: which steps would run, and what changed since their last results; which " +
			"results would come from the cache; and about how long it would take, going by earlier runs.\n\n" +
			"A step that takes something from one that would run is said to depend on it: it runs too, unless the results turn out to be those of " +
			"before.\n\nNothing runs, and nothing is recorded. \"go run\" turns every exit code but 0 into 1: scripts that call a program through it and want to tell " +
			"changes from errors read -o json.",
		ValidArgsFunction: once(c.completePipelines),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.exit(c.planPipeline(cmd, o, args))
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return o.exit(cmd.Root().FlagErrorFunc()(cmd, err))
	})
	flags := cmd.Flags()
	o.choices(flags)
	flags.VarP(&choice{&o.format, []string{"text", "json", "markdown"}}, "output", "o", "`format` of the output: text, json, or markdown for the comment of a pull request (default text)")
	flags.BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 2 if something would run, 0 if nothing would, 1 on any error")
	flags.BoolVar(&o.all, "all", false, "show every step and every change, however many they are")
	c.describe(cmd, func() {
		cmd.Example = p + "\n" + p + " --set name=value\n" + p + " -o markdown > comment.md\n" + p + " --detailed-exitcode || echo \"something would run\""
	})
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// exit gives errors the exit code that the flags ask for.
func (o *planOptions) exit(err error) error {
	if changes := (*exitError)(nil); o.detailed && codeOf(err) == exitUsage && !(errors.As(err, &changes) && changes.err == nil) {
		return &exitError{exitFailed, err}
	}
	return err
}

func (c *cli) planPipeline(cmd *cobra.Command, o *planOptions, args []string) (err error) {
	s, err := c.submission(cmd, &o.runOptions, args)
	if err != nil {
		return err
	}
	client, err := c.open(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	plan, err := c.planned(cmd.Context(), client, s)
	if err != nil {
		return err
	}
	if err := c.showPlan(plan, o); err != nil {
		return err
	}
	if o.detailed && plan.Runs() {
		return &exitError{exitChanges, nil}
	}
	return nil
}

func (c *cli) planned(ctx context.Context, client Client, s pipeline.Submission) (pipeline.Plan, error) {
	plan, err := client.Plan(ctx, s)
	if err != nil {
		return plan, refusedInput(err)
	}
	return plan, nil
}

func (c *cli) showPlan(p pipeline.Plan, o *planOptions) error {
	var b strings.Builder
	switch o.format {
	case "json":
		return writeJSON(c.out.w, p)
	case "markdown":
		planMarkdown(&b, p, o.all)
	default:
		c.planText(&b, p, o.all)
	}
	_, err := io.WriteString(c.out.w, b.String())
	return err
}
