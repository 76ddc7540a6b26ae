package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
)

// forgetAtOnce is how many keys of the cache are forgotten in one request.
const forgetAtOnce = 1000

// pruning is what is to be forgotten.
type pruning struct {
	cacheFilter
	keep int64 // bytes that may stay, if --keep-size was given
	all  bool
}

func (p *pruning) add(cmd *cobra.Command) {
	p.cacheFilter.add(cmd)
	cmd.Flags().Var(&quantity{&p.keep}, "keep-size", "only the oldest results, as many as it takes for the content of the rest to fit into this `size`: 10GiB")
	cmd.Flags().BoolVar(&p.all, "all", false, "all results")
}

// check refuses what chooses nothing, or everything and something.
func (p *pruning) check() error {
	some := p.given("pipeline") || p.given("older-than") || p.given("keep-size")
	switch {
	case !some && !p.all:
		return usagef("say which results: --older-than 30d, --keep-size 10GiB, --pipeline NAME, several of them, or --all")
	case some && p.all:
		return usagef("--all is all results: leave it out, or the other flags")
	}
	return nil
}

// chosen is what pruning will forget: the oldest results of a query, up to one.
type chosen struct {
	resultCount
	query metadata.ResultQuery
	last  time.Time       // of the one that was computed last
	kept  resultCount     // that would be chosen too, but for their runs
	done  map[string]bool // whether runs have succeeded; not those that were not asked about
	sized bool            // only those that have content in the artifact store
}

// choose finds out what is to be forgotten.
func (p *pruning) choose(ctx context.Context, store metadata.Store, now time.Time) (chosen, error) {
	ch := chosen{query: p.query(now), done: map[string]bool{}, sized: p.given("keep-size")}
	var left int64 // bytes that stay, or would
	if ch.sized {
		for r, err := range metadata.All(ctx, store.Results, metadata.ResultQuery{Pipeline: p.pipeline}) {
			if err != nil {
				return ch, err
			}
			left += r.Size
		}
	}
	for r, err := range metadata.All(ctx, store.Results, ch.query) {
		if err != nil {
			return ch, err
		}
		if ch.sized && left <= p.keep {
			break
		}
		if ch.sized && r.Size == 0 {
			continue // to forget it frees nothing
		}
		if done, err := ch.ofDone(ctx, store, r); err != nil {
			return ch, err
		} else if !done {
			ch.kept.add(r)
			continue
		}
		ch.add(r)
		ch.last = r.Computed
		left -= r.Size
	}
	return ch, nil
}

// ofDone reports whether a result is of a run that has succeeded. Others need theirs when they go on, or are resumed.
func (ch *chosen) ofDone(ctx context.Context, store metadata.Store, r metadata.Result) (bool, error) {
	if done, known := ch.done[r.Run]; known {
		return done, nil
	}
	run, err := store.Run(ctx, r.Run)
	if err != nil && !errors.Is(err, component.ErrNotFound) { // deleted meanwhile
		return false, err
	}
	done := err == nil && run.State == metadata.RunSucceeded
	ch.done[r.Run] = done
	return done, nil
}

