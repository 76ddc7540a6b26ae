package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/origin"
	"github.com/tenon-ml/tenon/metadata"
)

// program is one of the commands that need the code of the steps, and so the program that started the run.
type program struct {
	verb string
	// flags adds the flags of the program's command.
	flags func(*pflag.FlagSet)
	what  string
}

var (
	resume = program{"resume", func(f *pflag.FlagSet) { (&resumeOptions{}).flags(f) }, "Go on with a run that did not succeed"}
	replay = program{"replay", func(f *pflag.FlagSet) { (&replayOptions{}).flags(f) }, "Make a new run of an old one, with changes"}
)

// forwarded is a flag that is checked here and handed on to the program.
type forwarded struct {
	pflag.Value
	name string
	to   *[]string
}

// Set implements pflag.Value.
func (f *forwarded) Set(s string) error {
	if err := f.Value.Set(s); err != nil {
		return err
	}
	*f.to = append(*f.to, "--"+f.name+"="+s)
	return nil
}

// runAgainCommand finds the program that started a run, and calls its command of the same name.
func (c *cli) runAgainCommand(p program) *cobra.Command {
	var rest []string
	cmd := &cobra.Command{
		Use:   p.verb + " RUN [flags]",
		Short: p.what,
		Long: p.what + ".\n\nThe steps are code of the program that started the run: this command finds that program and calls its command \"" + p.verb +
			"\" with the same flags. If the program is gone, or was started by \"go run\", the command says how to do the same.",
		Example:           "tenon run " + p.verb + " LAST",
		Args:              arguments(1, 1, "the run"),
		ValidArgsFunction: once(c.completeRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.callProgram(cmd.Context(), p, args[0], rest)
		},
	}
	cmd.DisableFlagsInUseLine = true
	p.flags(cmd.Flags())
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Value = &forwarded{f.Value, f.Name, &rest} })
	return cmd
}

func (c *cli) callProgram(ctx context.Context, p program, ref string, flags []string) error {
	var (
		run  metadata.Run
		home string
	)
	err := c.withClient(ctx, func(client Client) (err error) {
		home = client.Home()
		run, err = findRun(ctx, client.Metadata(), ref, "")
		return err
	})
	if err != nil {
		return err
	}
	what, args := run.Driver.Program, append([]string{p.verb, run.ID}, flags...)
	byHand := args
	if !c.isUsual(home) {
		byHand = append(slices.Clone(args), "--home="+home)
	}
	if !what.Main {
		return component.Errorf(component.FailedPrecondition, "run %s was started from Go code of %s: it calls the method %s of its pipeline, or Recover of the client, when it starts again",
			run.ID, describeProgram(what), map[string]string{"resume": "Resume", "replay": "Replay"}[p.verb])
	}
	if origin.ByGoRun(what.Path) {
		return component.Errorf(component.FailedPrecondition, "run %s was started by \"go run\", which builds its program from what the source is now: write\n%s",
			run.ID, goRun(what, byHand))
	}
	if info, err := os.Stat(what.Path); err != nil || !info.Mode().IsRegular() {
		return component.Errorf(component.NotFound, "the program that started run %s is no longer at %s: write\n%s", run.ID, what.Path, goRun(what, byHand))
	}
	// Who interrupts this command interrupts the program.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), what.Path, append(args, "--home="+home)...)
	cmd.Dir = what.Dir
	err = c.become(cmd)
	if err == nil || errors.As(err, new(*exitError)) {
		return err
	}
	return component.Errorf(component.Unavailable, "run %s in %s: %w", what.Path, what.Dir, err)
}

func describeProgram(p metadata.Program) string {
	if p.Package == "" {
		return "another program"
	}
	return p.Package
}

// goRun is how a person calls a program that "go run" built.
func goRun(p metadata.Program, args []string) string {
	pkg := shellQuote(p.Package)
	if p.Package == "command-line-arguments" || p.Package == "" {
		pkg = "FILE.go"
	}
	words := []string{"  cd", shellQuote(p.Dir), "&&", "go run", pkg}
	for _, a := range args {
		words = append(words, shellQuote(a))
	}
	return strings.Join(words, " ")
}
