package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/internal/gc"
)

// defaultGrace is how long content is left alone after it was put.
const defaultGrace = time.Hour

// collectedView is a collection as -o json prints it.
type collectedView struct {
	DryRun bool             `json:"dry_run"`
	Stores []gc.StoreReport `json:"stores"`
	Total  gc.Report        `json:"total"`

	grace time.Duration
}

func (c *cli) gcCommand() *cobra.Command {
	var (
		f     format
		how   gc.Request
		grace age
	)
	grace.value = &how.Grace
	how.Grace = defaultGrace
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Delete content that nothing refers to any more",
		Long: "Delete content of the artifact stores of all stacks that nothing recorded refers to: what only deleted runs used, pruned results of the cache, " +
			"and what runs left that did not record it.\n\n" +
			"It may run beside programs, and may be interrupted or killed: the next gc does what is left. Content that was put a short while ago, or since the oldest " +
			"run that goes on began, is left alone, since it may not be recorded yet.",
		Example: "tenon gc --dry-run\ntenon gc\ntenon gc --grace 1d -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				view, err := c.collect(cmd.Context(), client, how)
				if view == nil {
					return err
				}
				return errors.Join(c.show(f, view, func(b *strings.Builder) { c.collectedText(b, view) }), err)
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&how.DryRun, "dry-run", false, "only say what would be deleted")
	flags.Var(&grace, "grace", "leave alone what was put in this last `time`: 30m, 12h, 1d (default 1h)")
	f.add(flags)
	return cmd
}

// collect runs a collection and shows on a terminal how far it is. Without a view it has not begun.
func (c *cli) collect(ctx context.Context, client Client, how gc.Request) (*collectedView, error) {
	line := &statusLine{screen: c.err, now: c.now, shown: c.now()}
	how.Progress = func(r gc.StoreReport) {
		line.show("stack " + oneLine(strings.Join(r.Stacks, ", ")) + ": looked at " + amount(r.Examined) + ", " + deletedWord(how.DryRun) + " " + amount(r.Deleted))
	}
	stores, err := client.Collect(ctx, how)
	line.clear()
	if stores == nil && err != nil {
		return nil, err
	}
	view := &collectedView{DryRun: how.DryRun, Stores: orEmpty(stores), grace: how.Grace}
	for _, s := range stores {
		view.Total = view.Total.Add(s.Report)
	}
	return view, err
}

func (c *cli) collectedText(b *strings.Builder, v *collectedView) {
	if v.Total.Examined.Contents == 0 && v.Total.Failed.Contents == 0 {
		b.WriteString("nothing is stored\n")
		return
	}
	g := grid{columns: []column{{title: "STACK", flex: true}, {}, {title: "CONTENTS", right: true}, {title: "SIZE", right: true}}}
	for _, s := range v.Stores {
		name := oneLine(strings.Join(s.Stacks, ", "))
		row := func(what string, n gc.Count, style string) {
			g.add(text(name), cell{what, style}, text(strconv.Itoa(n.Contents)), text(size(n.Bytes)))
			name = ""
		}
		row("in use", s.Kept, "")
		row("put lately", s.Young, "")
		row(deletedWord(v.DryRun), s.Deleted, green)
		if s.Failed.Contents > 0 {
			row("not deleted", s.Failed, red)
		}
	}
	g.write(b, c.out)
	if v.Total.Young.Contents > 0 {
		b.WriteString("\n" + c.out.paint(dim, "put lately: in the last "+ageText(v.grace)+", or since the oldest run that goes on began; left alone, in use or not") + "\n")
	}
}

func deletedWord(dryRun bool) string {
	if dryRun {
		return "to delete"
	}
	return "deleted"
}

// amount is a number of contents and their size.
func amount(n gc.Count) string { return count(n.Contents, "content") + " (" + size(n.Bytes) + ")" }

// statusLine is a line on a terminal that says how far something is; elsewhere nothing.
type statusLine struct {
	screen *screen
	now    func() time.Time
	shown  time.Time // when it was drawn last, or made
	drawn  bool
}

// show draws the line anew, but not often: what is quick says nothing.
func (l *statusLine) show(text string) {
	const every = 200 * time.Millisecond
	if !l.screen.live() || l.now().Sub(l.shown) < every {
		return
	}
	width, _ := l.screen.size()
	l.shown, l.drawn = l.now(), true
	fmt.Fprint(l.screen.w, "\r"+l.screen.paint(dim, fit(text, max(1, width-1)))+eraseRest)
}

func (l *statusLine) clear() {
	if l.drawn {
		_, _ = io.WriteString(l.screen.w, "\r"+eraseRest)
	}
}

// Collect finds nothing.
func (nothing) Collect(context.Context, gc.Request) ([]gc.StoreReport, error) { return nil, nil }