// forget forgets what was chosen, and calls each for all of it. In a dry run it only does the latter.
func (ch *chosen) forget(ctx context.Context, store metadata.Store, dryRun bool, each func(metadata.Result)) error {
	var batch []metadata.Result
	left := ch.Entries
	flush := func() error {
		keys := make([]string, len(batch))
		for i, r := range batch {
			keys[i] = r.CacheKey
		}
		if !dryRun && len(keys) > 0 {
			// A result of the same key that was computed later is not among the chosen, and stays.
			if _, err := store.Forget(ctx, keys, ch.last.Add(1)); err != nil {
				return err
			}
		}
		for _, r := range batch {
			each(r)
		}
		batch = batch[:0]
		return nil
	}
	for r, err := range metadata.All(ctx, store.Results, ch.query) {
		if err != nil {
			return err
		}
		if left == 0 || r.Computed.After(ch.last) {
			break
		}
		if !ch.done[r.Run] || ch.sized && r.Size == 0 {
			continue
		}
		left--
		if batch = append(batch, r); len(batch) == forgetAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// prunedView is what was forgotten, as -o json prints it.
type prunedView struct {
	DryRun bool              `json:"dry_run"`
	Pruned []metadata.Result `json:"pruned"`
	Total  resultCount       `json:"total"`
	Kept   resultCount       `json:"kept"` // of runs that go on, or may be resumed
	GC     *collectedView    `json:"gc,omitempty"`
}

func (c *cli) cachePruneCommand() *cobra.Command {
	var (
		f format
		p pruning
		d deleting
	)
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Forget results, so that steps run again and their content can be deleted",
		Long: "Forget results: no later run uses them, and content that nothing else refers to is deleted by \"tenon gc\", or at once with --gc. The runs that computed " +
			"them stay, with their steps, logs and metrics; the results of a pipeline that have versions keep their content, and runs that go on or did not succeed " +
			"keep theirs, since they may be resumed.\n\n" +
			"Several flags choose what all of them choose. On a terminal the command asks first; elsewhere it needs --yes.",
		Example: "tenon cache prune --older-than 30d --dry-run\ntenon cache prune --keep-size 10GiB --gc --yes\ntenon cache prune --pipeline penguins --older-than 2w\ntenon cache prune --all",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(p.check(), d.check()); err != nil {
				return err
			}
			return c.withClient(cmd.Context(), func(client Client) error { return c.prune(cmd.Context(), client, &p, d, f) })
		},
	}
	p.add(cmd)
	d.add(cmd.Flags(), "forgotten")
	f.add(cmd.Flags())
	return cmd
}

func (c *cli) prune(ctx context.Context, client Client, p *pruning, d deleting, f format) error {
	ch, err := p.choose(ctx, client.Metadata(), c.now())
	if err != nil {
		return err
	}
	if ch.Entries > 0 && !d.dryRun && !d.yes {
		if err := c.confirm(ctx, "forget "+ch.String()+", computed "+ago(ch.last, c.now())+" or earlier?"); err != nil {
			return err
		}
	}
	view := prunedView{DryRun: d.dryRun, Pruned: []metadata.Result{}, Kept: ch.kept}
	var failed error
	if ch.Entries > 0 {
		failed = ch.forget(ctx, client.Metadata(), d.dryRun, func(r metadata.Result) {
			view.Total.add(r)
			if f.json() || len(view.Pruned) < mostListed {
				view.Pruned = append(view.Pruned, r)
			}
		})
	}
	if d.gc && failed == nil {
		view.GC, failed = c.collect(ctx, client, gc.Request{Grace: defaultGrace, DryRun: d.dryRun})
	}
	err = c.show(f, view, func(b *strings.Builder) { c.prunedText(b, view) })
	if !f.json() {
		if ch.kept.Entries > 0 {
			fmt.Fprintln(c.err.w, c.err.paint(dim, "kept "+ch.kept.String()+", of runs that go on or may be resumed: \"tenon run delete --state failed,cancelled\" lets go of those that have ended"))
		}
		if view.Total.Entries > 0 && !d.gc && !view.DryRun {
			c.gcHint()
		}
	}
	return errors.Join(err, failed)
}

func (c *cli) prunedText(b *strings.Builder, v prunedView) {
	switch {
	case v.Total.Entries == 0:
		b.WriteString("no results to forget\n")
	case v.DryRun:
		c.resultGrid(b, v.Pruned)
		if more := v.Total.Entries - len(v.Pruned); more > 0 {
			fmt.Fprintf(b, "and %d more\n", more)
		}
		fmt.Fprintf(b, "\nwould forget %v\n", v.Total)
	default:
		fmt.Fprintf(b, "forgot %v\n", v.Total)
	}
	if v.GC != nil {
		b.WriteString("\n")
		c.collectedText(b, v.GC)
	}
}
