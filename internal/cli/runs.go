package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// listing is one page of -o json.
type listing[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// cursorFlags are the flags of commands that print pages.
type cursorFlags struct {
	limit int
	after string
}

func (f *cursorFlags) add(cmd *cobra.Command) {
	f.limit = 20
	cmd.Flags().Var(&whole{&f.limit, 1, 1000}, "limit", "largest `number` of lines (default 20)")
	cmd.Flags().Var(&filled{&f.after, 1000}, "after", "`cursor` that the page before named, to go on")
}

func (f *cursorFlags) cursor() metadata.Cursor {
	return metadata.Cursor{Limit: f.limit, After: f.after}
}

// explain names the flag that an error is about.
func (f *cursorFlags) explain(err error) error {
	if f.after != "" && errors.Is(err, component.ErrInvalid) {
		return usagef("flag --after: %w", err)
	}
	return err
}

// more says how to get the next page.
func (c *cli) more(next string) {
	if next != "" {
		fmt.Fprintln(c.err.w, c.err.paint(dim, "more: add --after "+shellQuote(next)))
	}
}

func (c *cli) runsCommand() *cobra.Command {
	return c.group(&cobra.Command{
		Use:     "run",
		Short:   "Look at runs, steer and delete them",
		Long:    "Look at runs, steer and delete them. Wherever a RUN is named it may be an ID, the beginning of an ID, a name, or LAST.",
		Example: "tenon run list --pipeline penguins --state failed\ntenon run show LAST",
	}, c.runListCommand(), c.runShowCommand(), c.runDiffCommand(), c.runLogsCommand(), c.runDeleteCommand(),
		c.runReproCommand(), c.runCancelCommand(), c.runAnswerCommand(approve), c.runAnswerCommand(reject), c.runAgainCommand(resume),
		c.runAgainCommand(replay))
}

func (c *cli) runListCommand() *cobra.Command {
	var (
		f   format
		q   metadata.RunQuery
		cur cursorFlags
	)
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List runs, newest first",
		Example: "tenon run list\ntenon run list --pipeline penguins --state failed,cancelled\ntenon run list --tag team=vision -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				q.Cursor = cur.cursor()
				page, err := client.Metadata().Runs(cmd.Context(), q)
				if err != nil {
					return cur.explain(err)
				}
				if err := c.show(f, listing[metadata.Run]{orEmpty(page.Items), page.Next}, func(b *strings.Builder) { c.runGrid(b, page.Items) }); err != nil {
					return err
				}
				if !f.json() {
					c.more(page.Next)
				}
				return nil
			})
		},
	}
	flags := cmd.Flags()
	flags.Var(&filled{&q.Pipeline, 200}, "pipeline", "only runs of the pipeline with this `name`")
	flags.Var(&filled{&q.Name, 200}, "name", "only runs with this `name`")
	flags.Var(&choices[metadata.RunState]{&q.States, metadata.RunStates()}, "state", "only runs in this `state`; may be repeated")
	flags.Var(&pairs{&q.Tags, "team=vision"}, "tag", "only runs with this `key=value`; may be repeated")
	cur.add(cmd)
	f.add(flags)
	return cmd
}

func (c *cli) runGrid(b *strings.Builder, runs []metadata.Run) {
	if len(runs) == 0 {
		b.WriteString("no runs\n")
		return
	}
	g := grid{columns: []column{{title: "RUN"}, {title: "PIPELINE", flex: true}, {title: "NAME", flex: true}, {title: "STATE"}, {title: "STEPS", right: true, minor: true}, {title: "CACHED", right: true, minor: true}, {title: "TIME", right: true, minor: true}, {title: "CREATED", minor: true}, {title: "TAGS", flex: true, minor: true}}}
	ids := make([]string, len(runs))
	for i := range runs {
		ids[i] = runs[i].ID
	}
	ids = shortIDs(ids)
	for i, r := range runs {
		total := 0
		for _, n := range r.Counts {
			total += n
		}
		steps, hits := "", ""
		if total > 0 {
			steps, hits = strconv.Itoa(total), strconv.Itoa(r.Counts[metadata.StepCached])
		}
		g.add(text(ids[i]), text(oneLine(r.Pipeline)), text(oneLine(r.Name)), cell{string(r.State), runStyle(r.State)}, text(steps), text(hits),
			text(span(r.Started, r.Finished, c.now())), cell{ago(r.Created, c.now()), dim}, cell{tagText(r.Tags), dim})
	}
	g.write(b, c.out)
}

func runStyle(s metadata.RunState) string {
	switch s {
	case metadata.RunSucceeded:
		return green
	case metadata.RunFailed:
		return red
	case metadata.RunRunning:
		return cyan
	case metadata.RunCancelled, metadata.RunCancelling:
		return yellow
	}
	return dim
}

func tagText(tags map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		parts = append(parts, k+"="+tags[k])
	}
	return oneLine(strings.Join(parts, " "))
}

func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// confirm asks a person. Without a terminal it refuses.
func (c *cli) confirm(ctx context.Context, question string) error {
	in, ok := c.app.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) || c.err.file == nil {
		return usagef("%s there is no terminal to ask on: add --yes", strings.TrimSuffix(question, "?")+":")
	}
	fmt.Fprint(c.err.w, question+" [y/N] ")
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			line = ""
		}
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(c.err.w)
		return context.Cause(ctx)
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
	}
	return &exitError{exitFailed, errors.New("nothing was deleted")}
}
