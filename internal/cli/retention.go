package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/metadata"
)

// retention are the flags that choose runs to delete.
type retention struct {
	q     metadata.RunQuery
	older time.Duration
	last  int
	cmd   *cobra.Command
}

func (k *retention) add(cmd *cobra.Command) {
	k.cmd = cmd
	flags := cmd.Flags()
	flags.Var(&age{&k.older}, "older-than", "runs created longer ago than this `time`: 12h, 30d, 2w")
	flags.Var(&whole{&k.last, 1, 1_000_000}, "keep-last", "all but the newest `number` of runs of each pipeline, of those that --pipeline, --name and --state choose")
	flags.Var(&filled{&k.q.Pipeline, 200}, "pipeline", "runs of the pipeline with this `name`")
	flags.Var(&filled{&k.q.Name, 200}, "name", "runs with this `name`")
	flags.Var(&choices[metadata.RunState]{&k.q.States, []metadata.RunState{metadata.RunSucceeded, metadata.RunFailed, metadata.RunCancelled}}, "state", "runs in this `state`; may be repeated")
}

// flag returns the name of a flag that was set, or "".
func (k *retention) flag() string {
	for _, name := range []string{"older-than", "keep-last", "pipeline", "name", "state"} {
		if k.cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

func (k *retention) given() bool { return k.flag() != "" }

// choose returns the runs that all flags choose, the oldest first, and those that stay since they have the newest version of a result.
func (k *retention) choose(ctx context.Context, store metadata.Store, now time.Time) (runs []doomedRun, kept []keptRun, err error) {
	seen := map[string]int{} // runs of each pipeline
	for r, err := range metadata.All(ctx, store.Runs, k.q) {
		if err != nil {
			return nil, nil, err
		}
		seen[r.Pipeline]++
		old := !k.cmd.Flags().Changed("older-than") || r.Created.Before(now.Add(-k.older))
		if seen[r.Pipeline] > k.last && r.State.Ended() && old {
			runs = append(runs, doomed(r))
		}
	}
	slices.Reverse(runs)
	return keepNewest(ctx, store, runs, k.q.Pipeline)
}
