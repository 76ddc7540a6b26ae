package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) artifactsCommand() *cobra.Command {
	return c.group(&cobra.Command{
		Use:   "artifact",
		Short: "Look at artifacts and get their content",
		Long: "Look at artifacts and get their content. Wherever an ARTIFACT is named it may be an ID, the beginning of an ID, or\n" +
			"RUN/STEP[/OUTPUT]: the output of a step of a run, such as LAST/train/Model. An element of a mapped step is STEP[3].\n" +
			"The results of a pipeline have versions: PIPELINE/RESULT@3, PIPELINE/RESULT@latest.",
		Example: "tenon artifact list --run LAST\ntenon artifact show LAST/train\ntenon artifact get penguins/Report@latest -o report.html",
	}, c.artifactListCommand(), c.artifactShowCommand(), c.artifactGetCommand())
}

func (c *cli) artifactListCommand() *cobra.Command {
	var (
		f   format
		q   metadata.ArtifactQuery
		run string
		cur cursorFlags
	)
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List artifacts, newest first",
		Example: "tenon artifact list --run LAST\ntenon artifact list --pipeline penguins --step train -o json\ntenon artifact list --name penguins/Model",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				if run != "" {
					r, err := findRun(cmd.Context(), client.Metadata(), run, q.Pipeline)
					if err != nil {
						return err
					}
					q.Run = r.ID
				}
				q.Cursor = cur.cursor()
				page, err := client.Metadata().Artifacts(cmd.Context(), q)
				if err != nil {
					return cur.explain(err)
				}
				for i := range page.Items {
					page.Items[i].Record = forShow(page.Items[i].Record)
				}
				if err := c.show(f, listing[metadata.Artifact]{orEmpty(page.Items), page.Next}, func(b *strings.Builder) {
					if q.Name != "" {
						c.versionGrid(b, q.Name, page.Items)
					} else {
						c.artifactGrid(b, page.Items)
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
	flags := cmd.Flags()
	flags.Var(&filled{&run, 1000}, "run", "only artifacts of this `run`")
	flags.Var(&filled{&q.Step, 1000}, "step", "only artifacts of the step with this `name`")
	flags.Var(&filled{&q.Pipeline, 200}, "pipeline", "only artifacts of the pipeline with this `name`")
	flags.Var(&resultName{&q.Name}, "name", "the versions of the artifact with this `name`, such as penguins/Model")
	_ = cmd.RegisterFlagCompletionFunc("name", c.completeNames) // the flag exists
	cur.add(cmd)
	f.add(flags)
	return cmd
}

func (c *cli) artifactGrid(b *strings.Builder, items []metadata.Artifact) {
	if len(items) == 0 {
		b.WriteString("no artifacts\n")
		return
	}
	g := grid{columns: []column{{title: "ARTIFACT"}, {title: "RUN", minor: true}, {title: "OUTPUT", flex: true}, {title: "VALUE", flex: true}, {title: "FACTS", minor: true}, {title: "CREATED", minor: true}}}
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = items[i].ID
	}
	ids = shortIDs(ids)
	for i, a := range items {
		g.add(text(ids[i]), cell{shortID(a.Run), dim}, text(outputName(a)), text(brief(a.Record)), cell{factsOf(a.Record), dim}, cell{ago(a.Created, c.now()), dim})
	}
	g.write(b, c.out)
}

// outputName is the step, element and output that an artifact is.
func outputName(a metadata.Artifact) string {
	name := elementName(a.Step, a.Index)
	if a.Name != "output" {
		name += "/" + a.Name
	}
	return name
}

// artifactView is an artifact as -o json prints it.
type artifactView struct {
	metadata.Artifact
	Inputs []metadata.Input  `json:"inputs"` // of the step that made it
	State  string            `json:"state"`  // of that step
	Origin *metadata.StepKey `json:"origin,omitempty"`
}

func (c *cli) artifactShowCommand() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:               "show ARTIFACT [flags]",
		Short:             "Show an artifact: its type, size, preview and lineage",
		Example:           "tenon artifact show LAST/train/Model\ntenon artifact show penguins/Model@2\ntenon artifact show 0199f3c2-7a1b -o json",
		Args:              arguments(1, 1, artifactReference),
		ValidArgsFunction: once(c.completeArtifacts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				a, err := findArtifact(cmd.Context(), client.Metadata(), args[0])
				if err != nil {
					return err
				}
				view := artifactView{Artifact: a}
				if err := view.lineage(cmd.Context(), client.Metadata()); err != nil {
					return err
				}
				view.Record = forShow(a.Record)
				return c.show(f, view, func(b *strings.Builder) { c.artifactText(b, view) })
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	f.add(cmd.Flags())
	return cmd
}

// lineage adds what the artifact was made from.
func (v *artifactView) lineage(ctx context.Context, store metadata.Store) error {
	v.Inputs = []metadata.Input{}
	for s, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: v.Run, Step: v.Step, NoElements: v.Index < 0}) {
		if err != nil {
			return err
		}
		if s.Index == v.Index {
			v.Inputs, v.State, v.Origin = orEmpty(s.Inputs), string(s.State), s.Origin
			return nil
		}
	}
	return nil
}

