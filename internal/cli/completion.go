package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/stack"
)

// completion says what may stand at a place of the command line. It must be quick, must write nothing, and has nobody to tell an error
// to: what cannot be read is not offered.
type completion = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

const offered = 50 // rows at most: nobody reads more

// completeFlags registers what completes the values of flags, for all commands under cmd. The errors of registering say that a flag
// does not exist, or has a completion already.
func (c *cli) completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch v := f.Value.(type) {
		case interface{ choices() []string }:
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(v.choices(), cobra.ShellCompDirectiveNoFileComp))
		case *settings:
			_ = cmd.RegisterFlagCompletionFunc(f.Name, c.completeSettings)
		}
		switch f.Name {
		case "stack":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, c.completeStacks)
		case "run", "against":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, c.completeRuns)
		case "pipeline":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, c.completeRecordedPipelines)
		case "name", "tag", "limit", "after", "parallel", "step", "from", "note", "by", "older-than", "keep-last", "keep-size", "grace":
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	})
	for _, sub := range cmd.Commands() {
		c.completeFlags(sub)
	}
}

// once limits a completion to the first argument.
func once(complete completion) completion {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, toComplete)
	}
}

// offer reads what to offer from what is recorded.
func (c *cli) offer(cmd *cobra.Command, read func(context.Context, metadata.Store) []string) ([]string, cobra.ShellCompDirective) {
	var found []string
	_ = c.withClient(cmd.Context(), func(client Client) error {
		found = read(cmd.Context(), client.Metadata())
		return nil
	})
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeRuns offers LAST, and recent runs by name or ID.
func (c *cli) completeRuns(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return c.offer(cmd, func(ctx context.Context, store metadata.Store) []string {
		found := []string{}
		add := func(ref, about string) {
			if strings.HasPrefix(ref, toComplete) && !slices.Contains(args, ref) {
				found = append(found, ref+"\t"+about)
			}
		}
		for i, r := range recentRuns(ctx, store, offered) {
			about := oneLine(r.Pipeline) + " " + string(r.State) + " " + ago(r.Created, c.now())
			if i == 0 {
				add("LAST", about)
			}
			if !strings.ContainsAny(r.Name, "\t\n") {
				add(r.Name, about)
			}
			if toComplete != "" {
				add(r.ID, about)
			}
		}
		return found
	})
}

func recentRuns(ctx context.Context, store metadata.Store, most int) []metadata.Run {
	page, err := store.Runs(ctx, metadata.RunQuery{Cursor: metadata.Cursor{Limit: most}})
	if err != nil {
		return nil
	}
	return page.Items
}

// completeRunSteps offers runs, and then the steps of the run.
func (c *cli) completeRunSteps(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return c.completeRuns(cmd, args, toComplete)
	case 1:
		return c.offer(cmd, func(ctx context.Context, store metadata.Store) []string { return stepNames(ctx, store, args[0]) })
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func stepNames(ctx context.Context, store metadata.Store, ref string) []string {
	run, err := findRun(ctx, store, ref, "")
	if err != nil {
		return nil
	}
	page, err := store.Steps(ctx, metadata.StepQuery{Run: run.ID, NoElements: true, Cursor: metadata.Cursor{Limit: 1000}})
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range page.Items {
		names = append(names, s.Step)
	}
	return names
}

// completeArtifacts offers runs, and behind the slash the outputs of the run; for a pipeline its results, and behind "@" their versions.
func (c *cli) completeArtifacts(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if name, _, versioned := strings.Cut(toComplete, "@"); versioned {
		return c.offer(cmd, func(ctx context.Context, store metadata.Store) []string { return completeVersions(ctx, store, name) })
	}
	ref, _, inside := strings.Cut(toComplete, "/")
	if !inside {
		runs, _ := c.completeRuns(cmd, args, toComplete)
		for i := range runs {
			name, about, _ := strings.Cut(runs[i], "\t")
			runs[i] = name + "/\t" + about
		}
		names, _ := c.completeNames(cmd, args, toComplete)
		for _, name := range names {
			runs = append(runs, name+"@")
		}
		return runs, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return c.offer(cmd, func(ctx context.Context, store metadata.Store) []string {
		run, err := findRun(ctx, store, ref, "")
		if err != nil {
			var found []string
			for _, name := range resultNamesOf(ctx, store) {
				if strings.HasPrefix(name, toComplete) {
					found = append(found, name+"@latest")
				}
			}
			return found
		}
		page, err := store.Artifacts(ctx, metadata.ArtifactQuery{Run: run.ID, Cursor: metadata.Cursor{Limit: 1000}})
		if err != nil {
			return nil
		}
		var found []string
		for _, a := range page.Items {
			if a.Index < 0 { // elements are too many
				found = append(found, ref+"/"+outputName(a)+"\t"+brief(a.Record))
			}
		}
		return found
	})
}

func (c *cli) completeStacks(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.offer(cmd, func(ctx context.Context, store metadata.Store) []string {
		names := []string{stack.DefaultName}
		stacks, _ := store.Stacks(ctx)
		for _, s := range stacks {
			names = append(names, s.Name)
		}
		return names
	})
}

// completeRecordedPipelines offers the pipelines of recent runs.
func (c *cli) completeRecordedPipelines(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.offer(cmd, func(ctx context.Context, store metadata.Store) []string {
		var names []string
		for _, r := range recentRuns(ctx, store, offered) {
			names = append(names, r.Pipeline)
		}
		slices.Sort(names)
		return slices.Compact(names)
	})
}

func (c *cli) completeFlavors(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var found []string
	for _, f := range c.flavors() {
		found = append(found, f.Kind()+"/"+f.Name()+"\t"+oneLine(f.Doc()))
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func (c *cli) completePipelines(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return c.pipelineNames(), cobra.ShellCompDirectiveNoFileComp
}

// completeSettings offers the parameters of the pipeline that is named, or the only one.
func (c *cli) completeSettings(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	p, err := c.choose(cmd, args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var found []string
	for _, view := range paramsOf(p).Params {
		found = append(found, view.Name+"=\t"+oneLine(view.Doc))
	}
	return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
