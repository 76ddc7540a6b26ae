package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/internal/strictyaml"
)

// errInterrupted is the cause of a context that ended because of a signal.
var errInterrupted = errors.New("interrupted")

// Run executes one command line, without the program's name, and returns the exit code. The first interrupt cancels what runs; after
// the second one Run returns at once, and the caller is expected to exit.
func Run(ctx context.Context, app App, args []string) int {
	c := newCLI(app)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, interrupts()...)
	defer signal.Stop(signals)
	return c.run(ctx, args, signals)
}

// cli is the state of one command line.
type cli struct {
	app      App
	env      func(string) string
	out, err *screen
	now      func() time.Time
	home     string // --home
	texts    map[*cobra.Command]func()
	notes    notes
}

func newCLI(app App) *cli {
	c := &cli{app: app, now: time.Now}
	c.notes.c = c
	vars := make(map[string]string, len(app.Environ))
	for _, v := range app.Environ {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	c.env = func(name string) string { return vars[name] }
	c.out, c.err = newScreen(app.Stdout, c.env), newScreen(app.Stderr, c.env)
	return c
}

func (c *cli) run(ctx context.Context, args []string, signals <-chan os.Signal) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- c.execute(ctx, args) }()
	for interrupted := false; ; {
		select {
		case err := <-done:
			if err == nil {
				return exitOK
			}
			if interrupted && !errors.As(err, new(*exitError)) {
				err = errInterrupted
			}
			if text := told(err); text != "" {
				fmt.Fprintln(c.err.w, c.err.paint(red, "error:")+" "+text)
			}
			return codeOf(err)
		case <-signals:
			if interrupted {
				return exitInterrupted
			}
			interrupted = true
			cancel(errInterrupted)
		}
	}
}

func (c *cli) execute(ctx context.Context, args []string) error {
	root := c.root()
	if args == nil {
		args = []string{} // cobra takes os.Args in place of nil
	}
	root.SetArgs(args)
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		c.completeFlags(root)
	}
	root.SetIn(c.app.Stdin)
	root.SetOut(c.out.w)
	root.SetErr(c.err.w)
	return root.ExecuteContext(ctx)
}

// root builds the tree of commands.
func (c *cli) root() *cobra.Command {
	var root *cobra.Command
	if len(c.app.Pipelines) > 0 {
		root = c.programRoot()
	} else {
		root = c.tenonRoot()
	}
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().Var(&filled{&c.home, 4096}, "home", "state `directory` (default: TENON_HOME, or ~/.tenon)")
	root.PersistentFlags().BoolP("help", "h", false, "show help")
	root.AddCommand(c.versionCommand(), c.completionCommand())
	root.SetHelpCommand(c.helpCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(c.out.w, c.help(cmd)) })
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if err := c.misplacedFlag(cmd, err); err != nil {
			return err
		}
		return flagError(cmd.Flags(), cmd.CommandPath(), err)
	})
	return root
}

// describe sets the texts of a command when they are needed: most commands run without anybody reading their help.
func (c *cli) describe(cmd *cobra.Command, texts func()) {
	if c.texts == nil {
		c.texts = map[*cobra.Command]func(){}
	}
	c.texts[cmd] = texts
}

// tenonRoot is the command that looks at what was recorded.
func (c *cli) tenonRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   c.app.Program,
		Short: "Look at what pipelines recorded, and manage stacks",
		Long: "Look at runs, their logs and their artifacts, and manage the stacks that they execute on.\n\n" +
			"Pipelines are run by programs that call tenon.Main: \"go run . --help\" in such a program shows how.",
		Example: "tenon run list\ntenon run show LAST\ntenon run logs LAST train\ntenon artifact get LAST/report -o report.html",
		Args:    c.noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(c.newCommand(), c.runsCommand(), c.artifactsCommand(), c.stacksCommand(), c.flavorsCommand(), c.cacheCommand(), c.gcCommand())
	return root
}

