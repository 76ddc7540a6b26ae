package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
)

// doomedRun is a run that is to be deleted, or was.
type doomedRun struct {
	Run      string            `json:"run"`
	Name     string            `json:"name"`
	Pipeline string            `json:"pipeline"`
	State    metadata.RunState `json:"state"`
	Created  time.Time         `json:"created"`
	Bytes    int64             `json:"bytes"` // that it computed and has in the artifact store; others may use them
}

func doomed(r metadata.Run) doomedRun {
	return doomedRun{Run: r.ID, Name: r.Name, Pipeline: r.Pipeline, State: r.State, Created: r.Created}
}

// keptRun is a run that is not deleted although it is old enough.
type keptRun struct {
	Run     string `json:"run"`
	Version string `json:"version"` // the newest of a result of its pipeline: "penguins/Model@3"
}

// deletionView is what was deleted, or would be, as -o json prints it.
type deletionView struct {
	DryRun  bool           `json:"dry_run"`
	Deleted []doomedRun    `json:"deleted"`
	Kept    []keptRun      `json:"kept"`
	Bytes   int64          `json:"bytes"`
	GC      *collectedView `json:"gc,omitempty"`
}

func (c *cli) runDeleteCommand() *cobra.Command {
	var (
		f    format
		keep retention
		d    deleting
	)
	cmd := &cobra.Command{
		Use:   "delete [RUN...] [flags]",
		Short: "Delete runs: those that are named, or those that are old",
		Long: "Delete runs with their steps, logs and metrics. Content that cached results of other runs use stays; \"tenon gc\" deletes what nothing refers to any more, or " +
			"--gc at once.\n\n" +
			"In place of runs, flags choose those that all of them choose. Runs that go on are left alone, and so is a run that has the newest version of a " +
			"result of its pipeline: name it to delete it.\n\n" +
			"On a terminal the command asks first; elsewhere it needs --yes.",
		Example: "tenon run delete 0199f3c2-7a1b\ntenon run delete nightly-1 nightly-2 --yes\n" +
			"tenon run delete --older-than 30d --keep-last 10 --dry-run\ntenon run delete --state failed,cancelled --older-than 1w --gc --yes",
		ValidArgsFunction: c.completeRuns,
		Args: func(cmd *cobra.Command, args []string) error {
			if keep.given() && len(args) == 0 {
				return nil
			}
			return arguments(1, -1, "the runs to delete, or choose them with --older-than, --keep-last, --pipeline, --name or --state")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if keep.given() && len(args) > 0 {
				return usagef("name runs, or choose them with flags, not both: leave out --%s or %.40q", keep.flag(), args[0])
			}
			if err := d.check(); err != nil {
				return err
			}
			return c.withClient(cmd.Context(), func(client Client) error {
				ctx, view := cmd.Context(), deletionView{DryRun: d.dryRun, Deleted: []doomedRun{}, Kept: []keptRun{}}
				runs, err := deletable(ctx, client.Metadata(), args)
				if keep.given() {
					runs, view.Kept, err = keep.choose(ctx, client.Metadata(), c.now())
				}
				if err != nil {
					return err
				}
				return c.deleteRuns(ctx, client, runs, view, d, f)
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	keep.add(cmd)
	d.add(cmd.Flags(), "deleted")
	f.add(cmd.Flags())
	return cmd
}

// deletable resolves all runs before any is deleted.
func deletable(ctx context.Context, store metadata.Store, refs []string) ([]doomedRun, error) {
	var runs []doomedRun
	for _, ref := range refs {
		r, err := findRun(ctx, store, ref, "")
		if err != nil {
			return nil, err
		}
		if !r.State.Ended() {
			return nil, component.Errorf(component.FailedPrecondition, "run %s is %s: cancel it first, or wait for its end", r.ID, r.State)
		}
		if !slices.ContainsFunc(runs, func(have doomedRun) bool { return have.Run == r.ID }) {
			runs = append(runs, doomed(r))
		}
	}
	return runs, nil
}

func (c *cli) deleteRuns(ctx context.Context, client Client, runs []doomedRun, view deletionView, d deleting, f format) error {
	var bytes int64
	for i := range runs {
		var err error
		if runs[i].Bytes, err = computedBytes(ctx, client.Metadata(), runs[i].Run); err != nil {
			return err
		}
		bytes += runs[i].Bytes
	}
	if len(runs) > 0 && !d.dryRun && !d.yes {
		if err := c.confirm(ctx, "delete "+count(len(runs), "run")+", "+runNames(runs)+", with "+size(bytes)+" of results?"); err != nil {
			return err
		}
	}
	var failed []error
	for _, r := range runs {
		if !d.dryRun {
			err := client.Metadata().DeleteRun(ctx, r.Run)
			if errors.Is(err, component.ErrNotFound) {
				continue // somebody else has
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("delete run %s: %w", r.Run, err))
				if ctx.Err() != nil {
					break
				}
				continue
			}
		}
		view.Deleted = append(view.Deleted, r)
		view.Bytes += r.Bytes
	}
	if d.gc && len(failed) == 0 {
		var err error
		if view.GC, err = c.collect(ctx, client, gc.Request{Grace: defaultGrace}); err != nil {
			failed = append(failed, err)
		}
	}
	err := c.show(f, view, func(b *strings.Builder) { c.deletionText(b, view) })
	if !f.json() {
		for _, k := range view.Kept {
			fmt.Fprintln(c.err.w, c.err.paint(dim, "kept run "+k.Run+", without which "+oneLine(k.Version)+" would be gone: name it to delete it"))
		}
		if len(view.Deleted) > 0 && !d.gc && !d.dryRun {
			c.gcHint()
		}
	}
	return errors.Join(append([]error{err}, failed...)...)
}

// computedBytes is the size of what a run computed itself and has in the artifact store.
func computedBytes(ctx context.Context, store metadata.Store, run string) (bytes int64, err error) {
	for s, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: run, States: []metadata.StepState{metadata.StepSucceeded}}) {
		if err != nil {
			return 0, err
		}
		for _, o := range s.Outputs {
			if !o.Pruned {
				bytes += storedBytes(o.Record)
			}
		}
	}
	return bytes, nil
}

// storedBytes is the size of what a record has in the artifact store.
func storedBytes(r artifact.Record) (bytes int64) {
	for _, e := range r.Elements {
		bytes += storedBytes(e)
	}
	if r.Inline == nil && r.Codec != artifact.GatherCodec {
		bytes += r.Size
	}
	return bytes
}

func (c *cli) deletionText(b *strings.Builder, v deletionView) {
	switch {
	case len(v.Deleted) == 0:
		b.WriteString("no runs to delete\n")
	case v.DryRun:
		c.doomedGrid(b, v.Deleted)
		fmt.Fprintf(b, "\nwould delete %s, %s of results\n", count(len(v.Deleted), "run"), size(v.Bytes))
	default:
		for _, r := range v.Deleted[:min(mostListed, len(v.Deleted))] {
			b.WriteString("deleted " + r.Run + "\n")
		}
		if more := len(v.Deleted) - mostListed; more > 0 {
			fmt.Fprintf(b, "and %d more\n", more)
		}
	}
	if v.GC != nil {
		b.WriteString("\n")
		c.collectedText(b, v.GC)
	}
}

func (c *cli) doomedGrid(b *strings.Builder, runs []doomedRun) {
	g := grid{columns: []column{{title: "RUN"}, {title: "PIPELINE", flex: true}, {title: "NAME", flex: true}, {title: "STATE"}, {title: "CREATED", minor: true}, {title: "SIZE", right: true}}}
	shown := runs[:min(mostListed, len(runs))]
	ids := make([]string, len(shown))
	for i, r := range shown {
		ids[i] = r.Run
	}
	ids = shortIDs(ids)
	for i, r := range shown {
		g.add(text(ids[i]), text(oneLine(r.Pipeline)), text(oneLine(r.Name)), cell{string(r.State), runStyle(r.State)}, cell{ago(r.Created, c.now()), dim}, text(size(r.Bytes)))
	}
	g.write(b, c.out)
	if more := len(runs) - len(shown); more > 0 {
		fmt.Fprintf(b, "and %d more\n", more)
	}
}

func runNames(runs []doomedRun) string {
	var names []string
	for _, r := range runs[:min(5, len(runs))] {
		names = append(names, shortID(r.Run)+" of "+oneLine(r.Pipeline))
	}
	if len(runs) > 5 {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}
