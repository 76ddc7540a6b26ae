package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// resumeOptions are the flags of resume.
type resumeOptions struct {
	accept bool
	format format
}

func (o *resumeOptions) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.accept, "accept-changes", false, "go on although the code of steps has changed since the run began")
	o.format.add(flags)
}

// replayOptions are the flags of replay.
type replayOptions struct {
	runOptions
	from []string
}

func (o *replayOptions) flags(flags *pflag.FlagSet) {
	flags.Var(&list{&o.from, 200}, "from", "`step` to run again, with all that depends on it; may be repeated")
	o.runOptions.flags(flags)
}

// resumeCommand is the command of a program that goes on with one of its runs.
func (c *cli) resumeCommand() *cobra.Command {
	var o resumeOptions
	cmd := &cobra.Command{
		Use:   "resume RUN [flags]",
		Short: "Go on with a run that did not succeed",
		Long: "Go on with a run that failed, was cancelled, or whose program was killed. What succeeded is not run again; all else is tried anew, " +
			"with the parameters that the run began with.\n\nA RUN is an ID, the beginning of an ID, a name, or LAST.",
		Args:              arguments(1, 1, "the run to go on with"),
		ValidArgsFunction: once(c.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.again(cmd.Context(), args[0], o.format, func(ctx context.Context, client Client, p pipeline.Definition, run metadata.Run) (pipeline.Submission, error) {
				return pipeline.Resumed(ctx, client, p, run.ID, pipeline.ResumeConfig{AcceptChanges: o.accept})
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	o.flags(cmd.Flags())
	c.describe(cmd, func() {
		cmd.Example = c.app.Program + " resume LAST\n" + c.app.Program + " resume nightly-7 --accept-changes"
	})
	return cmd
}

// replayCommand is the command of a program that makes a new run of an old one.
func (c *cli) replayCommand() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay RUN [flags]",
		Short: "Make a new run of an old one, with changes",
		Long: "Make a new run with the parameters, tags, stack and options of an old one, changed by --set and --config.\n\n" +
			"Steps named by --from, and all that depends on them, run again in any case; of the others the old results are used where code, " +
			"parameters and inputs are the same, also of steps that are never cached. Without --from the cache decides.",
		Args:              arguments(1, 1, "the run to replay"),
		ValidArgsFunction: once(c.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.again(cmd.Context(), args[0], o.format, func(ctx context.Context, client Client, p pipeline.Definition, run metadata.Run) (pipeline.Submission, error) {
				return c.replayed(ctx, client, p, run, &o)
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	o.flags(cmd.Flags())
	c.describe(cmd, func() {
		cmd.Example = c.app.Program + " replay LAST --set lr=0.2\n" + c.app.Program + " replay nightly-7 --from train"
	})
	return cmd
}

// replayed makes the submission of a replay.
func (c *cli) replayed(ctx context.Context, client Client, p pipeline.Definition, run metadata.Run, o *replayOptions) (pipeline.Submission, error) {
	recorded, params, err := pipeline.Recall(ctx, client, p, run.ID)
	if err != nil {
		return pipeline.Submission{}, err
	}
	in, err := c.inputOver(params, &o.input)
	if err != nil {
		return pipeline.Submission{}, err
	}
	config, err := o.config(in.config)
	if err != nil {
		return pipeline.Submission{}, err
	}
	program, err := p.Build(in.params)
	if err != nil {
		return pipeline.Submission{}, err
	}
	return pipeline.Submission{
		Pipeline: p, Params: in.params, Program: program, Config: config.Over(recorded.Config), Replay: &pipeline.Replay{Run: run.ID, From: o.from},
	}, nil
}

// again drives what prepare makes of a recorded run of one of the program's pipelines.
func (c *cli) again(ctx context.Context, ref string, f format, prepare func(context.Context, Client, pipeline.Definition, metadata.Run) (pipeline.Submission, error)) error {
	return c.withClient(ctx, func(client Client) error {
		run, err := findRun(ctx, client.Metadata(), ref, "")
		if err != nil {
			return err
		}
		p, err := c.pipelineNamed(run.Pipeline)
		if err != nil {
			return component.Errorf(component.FailedPrecondition, "run %s is of pipeline %s, which this program does not have: use the program that started it%s", run.ID, run.Pipeline, whereIs(run.Driver.Program))
		}
		s, err := prepare(ctx, client, p, run)
		if err != nil {
			return err
		}
		end, err := c.drive(ctx, client, s, f)
		if err != nil {
			return err
		}
		return c.report(ctx, client, f, end)
	})
}

func whereIs(p metadata.Program) string {
	if p.Package == "" {
		return ""
	}
	return ", " + p.Package
}