// programRoot is the command of a program with pipelines.
func (c *cli) programRoot() *cobra.Command {
	o := &runOptions{}
	root := &cobra.Command{
		Use:   c.app.Program,
		Short: c.programShort(),
		Args:  c.noSuchCommand,
		RunE:  func(cmd *cobra.Command, args []string) error { return c.runPipeline(cmd, o, args) },
	}
	o.flags(root.Flags())
	if len(c.app.Pipelines) > 1 { // they lead to an error that says how to name one
		root.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = true })
	}
	c.describe(root, func() { root.Long, root.Example = c.programLong(), c.programExamples() })
	root.AddCommand(c.runCommand(), c.planCommand(), c.resumeCommand(), c.replayCommand(), c.graphCommand(), c.paramsCommand())
	return root
}

// noSuchCommand refuses what is left after the commands that exist.
func (c *cli) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			known = append(known, sub.Name())
		}
	}
	if _, err := c.pipelineNamed(args[0]); err == nil && cmd.HasAvailableFlags() && !cmd.HasParent() {
		return usagef("unknown command %q: to run that pipeline, write \"%s run %s\"", args[0], cmd.CommandPath(), args[0])
	}
	if err := c.elsewhere(args[0]); err != nil {
		return err
	}
	if below := belowGroups(cmd, args[0]); len(below) > 0 {
		return usagef("unknown command %q: did you mean %s?", args[0], strings.Join(below, " or "))
	}
	if near := strictyaml.Closest(args[0], known); near != "" {
		return usagef("unknown command %.40q: did you mean \"%s %s\"?", args[0], cmd.CommandPath(), near)
	}
	return usagef("unknown command %.40q: see \"%s --help\"", args[0], cmd.CommandPath())
}

// belowGroups returns the commands of groups of a command that have a name, such as "tenon run show" for show.
func belowGroups(cmd *cobra.Command, name string) (found []string) {
	for _, group := range cmd.Commands() {
		for _, sub := range group.Commands() {
			if sub.IsAvailableCommand() && sub.Name() == name {
				found = append(found, strconv.Quote(sub.CommandPath()))
			}
		}
	}
	return found
}

// group is a command that only holds others.
func (c *cli) group(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = c.noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(subs...)
	return cmd
}

// arguments checks the number of arguments of a command and explains what it takes.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("%s: name %s: %s", cmd.CommandPath(), what, cmd.UseLine())
		case most >= 0 && len(args) > most:
			return usagef("%s: unexpected argument %.40q: %s", cmd.CommandPath(), args[most], cmd.UseLine())
		}
		for _, a := range args {
			if a == "" {
				return usagef("%s: an argument is empty: %s", cmd.CommandPath(), cmd.UseLine())
			}
			if len(a) > 1000 {
				return usagef("%s: the argument %.40q... is %d bytes long: use at most 1000", cmd.CommandPath(), a, len(a))
			}
		}
		return nil
	}
}

// open opens a client on the home that was chosen, which need not exist.
func (c *cli) open(ctx context.Context) (Client, error) {
	return c.app.Open(ctx, Options{Home: c.home, Logger: c.notes.logger()})
}

// withClient calls fn with a client that is closed afterwards. It is for commands that look: if nothing is recorded yet, nothing is
// written either.
func (c *cli) withClient(ctx context.Context, fn func(Client) error) (err error) {
	client, err := c.app.Open(ctx, Options{Home: c.home, Existing: true, Logger: c.notes.logger()})
	if errors.Is(err, ErrNoState) {
		return fn(nothing{})
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return fn(client)
}

// format is the flag -o of commands that print data.
type format struct{ value string }

func (f *format) add(flags *pflag.FlagSet) {
	flags.VarP(&choice{value: &f.value, allowed: []string{"text", "json"}}, "output", "o", "`format` of the output: text or json (default text)")
}

func (f *format) json() bool { return f.value == "json" }

// show writes v as JSON, or what text builds.
func (c *cli) show(f format, v any, text func(b *strings.Builder)) error {
	if f.json() {
		return writeJSON(c.out.w, v)
	}
	var b strings.Builder
	text(&b)
	_, err := io.WriteString(c.out.w, b.String())
	return err
}
