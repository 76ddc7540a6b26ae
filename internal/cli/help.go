package cli

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help renders the help of a command.
func (c *cli) help(cmd *cobra.Command) string {
	if texts := c.texts[cmd]; texts != nil {
		texts()
	}
	s := c.out
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	b.WriteString(paragraphs(strings.TrimSpace(about), s) + "\n")
	heading := func(text string) { b.WriteString("\n" + s.paint(bold, text) + "\n") }
	heading("Usage")
	if cmd.Runnable() && (!cmd.HasAvailableSubCommands() || cmd.LocalFlags().Lookup("set") != nil && len(c.app.Pipelines) == 1) {
		b.WriteString("  " + cmd.UseLine() + "\n")
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("  " + cmd.CommandPath() + " COMMAND [flags]\n")
	}
	if cmd.Example != "" {
		heading("Examples")
		for line := range strings.SplitSeq(strings.TrimSpace(cmd.Example), "\n") {
			b.WriteString("  " + c.named(line) + "\n")
		}
	}
	if cmd.HasAvailableSubCommands() {
		heading("Commands")
		g := grid{indent: "  ", columns: []column{{}, {flex: true, wrap: true}}}
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				g.add(cell{sub.Name(), cyan}, text(sub.Short))
			}
		}
		g.write(&b, s)
	}
	writeFlags(&b, s, heading, "Flags", cmd.LocalNonPersistentFlags())
	common := pflag.NewFlagSet("", pflag.ContinueOnError)
	common.AddFlagSet(cmd.PersistentFlags())
	common.AddFlagSet(cmd.InheritedFlags())
	writeFlags(&b, s, heading, "Flags of every command", common)
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n" + s.paint(dim, "\""+cmd.CommandPath()+" COMMAND --help\" shows more of a command.") + "\n")
	}
	return b.String()
}

// named returns an example of tenon as it is written for a program of another name, such as one that brings flavors of its own.
func (c *cli) named(example string) string {
	if rest, ok := strings.CutPrefix(example, "tenon "); ok {
		return c.app.Program + " " + rest
	}
	return example
}

// paragraphs lays text out for the screen. What is indented stays as it is.
func paragraphs(text string, s *screen) string {
	width, _ := s.size()
	if width == 0 {
		return text
	}
	parts := strings.Split(text, "\n\n")
	for i, p := range parts {
		if !strings.Contains(p, "\n  ") {
			parts[i] = wrap(strings.ReplaceAll(p, "\n", " "), min(width, 100))
		}
	}
	return strings.Join(parts, "\n\n")
}

func writeFlags(b *strings.Builder, s *screen, heading func(string), title string, flags *pflag.FlagSet) {
	g := grid{indent: "  ", columns: []column{{}, {flex: true, wrap: true}}}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		if f.Value.Type() != "bool" {
			name += " " + kind
		}
		g.add(cell{name, cyan}, text(usage))
	})
	if len(g.rows) > 0 {
		heading(title)
		g.write(b, s)
	}
}

func (c *cli) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil || target == nil || len(rest) > 0 {
				return c.noSuchCommand(target, rest)
			}
			return target.Help()
		},
	}
}

// version is what the build knows of itself.
type version struct {
	Program  string `json:"program"`
	Version  string `json:"version"`
	Tenon    string `json:"tenon"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

const module = "github.com/tenon-ml/tenon"

func (c *cli) version() version {
	v := version{Program: c.app.Program, Version: "(devel)", Tenon: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	if info.Main.Path == module {
		v.Tenon = v.Version
	}
	for _, d := range info.Deps {
		if d.Path == module && d.Replace == nil {
			v.Tenon = d.Version
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (c *cli) versionCommand() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: c.app.Program + " version\n" + c.app.Program + " version -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			v := c.version()
			return c.show(f, v, func(b *strings.Builder) {
				b.WriteString(v.Program + " " + v.Version)
				if v.Program != "tenon" {
					b.WriteString(", tenon " + v.Tenon)
				}
				b.WriteString(", " + v.Go + " " + v.Platform + "\n")
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (c *cli) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	p := c.app.Program
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands in a shell",
		Long:  "Print a script that completes commands, flags and names in a shell.",
		Example: "source <(" + p + " completion bash)        # in ~/.bashrc\n" +
			"source <(" + p + " completion zsh)         # in ~/.zshrc\n" +
			p + " completion fish | source            # in ~/.config/fish/config.fish\n" +
			p + " completion powershell | Out-String | Invoke-Expression",
		Args:      arguments(1, 1, "a shell"),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.out.w, true)
			case "zsh":
				return root.GenZshCompletion(c.out.w)
			case "fish":
				return root.GenFishCompletion(c.out.w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.out.w)
			}
			return usage(unknown("shell", args[0], shells))
		},
	}
}