func (c *cli) artifactText(b *strings.Builder, v artifactView) {
	g := grid{columns: []column{{}, {flex: true, wrap: true}}}
	fact := func(name, value string) {
		if value != "" {
			g.add(cell{name, dim}, text(value))
		}
	}
	g.add(cell{"artifact", dim}, cell{v.ID, bold})
	for _, version := range v.Versions {
		fact("version", fmt.Sprintf("%s@%d", oneLine(version.Name), version.Version))
	}
	fact("type", oneLine(v.Record.Type))
	fact("codec", oneLine(v.Record.Codec))
	fact("size", size(v.Record.Size))
	fact("digest", string(v.Record.Digest))
	fact("created", when(v.Created, c.now()))
	if v.Pruned {
		fact("content", "let go of by \"tenon cache prune\"; it may be gone")
	}
	fact("made by", "step "+elementName(v.Step, v.Index)+" of run "+v.Run+", pipeline "+oneLine(v.Pipeline))
	if v.Origin != nil {
		fact("cached from", "step "+elementName(v.Origin.Step, v.Origin.Index)+" of run "+v.Origin.Run)
	}
	for _, in := range v.Inputs {
		from := "outside data " + oneLine(in.URI)
		switch {
		case in.Artifact != "":
			from = "artifact " + in.Artifact
		case in.URI == "":
			from = "a gathered list, or an element of a list"
		}
		fact("input", oneLine(in.Name)+" from "+from+", "+in.Digest.Short())
	}
	for _, k := range slices.Sorted(maps.Keys(v.Record.Meta)) {
		if k != "columns" {
			fact(oneLine(k), metaText(v.Record.Meta[k]))
		}
	}
	g.write(b, c.out)
	c.columnGrid(b, v.Record)
	if p := strings.TrimRight(plainText(v.Record.Preview), "\n "); p != "" {
		b.WriteString("\n" + p + "\n")
	}
}

// metaText is something that a codec found out, for people.
func metaText(v any) string {
	if s, ok := v.(string); ok {
		return oneLine(s)
	}
	text, err := json.Marshal(v)
	if err != nil { // NaN
		return fmt.Sprint(v)
	}
	return fit(oneLine(string(text)), 200)
}

// columnGrid lists the columns of a table with what is known of each.
func (c *cli) columnGrid(b *strings.Builder, rec artifact.Record) {
	columns, _ := rec.Meta["columns"].([]any)
	facts := []string{"name", "type", "nulls", "min", "max"}
	g := grid{indent: "  "}
	for _, f := range facts {
		g.columns = append(g.columns, column{title: strings.ToUpper(f), flex: true})
	}
	for _, col := range columns {
		values, _ := col.(map[string]any)
		cells := make([]cell, len(facts))
		for i, f := range facts {
			if v, ok := values[f]; ok {
				cells[i] = text(metaText(v))
			}
		}
		g.add(cells...)
	}
	if len(g.rows) > 0 {
		b.WriteString("\n" + c.out.paint(bold, "Columns") + "\n")
		g.write(b, c.out)
	}
}
