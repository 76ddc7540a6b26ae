package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/origin"
	"github.com/tenon-ml/tenon/internal/repro"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/step"
)

// reproOptions are the flags of run repro.
type reproOptions struct {
	dir, expr, name string
	limit           int64
	force           bool
	format          format
}

// reproView is what was written, as -o json prints it.
type reproView struct {
	Run      string             `json:"run"`
	Step     string             `json:"step"`
	Index    int                `json:"index"`
	State    metadata.StepState `json:"state"`
	Error    string             `json:"error,omitempty"`
	Test     string             `json:"test"`
	File     string             `json:"file"`
	Data     string             `json:"data"`
	Inputs   []repro.Content    `json:"inputs"`
	External bool               `json:"external,omitempty"` // the step has effects outside
	// Revision of the run's program, and what is checked out where the test is.
	Revision   string `json:"revision,omitempty"`
	Modified   bool   `json:"modified,omitempty"`
	CheckedOut string `json:"checked_out,omitempty"`
	Command    string `json:"run_command"`
	Debug      string `json:"debug_command"`
	// Break is what to say to the debugger before "continue".
	Break []string `json:"break,omitempty"`

	worktree string // what brings the revision back
}

func (c *cli) runReproCommand() *cobra.Command {
	o := &reproOptions{limit: 16 << 20}
	cmd := &cobra.Command{
		Use:   "repro RUN STEP [flags]",
		Short: "Write a Go test that calls a step with what it was called with",
		Long: "Write a Go test that calls a step of a run again, with the parameters, inputs and outside data that were recorded: to see\n" +
			"why it failed in a debugger, and to keep as a test once it is mended. An element of a mapped step is STEP[3].\n\n" +
			"The test is written beside the pipeline, in the package that has it, with its data in testdata/repro. It is pinned to the\n" +
			"digests of the inputs. Those up to the size of --copy-limit are copied, so that it runs anywhere; larger ones it reads from\n" +
			"where they are. What was recorded is data: look at it before you commit it.",
		Example: "tenon run repro LAST train\ntenon run repro nightly-7 'fit[3]' --copy-limit 1GiB\n" +
			"tenon run repro LAST train --dir ../lab-at-4f2a/cmd/lab --name train_nan",
		Args:              arguments(2, 2, runReference+", and a step"),
		ValidArgsFunction: c.completeRunSteps,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				view, err := c.reproduce(cmd.Context(), client, args[0], args[1], o)
				if err != nil {
					return err
				}
				return c.show(o.format, view, func(b *strings.Builder) { c.reproText(b, view) })
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	flags := cmd.Flags()
	flags.Var(&filled{&o.dir, 4096}, "dir", "`directory` of the package that has the pipeline (default: where it was built)")
	flags.Var(&filled{&o.expr, 1000}, "expr", "Go `expression` of the pipeline in that package, such as Penguins (default: it is looked for)")
	flags.Var(&filled{&o.name, 120}, "name", "`name` of the test (default: that of the step)")
	flags.Var(&quantity{&o.limit}, "copy-limit", "largest `size` of an input that is copied beside the test, such as 1GiB; 0 copies none (default 16MiB)")
	flags.BoolVar(&o.force, "force", false, "replace a test of the same name")
	o.format.add(flags)
	_ = cmd.RegisterFlagCompletionFunc("dir", directories) // the flags exist
	for _, name := range []string{"expr", "copy-limit"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func (c *cli) reproduce(ctx context.Context, client Client, runRef, stepRef string, o *reproOptions) (*reproView, error) {
	store := client.Metadata()
	run, err := findRun(ctx, store, runRef, "")
	if err != nil {
		return nil, err
	}
	name, index, err := stepNamed(ctx, store, run, runRef, stepRef)
	if err != nil {
		return nil, err
	}
	found, err := repro.Collect(ctx, store, run, name, index)
	if err != nil {
		return nil, err
	}
	place, err := found.Find(o.dir, o.expr)
	if err != nil {
		return nil, err
	}
	contents, err := client.Artifacts(ctx, run.Stack)
	if err != nil {
		return nil, err
	}
	test := o.name
	if test == "" {
		test = found.DefaultName()
	}
	written, err := found.Write(ctx, contents, place, repro.Options{Name: test, Force: o.force, Limit: o.limit, Home: client.Home()})
	if errors.Is(err, component.ErrAlreadyExists) {
		err = usage(err) // nothing was written
	}
	if err != nil {
		return nil, err
	}
	return c.viewOf(ctx, found, place, written), nil
}

// stepNamed resolves what a person wrote for a step that was called: of a mapped step one of its elements.
func stepNamed(ctx context.Context, store metadata.Store, run metadata.Run, runRef, text string) (name string, index int, err error) {
	name, at := splitElement(text)
	page, err := store.Steps(ctx, metadata.StepQuery{Run: run.ID, Step: name, NoElements: true, Cursor: metadata.Cursor{Limit: 1}})
	if err != nil {
		return name, -1, err
	}
	if len(page.Items) == 0 {
		if err := stepExists(ctx, store, run.ID, name); err != nil {
			return name, -1, err
		}
		page.Items = []metadata.Step{{}} // of a map whose elements run still
	}
	elements := page.Items[0].Elements
	switch {
	case at == nil && elements > 0:
		example := 0
		q := metadata.StepQuery{Run: run.ID, Step: name, States: []metadata.StepState{metadata.StepFailed}, Cursor: metadata.Cursor{Limit: 2}}
		failed, err := store.Steps(ctx, q)
		if err != nil {
			return name, -1, err
		}
		for _, s := range failed.Items {
			example = max(example, s.Index)
		}
		return name, -1, usagef("step %.80q ran once for each of %s: name one, such as %s", name, count(elements, "element"), shellQuote(fmt.Sprintf("%s[%d]", name, example)))
	case at == nil:
		return name, -1, nil
	case elements > 0 && *at >= elements:
		return name, *at, usagef("step %.80q of run %s has %s: name one from %s[0] to %s[%d]", name, runRef, count(elements, "element"), name, name, elements-1)
	}
	return name, *at, nil
}

func (c *cli) viewOf(ctx context.Context, found *repro.Case, place repro.Place, w repro.Written) *reproView {
	program := found.Run.Driver.Program
	v := &reproView{
		Run: found.Run.ID, Step: found.Step.Step, Index: found.Step.Index, State: found.Step.State, Test: w.Test, File: w.File, Data: w.Dir, Inputs: orEmpty(w.Contents),
		External: found.Planned.Config.External == step.On, Revision: program.Revision, Modified: program.Modified,
		Command: "go test -run '^" + w.Test + "$' .", Debug: "dlv test . -- -test.run '^" + w.Test + "$'",
	}
	if found.Failed() {
		v.Error = found.Attempt.Error
	}
	if at := found.Breakpoint(place); at != "" {
		v.Break = append(v.Break, "break "+at)
	}
	if found.Attempt.Stack != "" {
		v.Break = append(v.Break, "break runtime.gopanic")
	}
	v.CheckedOut, _ = origin.Head(place.Dir)
	if v.Revision == "" || v.CheckedOut == "" || v.CheckedOut == v.Revision && !edited(ctx, place.Dir) {
		return v
	}
	root, _ := origin.Root(place.Dir)
	rel, err := filepath.Rel(root, place.Dir)
	if err != nil {
		return v
	}
	other := root + "-" + v.Revision[:min(7, len(v.Revision))]
	v.worktree = "git -C " + shellQuote(root) + " worktree add " + shellQuote(other) + " " + v.Revision + "\n" +
		c.call("run repro "+found.Run.ID+" "+shellQuote(found.Recording.Name())+" --dir "+shellQuote(filepath.Join(other, rel)))
	return v
}

// edited reports whether files that Git knows differ from what is checked out. If Git cannot say, they do not.
func edited(ctx context.Context, dir string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "-C", dir, "status", "--porcelain", "--untracked-files=no")
	out, err := cmd.Output()
	return err == nil && len(out) > 0
}

func (c *cli) reproText(b *strings.Builder, v *reproView) {
	shown := func(path string) string {
		if wd, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(wd, path); err == nil && !strings.HasPrefix(rel, "..") {
				return rel
			}
		}
		return path
	}
	fmt.Fprintf(b, "wrote %s, with its data in %s\n", c.out.paint(bold, shown(v.File)), shown(v.Data))
	g := grid{indent: "  ", columns: []column{{}, {}, {right: true}, {flex: true}, {}}}
	var bytes int64
	for _, in := range v.Inputs {
		where := cell{"read from where it is", yellow}
		if in.Copied {
			where, bytes = cell{"copied", dim}, bytes+in.Size
		}
		g.add(text(in.Name), cell{in.Digest.Short(), dim}, text(size(in.Size)), cell{oneLine(in.About), dim}, where)
	}
	g.write(b, c.out)
	if v.External {
		b.WriteString(c.out.paint(yellow, "the step has effects outside, and the test has them again") + "\n")
	}
	c.sourceText(b, v)
	b.WriteString("\n")
	if dir := shown(filepath.Dir(v.File)); dir != "." {
		b.WriteString("  cd " + shellQuote(dir) + "\n")
	}
	fmt.Fprintf(b, "  %s\n  %s\n", v.Command, v.Debug)
	for _, at := range append(v.Break, "continue") {
		fmt.Fprintf(b, "  %s %s\n", c.out.paint(dim, "(dlv)"), at)
	}
}

// sourceText says which source the run had, and how to have it again.
func (c *cli) sourceText(b *strings.Builder, v *reproView) {
	short := func(id string) string { return id[:min(12, len(id))] }
	perhaps := ""
	if v.Modified {
		perhaps = ", perhaps with changes that were not committed"
	}
	switch {
	case v.Revision == "":
		b.WriteString("the revision of the run's source is not known: the test calls the source as it is\n")
	case v.worktree == "":
		fmt.Fprintf(b, "the source is at the run's revision %s%s\n", short(v.Revision), perhaps)
	case v.CheckedOut == v.Revision:
		fmt.Fprintf(b, "the source is at the run's revision %s, and was edited since. To call it as it was committed:\n", short(v.Revision))
	default:
		fmt.Fprintf(b, "the run's source was at revision %s%s, and %s is checked out. To call it as it was:\n", short(v.Revision), perhaps, short(v.CheckedOut))
	}
	for line := range strings.Lines(v.worktree) {
		b.WriteString("  " + strings.TrimSuffix(line, "\n") + "\n")
	}
}
