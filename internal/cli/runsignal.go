package cli

import (
	"cmp"
	"context"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// pollEvery is how often a command looks whether what it asked for has happened.
const pollEvery = 100 * time.Millisecond

// sent is what -o json says of a signal.
type sent struct {
	Run    string              `json:"run"`
	Step   string              `json:"step,omitempty"`
	Signal metadata.SignalKind `json:"signal"`
	State  metadata.RunState   `json:"state"` // of the run, when the command ended
}

func (c *cli) runCancelCommand() *cobra.Command {
	var (
		f      format
		note   string
		noWait bool
	)
	cmd := &cobra.Command{
		Use:   "cancel RUN [flags]",
		Short: "Ask a run to stop",
		Long: "Ask a run to stop, from wherever. Running steps get a cancelled context, and are killed after a while if they run in processes of " +
			"their own; nothing new starts. The command waits for the end of the run, which can be resumed.",
		Example:           "tenon run cancel LAST\ntenon run cancel nightly-7 --note \"wrong month\"",
		Args:              arguments(1, 1, "the run to cancel"),
		ValidArgsFunction: once(c.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				ctx, store := cmd.Context(), client.Metadata()
				run, err := findRun(ctx, store, args[0], "")
				if err != nil {
					return err
				}
				if run.State.Ended() {
					return component.Errorf(component.FailedPrecondition, "run %s has ended: it %s", run.ID, hasEnded(run.State))
				}
				if err := client.Signal(ctx, metadata.Signal{Run: run.ID, Kind: metadata.SignalCancel, By: userName(), Note: note}); err != nil {
					return err
				}
				if !noWait {
					fmt.Fprintln(c.err.w, c.err.paint(dim, "waiting for the running steps; interrupt to stop waiting"))
					if run, err = ended(ctx, store, run.ID); err != nil {
						return err
					}
				}
				return c.show(f, sent{Run: run.ID, Signal: metadata.SignalCancel, State: run.State}, func(b *strings.Builder) {
					if noWait {
						fmt.Fprintf(b, "asked run %s to stop\n", run.ID)
						return
					}
					fmt.Fprintf(b, "run %s %s\n", run.ID, hasEnded(run.State))
				})
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().Var(&filled{&note, 1000}, "note", "why, as `text` for people")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait for the end of the run")
	f.add(cmd.Flags())
	return cmd
}

// hasEnded says in a sentence how a run ended.
func hasEnded(s metadata.RunState) string {
	if s == metadata.RunCancelled {
		return "is cancelled"
	}
	return "has " + string(s)
}

// ended waits for the end of a run.
func ended(ctx context.Context, store metadata.Store, id string) (metadata.Run, error) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		run, err := store.Run(ctx, id)
		if err != nil || run.State.Ended() {
			return run, err
		}
		select {
		case <-ctx.Done():
			return run, context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// answer is one of the commands with which a person answers a step that waits.
type answer struct {
	kind      metadata.SignalKind
	past      string
	what, how string
}

var (
	approve = answer{metadata.SignalApprove, "approved", "Let a step that waits for a person go on", "what depends on it runs"}
	reject  = answer{metadata.SignalReject, "rejected", "Let a step that waits for a person fail", "what depends on it does not run"}
)

func (c *cli) runAnswerCommand(a answer) *cobra.Command {
	var (
		f    format
		note string
		by   string
	)
	verb := string(a.kind)
	cmd := &cobra.Command{
		Use:   verb + " RUN [STEP] [flags]",
		Short: a.what,
		Long: a.what + ": " + a.how + ". With one step that waits in the run, STEP may be left out.\n\n" +
			"The answer is recorded with your name and your note. It also holds if nobody drives the run at the moment: it counts when the run is resumed.",
		Example:           "tenon run " + verb + " LAST\ntenon run " + verb + " nightly-7 deploy --note \"seen by the team\"",
		Args:              arguments(1, 2, "the run, and the step"),
		ValidArgsFunction: once(c.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				ctx, store := cmd.Context(), client.Metadata()
				run, err := findRun(ctx, store, args[0], "")
				if err != nil {
					return err
				}
				step, err := asked(ctx, store, run, args[1:])
				if err != nil {
					return err
				}
				if err := client.Signal(ctx, metadata.Signal{Run: run.ID, Kind: a.kind, Step: step, By: cmp.Or(by, userName()), Note: note}); err != nil {
					return err
				}
				return c.show(f, sent{Run: run.ID, Step: step, Signal: a.kind, State: run.State}, func(b *strings.Builder) {
					fmt.Fprintf(b, "%s step %s of run %s\n", a.past, oneLine(step), run.ID)
					if run.State.Ended() {
						fmt.Fprintf(b, "nobody drives the run: to go on with it: %s\n", c.call("run resume "+run.ID))
					}
				})
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().Var(&filled{&note, 1000}, "note", "why, as `text` for people")
	cmd.Flags().Var(&filled{&by, 200}, "by", "your `name` (default: your user name)")
	f.add(cmd.Flags())
	return cmd
}

// asked returns the step that an answer is for: the one that is named, or else the only one that waits. In a run that nobody drives that is the one
// that will, when the run is resumed.
func asked(ctx context.Context, store metadata.Store, run metadata.Run, named []string) (string, error) {
	if len(named) == 1 {
		return named[0], nil
	}
	states := map[string]metadata.StepState{}
	for s, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: run.ID, NoElements: true}) {
		if err != nil {
			return "", err
		}
		states[s.Step] = s.State
	}
	g, err := graphOf(ctx, store, run)
	if err != nil {
		return "", err
	}
	var waiting, later []string
	for i := range g.Nodes {
		switch name := g.Nodes[i].Name; {
		case g.Nodes[i].Wait == nil:
		case states[name] == metadata.StepWaiting:
			waiting = append(waiting, name)
		case states[name] != metadata.StepSucceeded:
			later = append(later, name)
		}
	}
	if run.State.Ended() && run.State != metadata.RunSucceeded {
		waiting, later = append(waiting, later...), nil
	}
	switch {
	case len(waiting) == 1:
		return waiting[0], nil
	case len(waiting) > 1:
		return "", usagef("several steps of run %s wait: name one of %s", run.ID, strings.Join(waiting, ", "))
	case len(later) > 0 && !run.State.Ended():
		return "", usagef("no step of run %s waits yet: to answer beforehand, name one of %s", run.ID, strings.Join(later, ", "))
	}
	return "", component.Errorf(component.FailedPrecondition, "no step of run %s waits for an answer", run.ID)
}

// userName names the person at the terminal; empty if the system does not know.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
