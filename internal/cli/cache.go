package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) cacheCommand() *cobra.Command {
	return c.group(&cobra.Command{
		Use:   "cache",
		Short: "Look at results that runs may use again, explain and forget them",
		Long: "Look at the results that later runs may use again, explain why a step did not use one, and forget them. Each is a step that was computed by a run; its content is in the artifact " +
			"store, or in its record if it is small. Sizes are those of content in the artifact store, which results may share.",
		Example: "tenon cache list --pipeline penguins\ntenon cache explain LAST train\ntenon cache prune --older-than 30d --gc",
	}, c.cacheListCommand(), c.cacheExplainCommand(), c.cachePruneCommand())
}

// cacheFilter are the flags that choose results.
type cacheFilter struct {
	pipeline string
	older    time.Duration
	cmd      *cobra.Command
}

func (f *cacheFilter) add(cmd *cobra.Command) {
	f.cmd = cmd
	cmd.Flags().Var(&filled{&f.pipeline, 200}, "pipeline", "only results of the pipeline with this `name`")
	cmd.Flags().Var(&age{&f.older}, "older-than", "only results computed longer ago than this `time`: 12h, 30d, 2w")
}

// given reports whether a flag of the command was set.
func (f *cacheFilter) given(flag string) bool { return f.cmd.Flags().Changed(flag) }

// query asks for what the flags choose.
func (f *cacheFilter) query(now time.Time) metadata.ResultQuery {
	q := metadata.ResultQuery{Pipeline: f.pipeline}
	if f.given("older-than") {
		q.Before = now.Add(-f.older)
	}
	return q
}

// resultCount is a number of entries of the cache and the size of their content.
type resultCount struct {
	Entries int   `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

func (n *resultCount) add(r metadata.Result) {
	n.Entries++
	n.Bytes += r.Size
}

func (n resultCount) String() string {
	if n.Entries == 1 {
		return "1 result, " + size(n.Bytes)
	}
	return count(n.Entries, "result") + ", " + size(n.Bytes)
}

// cacheView is a page of the cache as -o json prints it.
type cacheView struct {
	listing[metadata.Result]
	Total *resultCount `json:"total,omitempty"` // of all pages, if it was asked for
}

func (c *cli) cacheListCommand() *cobra.Command {
	var (
		f      format
		filter cacheFilter
		cur    cursorFlags
		total  bool
	)
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the results that runs may use again, the oldest first",
		Example: "tenon cache list\ntenon cache list --pipeline penguins --older-than 30d -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				q := filter.query(c.now())
				q.Cursor = cur.cursor()
				page, err := client.Metadata().Results(cmd.Context(), q)
				if err != nil {
					return cur.explain(err)
				}
				view := cacheView{listing: listing[metadata.Result]{orEmpty(page.Items), page.Next}}
				if total {
					if view.Total, err = c.countResults(cmd.Context(), client.Metadata(), filter.query(c.now())); err != nil {
						return err
					}
				}
				if err := c.show(f, view, func(b *strings.Builder) {
					if len(view.Items) == 0 {
						b.WriteString("no results\n")
					} else {
						c.resultGrid(b, view.Items)
					}
					if total {
						b.WriteString("\n" + c.out.paint(bold, "total") + " " + view.Total.String() + "\n")
					}
				}); err != nil {
					return err
				}
				if !f.json() {
					c.more(page.Next)
				}
				return nil
			})
		},
	}
	filter.add(cmd)
	cur.add(cmd)
	cmd.Flags().BoolVar(&total, "total", false, "count all results and the size of their content too, which reads every one of them")
	f.add(cmd.Flags())
	return cmd
}

// countResults counts the results of a query, and shows on a terminal how far it is.
func (c *cli) countResults(ctx context.Context, store metadata.Store, q metadata.ResultQuery) (*resultCount, error) {
	line := &statusLine{screen: c.err, now: c.now, shown: c.now()}
	defer line.clear()
	total := &resultCount{}
	for r, err := range metadata.All(ctx, store.Results, q) {
		if err != nil {
			return nil, err
		}
		if total.add(r); total.Entries%metadata.PageLimit == 0 {
			line.show("counted " + total.String())
		}
	}
	return total, nil
}

func (c *cli) resultGrid(b *strings.Builder, items []metadata.Result) {
	g := grid{columns: []column{{title: "PIPELINE", flex: true}, {title: "STEP", flex: true}, {title: "RUN"}, {title: "COMPUTED"}, {title: "SIZE", right: true}}}
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = items[i].Run
	}
	ids = sharedIDs(ids)
	for i, r := range items {
		g.add(text(oneLine(r.Pipeline)), text(elementName(r.Step, r.Index)), cell{ids[i], dim}, text(ago(r.Computed, c.now())), text(size(r.Size)))
	}
	g.write(b, c.out)
}

// sharedIDs shortens the IDs of a list, in which some stand several times, as far as different ones stay different.
func sharedIDs(ids []string) []string {
	var different []string
	place := make(map[string]int, len(ids))
	for _, id := range ids {
		if _, ok := place[id]; !ok {
			place[id] = len(different)
			different = append(different, id)
		}
	}
	different = shortIDs(different)
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = different[place[id]]
	}
	return short
}

// Results finds nothing.
func (noRecords) Results(context.Context, metadata.ResultQuery) (metadata.Page[metadata.Result], error) {
	return metadata.Page[metadata.Result]{}, nil
}
