package cli

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/stack"
)

func (c *cli) flavorsCommand() *cobra.Command {
	return c.group(&cobra.Command{
		Use:     "flavor",
		Short:   "Look at the kinds of components that stacks may use",
		Long:    "Look at flavors: the implementations of each kind of component that this program has, with their configuration.",
		Example: "tenon flavor list\ntenon flavor show artifact_store/local",
	}, c.flavorListCommand(), c.flavorShowCommand())
}

// flavorView is a flavor as -o json prints it.
type flavorView struct {
	Kind   string          `json:"kind"`
	Name   string          `json:"name"`
	Doc    string          `json:"doc,omitempty"`
	Schema json.RawMessage `json:"config_schema,omitempty"`
}

// flavors returns the program's flavors by kind, in the order of a stack file, and name.
func (c *cli) flavors() []component.Flavor {
	kinds := stack.Kinds()
	return slices.SortedStableFunc(slices.Values(c.app.Flavors), func(a, b component.Flavor) int {
		return cmp.Or(slices.Index(kinds, a.Kind())-slices.Index(kinds, b.Kind()), strings.Compare(a.Name(), b.Name()))
	})
}

func (c *cli) flavorListCommand() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the flavors of this program",
		Example: "tenon flavor list\ntenon flavor list -o json",
		Args:    arguments(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			views := []flavorView{}
			g := grid{columns: []column{{title: "KIND"}, {title: "FLAVOR"}, {title: "MEANING", flex: true}}}
			for _, fl := range c.flavors() {
				views = append(views, flavorView{Kind: fl.Kind(), Name: fl.Name(), Doc: fl.Doc()})
				g.add(text(fl.Kind()), cell{fl.Name(), cyan}, text(oneLine(fl.Doc())))
			}
			return c.show(f, listing[flavorView]{Items: views}, func(b *strings.Builder) { g.write(b, c.out) })
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (c *cli) flavorShowCommand() *cobra.Command {
	var f format
	cmd := &cobra.Command{
		Use:               "show FLAVOR [flags]",
		Short:             "Show a flavor and the configuration it takes",
		Long:              "Show a flavor and the configuration it takes. FLAVOR is a name, or KIND/NAME where several kinds have the name.\n\nWith -o json the configuration is a JSON Schema.",
		Example:           "tenon flavor show artifact_store/local\ntenon flavor show artifact_store/local -o json",
		Args:              arguments(1, 1, "a flavor"),
		ValidArgsFunction: once(c.completeFlavors),
		RunE: func(_ *cobra.Command, args []string) error {
			fl, err := c.flavorNamed(args[0])
			if err != nil {
				return err
			}
			schema, err := stack.Schema(fl)
			if err != nil {
				return err
			}
			view := flavorView{fl.Kind(), fl.Name(), fl.Doc(), schema}
			return c.show(f, view, func(b *strings.Builder) { c.flavorText(b, fl) })
		},
	}
	cmd.DisableFlagsInUseLine = true
	f.add(cmd.Flags())
	return cmd
}

// flavorNamed finds a flavor by name or KIND/NAME.
func (c *cli) flavorNamed(ref string) (component.Flavor, error) {
	kind, name, qualified := strings.Cut(ref, "/")
	if !qualified {
		kind, name = "", ref
	}
	var found []component.Flavor
	var known, same []string
	for _, f := range c.flavors() {
		full := f.Kind() + "/" + f.Name()
		known = append(known, full)
		if f.Name() == name && (kind == "" || f.Kind() == kind) {
			found, same = append(found, f), append(same, full)
		}
	}
	switch len(found) {
	case 0:
		return component.Flavor{}, usage(unknown("flavor", ref, known))
	case 1:
		return found[0], nil
	}
	return component.Flavor{}, usagef("%q is the name of several flavors: write one of %s", name, strings.Join(same, ", "))
}

func (c *cli) flavorText(b *strings.Builder, fl component.Flavor) {
	b.WriteString(c.out.paint(bold, fl.Kind()+"/"+fl.Name()))
	if doc := oneLine(fl.Doc()); doc != "" {
		b.WriteString(": " + doc)
	}
	b.WriteString("\n")
	list := fieldList(fl.Config())
	if len(list) == 0 {
		b.WriteString("\nIt takes no configuration.\n")
		return
	}
	b.WriteString("\n" + c.out.paint(bold, "Configuration") + "\n")
	c.paramGrid(b, "  ", list)
	b.WriteString("\n" + c.out.paint(bold, "In a stack file") + "\n  " + fl.Kind() + ": {flavor: " + fl.Name() + ", config: {" + list[0].Name + ": " + cmp.Or(list[0].defaultText(), "...") + "}}\n")
}
