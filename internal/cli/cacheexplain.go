package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/why"
	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) cacheExplainCommand() *cobra.Command {
	var (
		f             format
		pipe, against string
	)
	cmd := &cobra.Command{
		Use:   "explain RUN STEP [flags]",
		Short: "Explain why a step ran, or where its result came from",
		Long: "Explain why a step of a run took its result from the cache, or why it did not and ran. An element of a mapped step is STEP[3].\n\n" +
			"A result is found by its key, a digest of all that it depends on: code, parameters, inputs, outside data, settings of the build. " +
			"A step that ran is compared with the earlier result that differs least, among the last 20 runs of the pipeline: what differs is named, " +
			"down to the declaration that changed and its file and line, or to the input and the step that made it. Then follows all that the key is made of.\n\n" +
			"Declarations are known of programs that \"go run\" started, on Linux. Of others the executable counts, in which every edit changes the code of every step.",
		Example:           "tenon cache explain LAST train\ntenon cache explain LAST 'score[3]'\ntenon cache explain nightly-2 train --against nightly-1\ntenon cache explain LAST train -o json",
		Args:              arguments(2, 2, "a run and a step"),
		ValidArgsFunction: c.completeRunSteps,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				x, err := explain(cmd.Context(), client, pipe, args[0], args[1], against)
				if err != nil {
					return err
				}
				return c.show(f, x.view(), func(b *strings.Builder) { c.explainText(b, x) })
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().Var(&filled{&pipe, 200}, "pipeline", "look only among runs of the pipeline with this `name`")
	cmd.Flags().Var(&filled{&against, 1000}, "against", "compare with this `run` in place of the earlier result that differs least")
	f.add(cmd.Flags())
	return cmd
}

// explained is what is known of one look into the cache.
type explained struct {
	run   *why.Run
	row   metadata.Step
	facts why.Facts
	node  *graph.Node
	verdict

	old   *earlier // that it was compared with; nil if with none
	diffs []why.Difference
}

// earlier is a step, or an element of it, that another is compared with.
type earlier struct {
	run   metadata.Run
	row   metadata.Step
	facts why.Facts
}

// nearRuns is among how many earlier runs a result to compare with is looked for.
const nearRuns = 20

func explain(ctx context.Context, client Client, pipe, ref, step, against string) (*explained, error) {
	store := client.Metadata()
	run, err := findRun(ctx, store, ref, pipe)
	if err != nil {
		return nil, err
	}
	x := &explained{}
	if x.run, err = why.Read(ctx, store, run); err != nil {
		return nil, err
	}
	if err := x.find(ctx, store, step); err != nil {
		return nil, err
	}
	if x.facts, err = x.run.Facts(ctx, x.row); err != nil {
		return nil, err
	}
	looked := x.row.State == metadata.StepSucceeded || x.row.State == metadata.StepCached || x.row.Attempts > 0
	switch {
	case against != "":
		err = x.compareWith(ctx, store, against, pipe)
	case looked && x.row.State != metadata.StepCached && x.facts.Code.Mode != "":
		err = x.compareNearest(ctx, store)
	}
	if err != nil {
		return nil, err
	}
	x.verdict, err = x.judge(ctx, client, looked)
	return x, err
}

// find finds the step that was named, or an element of it. One that the run has not come to is pending.
func (x *explained) find(ctx context.Context, store metadata.Store, name string) error {
	step, index := splitElement(name)
	_, node, err := x.run.Step(step)
	if errors.Is(err, component.ErrNotFound) {
		known := make([]string, len(x.run.Graph.Nodes))
		for i := range known {
			known[i] = x.run.Graph.Nodes[i].Name
		}
		return component.Errorf(component.NotFound, "run %s: %w", x.run.ID, unknown("step", step, known))
	}
	if err != nil {
		return err
	}
	x.node = node
	key := metadata.StepKey{Run: x.run.ID, Step: step, Index: -1}
	if node.Over == nil && index != nil {
		return usagef("step %.80q is not mapped: leave out [%d]", step, *index)
	}
	whole, err := why.Row(ctx, store, key)
	if errors.Is(err, component.ErrNotFound) {
		x.row = metadata.Step{StepKey: key, State: metadata.StepPending}
		return nil
	}
	if err != nil || node.Over == nil || whole.Elements == 0 {
		x.row = whole
		return err
	}
	if index == nil {
		return usagef("step %.80q ran once for each of %s: name one, such as %s", step, count(whole.Elements, "element"), shellQuote(step+"[0]"))
	}
	if *index >= whole.Elements {
		return usagef("step %.80q has %s: the last is %s", step, count(whole.Elements, "element"), shellQuote(elementName(step, whole.Elements-1)))
	}
	key.Index = *index
	x.row, err = why.Row(ctx, store, key)
	if errors.Is(err, component.ErrNotFound) {
		x.row, err = metadata.Step{StepKey: key, State: metadata.StepPending}, nil
	}
	return err
}

// compareWith compares with the same step of a run that was named.
func (x *explained) compareWith(ctx context.Context, store metadata.Store, ref, pipe string) error {
	run, err := findRun(ctx, store, ref, pipe)
	if err != nil {
		return err
	}
	r, err := why.Read(ctx, store, run)
	if err != nil {
		return err
	}
	row, err := why.Row(ctx, store, metadata.StepKey{Run: run.ID, Step: x.row.Step, Index: x.row.Index})
	if err != nil {
		return err
	}
	facts, err := r.Facts(ctx, row)
	if err != nil {
		return err
	}
	x.old, x.diffs = &earlier{run, row, facts}, why.Compare(facts, x.facts)
	return nil
}

// compareNearest compares with the earlier result that differs least.
func (x *explained) compareNearest(ctx context.Context, store metadata.Store) error {
	facts, diffs, found, err := why.Nearest(ctx, store, x.run.Pipeline, x.facts, nearRuns)
	if err != nil || !found {
		return err
	}
	run, err := store.Run(ctx, facts.Run)
	if err != nil {
		return err
	}
	row, err := why.Row(ctx, store, facts.StepKey)
	if err != nil {
		return err
	}
	x.old, x.diffs = &earlier{run, row, facts}, diffs
	return nil
}

// executable reports whether the step's code is known by the executable only.
func (x *explained) executable() bool { return x.facts.Code.Mode == fingerprint.ModeExecutable }
