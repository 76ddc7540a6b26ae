package cli

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/strictyaml"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1   // a run failed, something was not found, a component did not work
	exitUsage       = 2   // bad input; nothing was written
	exitInterrupted = 130 // a person, or the system, asked to stop
	exitBrokenPipe  = 141 // the reader of the output went away
)

// exitError gives an error an exit code. Without an error the code was explained already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef says what is wrong with the input and what would be right.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// usage marks an error as bad input.
func usage(err error) error { return &exitError{exitUsage, err} }

// codeOf returns the exit code for the error of a command.
func codeOf(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, syscall.EPIPE):
		return exitBrokenPipe
	case errors.Is(err, context.Canceled), errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, component.ErrInvalid):
		return exitUsage
	}
	return exitFailed
}

// told returns the text of an error that nobody has told the person yet.
func told(err error) string {
	var exit *exitError
	if errors.As(err, &exit) && exit.err == nil {
		return ""
	}
	switch codeOf(err) {
	case exitBrokenPipe:
		return ""
	case exitInterrupted:
		return "interrupted"
	}
	return errorText(err.Error())
}

// flagError rewrites what the flag parser found into one line that says what would be right.
func flagError(flags *pflag.FlagSet, command string, err error) error {
	var missing *pflag.NotExistError
	var noValue *pflag.ValueRequiredError
	var bad *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &missing) && missing.GetSpecifiedShortnames() != "":
		return usagef("unknown flag -%.40s: see \"%s --help\"", missing.GetSpecifiedName(), command)
	case errors.As(err, &missing):
		name := missing.GetSpecifiedName()
		var known []string
		flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, f.Name)
			}
		})
		if near := strictyaml.Closest(name, known); near != "" {
			return usagef("unknown flag --%.40s: did you mean --%s?", name, near)
		}
		return usagef("unknown flag --%.40s: see \"%s --help\"", name, command)
	case errors.As(err, &noValue):
		f := noValue.GetFlag()
		kind, _ := pflag.UnquoteUsage(f)
		return usagef("flag --%s needs a value: --%s %s", f.Name, f.Name, kind)
	case errors.As(err, &bad):
		f := bad.GetFlag()
		if f.Value.Type() == "bool" {
			return usagef("flag --%s: %.40q is neither true nor false", f.Name, bad.GetValue())
		}
		return usagef("flag --%s: %w", f.Name, errors.Unwrap(bad))
	case errors.As(err, &syntax):
		return usagef("bad flag %.40q: write --name value or --name=value", syntax.GetSpecifiedFlag())
	}
	return usage(err)
}

// misplacedFlag explains a flag that does not exist because it is something else: a flag of a command of tenon, or a parameter.
func (c *cli) misplacedFlag(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) || missing.GetSpecifiedShortnames() != "" {
		return nil
	}
	if args := cmd.Flags().Args(); len(args) > 0 && !cmd.HasParent() {
		if err := c.elsewhere(args[0]); err != nil {
			return err
		}
	}
	if cmd.Flags().Lookup("set") == nil {
		return nil
	}
	for _, p := range c.app.Pipelines {
		for _, param := range paramsOf(p).Params {
			if param.Name == missing.GetSpecifiedName() {
				return usagef("unknown flag --%.40s: to set the parameter, write --set %s=VALUE", param.Name, param.Name)
			}
		}
	}
	return nil
}

// elsewhere says that a command is one of tenon and not of a program with pipelines; nil if it is not.
func (c *cli) elsewhere(command string) error {
	if len(c.app.Pipelines) == 0 {
		return nil
	}
	switch command {
	case "artifact", "cache", "flavor", "gc", "new", "stack":
		return usagef("%q is a command of tenon and not of this program: write \"tenon %s\"", command, command)
	case "approve", "cancel", "delete", "diff", "logs", "reject", "repro", "show":
		return usagef("%q is a command of tenon and not of this program: write \"tenon run %s\"", command, command)
	}
	return nil
}

// unknown explains a name that is not among the known ones.
func unknown(what, name string, known []string) error {
	return fmt.Errorf("unknown %s %.40q: %s", what, name, strictyaml.Suggest(name, known))
}
