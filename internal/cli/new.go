package cli

import (
	"errors"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/newproject"
)

func (c *cli) newCommand() *cobra.Command {
	var (
		f format
		o newproject.Options
	)
	cmd := &cobra.Command{
		Use:   "new NAME [flags]",
		Short: "Write a small working project to begin with",
		Long: "Write a small working project to begin with: a module with a pipeline of three steps, its data, its tests, and a file that\n" +
			"checks and runs it on GitHub. The directory must not exist, or be empty. It is written whole or not at all.\n\n" +
			"Until Tenon has a release, a project needs its source: --replace names the directory of a checkout, which the project's\n" +
			"go.mod then uses.",
		Example:           "tenon new birds\ntenon new birds --module example.com/birds --dir work/birds\ntenon new birds --replace ../tenon",
		Args:              arguments(1, 1, "the project"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			o.Name = args[0]
			info, _ := debug.ReadBuildInfo()
			o.Version = downloadable(info)
			p, err := newproject.Create(o)
			if err != nil {
				if errors.Is(err, component.ErrAlreadyExists) {
					err = usage(err) // nothing was written
				}
				return err
			}
			view := newView{Project: p, Tenon: o.Version, Replace: o.Replace, Next: c.nextSteps(p, o)}
			return c.show(f, view, func(b *strings.Builder) { c.newText(b, view) })
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().Var(&filled{&o.Module, 1000}, "module", "`path` of the module (default: NAME)")
	cmd.Flags().Var(&filled{&o.Dir, 4096}, "dir", "`directory` to write (default: NAME)")
	cmd.Flags().Var(&filled{&o.Replace, 4096}, "replace", "`directory` with the source of Tenon, to use in place of a version")
	f.add(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("module", cobra.NoFileCompletions) // the flags exist
	_ = cmd.RegisterFlagCompletionFunc("dir", directories)
	_ = cmd.RegisterFlagCompletionFunc("replace", directories)
	return cmd
}

func directories(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// downloadable returns the version of Tenon in a program if the go command can fetch it again: it did so for this program, as the sum shows.
func downloadable(info *debug.BuildInfo) string {
	if info == nil {
		return ""
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == module && m.Replace == nil && m.Sum != "" {
			return m.Version
		}
	}
	return ""
}

// newView is a new project as -o json prints it.
type newView struct {
	newproject.Project
	Tenon   string   `json:"tenon_version,omitempty"` // that it requires
	Replace string   `json:"replace,omitempty"`
	Next    []string `json:"next"` // commands
}

// nextSteps are the commands that make the project run.
func (c *cli) nextSteps(p newproject.Project, o newproject.Options) []string {
	next := []string{"cd " + shellQuote(p.Dir)}
	if o.Version == "" && o.Replace == "" {
		next = append(next, "go mod edit -replace "+module+"=DIRECTORY")
	}
	if p.Workspace != "" && c.env("GOWORK") == "" {
		next = append(next, "go work use .")
	}
	return append(next, "go mod tidy", "go test ./...", "go run .")
}

func (c *cli) newText(b *strings.Builder, v newView) {
	b.WriteString("made " + c.out.paint(bold, v.Dir) + "\n\n")
	for _, command := range v.Next {
		if strings.HasPrefix(command, "go mod edit") {
			b.WriteString(c.out.paint(dim, "  # This tenon has no version that can be fetched: name a checkout of it.") + "\n")
		}
		if strings.HasPrefix(command, "go work use") {
			b.WriteString(c.out.paint(dim, "  # "+oneLine(v.Workspace)+" must know the project.") + "\n")
		}
		b.WriteString("  " + c.out.paint(cyan, command) + "\n")
	}
	b.WriteString("\nThe pipeline is in main.go; README.md says what else there is.\n")
	if v.Replace != "" {
		b.WriteString("It builds where the checkout is that its go.mod names, not yet on GitHub.\n")
	}
}
