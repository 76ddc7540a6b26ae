package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/stack"
)

// readStack reads and validates a stack file, without opening anything.
func (c *cli) readStack(file string) (stack.Spec, []byte, error) {
	data, err := c.readFile("--file", file)
	if err != nil {
		return stack.Spec{}, nil, err
	}
	spec, err := stack.Parse(data, sourceName(file))
	if err != nil {
		return spec, nil, usage(err)
	}
	if err := spec.Validate(c.app.Flavors); err != nil {
		return spec, nil, usage(err)
	}
	return spec, data, nil
}

func (c *cli) stackSetCommand() *cobra.Command {
	var (
		f    format
		file string
	)
	cmd := &cobra.Command{
		Use:               "set NAME --file FILE [flags]",
		Short:             "Validate a stack file and store it",
		Long:              "Validate a stack file and store it under its name, new or in place of the stack that has it.",
		Example:           "tenon stack set production --file stack.yaml",
		Args:              arguments(1, 1, "the stack"),
		ValidArgsFunction: once(c.completeStacks),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			switch {
			case name == stack.DefaultName:
				return usagef("the stack %q is built in: store yours under another name", name)
			case file == "":
				return usagef("%s: name the file that holds the stack: --file stack.yaml, or --file - for standard input", cmd.CommandPath())
			}
			spec, data, err := c.readStack(file)
			if err != nil {
				return err
			}
			if spec.Name != name {
				return usagef("%s: the file names the stack %q, the command %q: make them the same", file, spec.Name, clipBytes(name, 80))
			}
			return c.putStack(cmd.Context(), metadata.Stack{Name: name, Spec: data}, f)
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().VarP(&filled{&file, 4096}, "file", "f", "YAML `file` that holds the stack; - reads standard input")
	f.add(cmd.Flags())
	return cmd
}

func (c *cli) putStack(ctx context.Context, s metadata.Stack, f format) (err error) {
	client, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	stored, err := client.Metadata().PutStack(ctx, s, 0)
	if err != nil {
		return err
	}
	active, err := activeStack(ctx, client.Metadata())
	if err != nil {
		return err
	}
	return c.show(f, storedStack(stored, active == s.Name), func(b *strings.Builder) {
		b.WriteString("stored stack " + s.Name + ", version " + strconv.Itoa(stored.Version) + "\n")
	})
}

func (c *cli) stackUseCommand() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:               "use NAME [flags]",
		Short:             "Make a stack the active one",
		Example:           "tenon stack use production\ntenon stack use default",
		Args:              arguments(1, 1, "a stack"),
		ValidArgsFunction: once(c.completeStacks),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				view, err := stackNamed(cmd.Context(), client.Metadata(), args[0])
				if err != nil {
					return err
				}
				name := view.Name
				if name == stack.DefaultName {
					name = ""
				}
				if err := client.Metadata().SetActiveStack(cmd.Context(), name); err != nil {
					return err
				}
				return c.show(f, map[string]string{"active": view.Name}, func(b *strings.Builder) { b.WriteString("the active stack is " + view.Name + "\n") })
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	f.add(cmd.Flags())
	return cmd
}

func (c *cli) stackDeleteCommand() *cobra.Command {
	var (
		f   format
		yes bool
	)
	cmd := &cobra.Command{
		Use:               "delete NAME [flags]",
		Short:             "Delete a stored stack",
		Long:              "Delete a stored stack. The active stack cannot be deleted. Runs that used the stack keep their records.\n\nOn a terminal the command asks first; elsewhere it needs --yes.",
		Example:           "tenon stack delete production",
		Args:              arguments(1, 1, "a stack"),
		ValidArgsFunction: once(c.completeStacks),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if name == stack.DefaultName {
				return usagef("the stack %q is built in and cannot be deleted", name)
			}
			return c.withClient(cmd.Context(), func(client Client) error {
				view, err := stackNamed(cmd.Context(), client.Metadata(), name)
				switch {
				case err != nil:
					return err
				case view.Active:
					return component.Errorf(component.FailedPrecondition, "stack %s is the active one: choose another first, with \"tenon stack use default\"", name)
				}
				if !yes {
					if err := c.confirm(cmd.Context(), "delete stack "+name+"?"); err != nil {
						return err
					}
				}
				if err := client.Metadata().DeleteStack(cmd.Context(), name); err != nil {
					return err
				}
				return c.show(f, map[string][]string{"deleted": {name}}, func(b *strings.Builder) { b.WriteString("deleted stack " + name + "\n") })
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.add(cmd.Flags())
	return cmd
}
