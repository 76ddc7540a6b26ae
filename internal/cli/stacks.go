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

func (c *cli) stacksCommand() *cobra.Command {
	return c.group(&cobra.Command{
		Use:   "stack",
		Short: "Manage stacks: what runs execute on",
		Long: "Manage stacks. A stack is a named set of components that runs execute on, written as YAML. The stack \"default\" is\n" +
			"built in: it keeps everything on this machine. Runs use the active stack unless they name another one.",
		Example: "tenon stack set production --file stack.yaml\ntenon stack use production\ntenon stack list",
	}, c.stackListCommand(), c.stackShowCommand(), c.stackSetCommand(), c.stackUseCommand(), c.stackValidateCommand(), c.stackDeleteCommand())
}

// stackView is a stack as -o json prints it.
type stackView struct {
	Name       string          `json:"name"`
	Active     bool            `json:"active"`
	Version    int             `json:"version,omitempty"`
	Updated    string          `json:"updated,omitempty"`
	Components []componentView `json:"components"`
	Error      string          `json:"error,omitempty"` // of a stored stack that cannot be read

	spec    []byte
	updated metadata.Stack
}

type componentView struct {
	Kind   string         `json:"kind"`
	Flavor string         `json:"flavor"`
	Config map[string]any `json:"config,omitempty"`
}

func defaultStack(active bool) stackView {
	spec := stack.Default()
	return stackView{Name: spec.Name, Active: active, Components: components(spec), spec: spec.YAML()}
}

func storedStack(s metadata.Stack, active bool) stackView {
	v := stackView{Name: s.Name, Active: active, Version: s.Version, Updated: s.Updated.UTC().Format("2006-01-02T15:04:05.000Z"), spec: s.Spec, updated: s, Components: []componentView{}}
	spec, err := stack.Parse(s.Spec, "stack "+s.Name)
	if err != nil {
		v.Error = err.Error()
		return v
	}
	v.Components = components(spec)
	return v
}

func components(spec stack.Spec) []componentView {
	views := []componentView{}
	for _, comp := range spec.Components {
		views = append(views, componentView{comp.Kind, comp.Flavor, comp.Config()})
	}
	return views
}

// activeStack returns the name of the active stack.
func activeStack(ctx context.Context, store metadata.Store) (string, error) {
	name, err := store.ActiveStack(ctx)
	if name == "" {
		name = stack.DefaultName
	}
	return name, err
}

// stackNamed returns a stack; "" is the active one.
func stackNamed(ctx context.Context, store metadata.Store, name string) (stackView, error) {
	active, err := activeStack(ctx, store)
	if err != nil {
		return stackView{}, err
	}
	if name == "" {
		name = active
	}
	if name == stack.DefaultName {
		return defaultStack(active == name), nil
	}
	s, err := store.Stack(ctx, name)
	if errors.Is(err, component.ErrNotFound) {
		return stackView{}, noStack(ctx, store, name)
	}
	return storedStack(s, active == name), err
}

// noStack says that there is no such stack, and which there are.
func noStack(ctx context.Context, store metadata.Store, name string) error {
	known := []string{stack.DefaultName}
	stacks, err := store.Stacks(ctx)
	if err != nil {
		return err
	}
	for _, s := range stacks {
		known = append(known, s.Name)
	}
	return component.Errorf(component.NotFound, "%w", unknown("stack", name, known))
}

func (c *cli) stackListCommand() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the stacks",
		Example: "tenon stack list\ntenon stack list -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				active, err := activeStack(cmd.Context(), client.Metadata())
				if err != nil {
					return err
				}
				stored, err := client.Metadata().Stacks(cmd.Context())
				if err != nil {
					return err
				}
				views := []stackView{defaultStack(active == stack.DefaultName)}
				for _, s := range stored {
					views = append(views, storedStack(s, active == s.Name))
				}
				return c.show(f, listing[stackView]{Items: views}, func(b *strings.Builder) { c.stackGrid(b, views) })
			})
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (c *cli) stackGrid(b *strings.Builder, views []stackView) {
	g := grid{columns: []column{{}, {title: "STACK"}, {title: "COMPONENTS", flex: true}, {title: "VERSION", right: true, minor: true}, {title: "UPDATED", minor: true}}}
	for _, v := range views {
		mark, version := cell{" ", ""}, ""
		if v.Active {
			mark = cell{"*", green}
		}
		if v.Version > 0 {
			version = strconv.Itoa(v.Version)
		}
		parts := []string{}
		for _, comp := range v.Components {
			parts = append(parts, comp.Kind+" "+comp.Flavor)
		}
		about := text(strings.Join(parts, ", "))
		if v.Error != "" {
			about = cell{oneLine(v.Error), red}
		}
		g.add(mark, text(v.Name), about, text(version), cell{ago(v.updated.Updated, c.now()), dim})
	}
	g.write(b, c.out)
}

func (c *cli) stackShowCommand() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:               "show [NAME] [flags]",
		Short:             "Print a stack as YAML; without a name the active one",
		Example:           "tenon stack show\ntenon stack show production > stack.yaml",
		Args:              arguments(0, 1, "a stack"),
		ValidArgsFunction: once(c.completeStacks),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				view, err := stackNamed(cmd.Context(), client.Metadata(), first(args))
				if err != nil {
					return err
				}
				return c.show(f, view, func(b *strings.Builder) {
					b.WriteString(strings.TrimRight(plainText(string(view.spec)), "\n") + "\n")
				})
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	f.add(cmd.Flags())
	return cmd
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (c *cli) stackValidateCommand() *cobra.Command {
	var (
		f    format
		file string
	)
	cmd := &cobra.Command{
		Use:               "validate [NAME | --file FILE] [flags]",
		Short:             "Check a stack without opening it",
		Long:              "Check a stack that is stored, or a stack file, against the flavors of this program. Nothing is opened or stored.",
		Example:           "tenon stack validate --file stack.yaml\ntenon stack validate production",
		Args:              arguments(0, 1, "a stack"),
		ValidArgsFunction: once(c.completeStacks),
		RunE: func(cmd *cobra.Command, args []string) error {
			valid := func(name string) error {
				return c.show(f, map[string]string{"valid": name}, func(b *strings.Builder) { b.WriteString("stack " + name + " is valid\n") })
			}
			switch {
			case file != "" && len(args) > 0:
				return usagef("%s: name a stored stack or a file, not both", cmd.CommandPath())
			case file != "":
				spec, _, err := c.readStack(file)
				if err != nil {
					return err
				}
				return valid(spec.Name)
			}
			return c.withClient(cmd.Context(), func(client Client) error {
				view, err := stackNamed(cmd.Context(), client.Metadata(), first(args))
				if err != nil {
					return err
				}
				spec, err := stack.Parse(view.spec, "stack "+view.Name)
				if err != nil {
					return err
				}
				if err := spec.Validate(c.app.Flavors); err != nil {
					return err
				}
				return valid(view.Name)
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().VarP(&filled{&file, 4096}, "file", "f", "YAML `file` that holds the stack; - reads standard input")
	f.add(cmd.Flags())
	return cmd
}
